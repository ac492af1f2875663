//! libFuzzer's way into `sealane_fuzz::proxy_protocol`; nothing is decided here.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sealane_fuzz::proxy_protocol(input));
