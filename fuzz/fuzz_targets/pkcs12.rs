//! libFuzzer's way into `sealane_fuzz::pkcs12`; nothing is decided here.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sealane_fuzz::pkcs12(input));
