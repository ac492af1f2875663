//! libFuzzer's way into `sealane_fuzz::connection_operations`; nothing is decided here.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sealane_fuzz::connection_operations(input));
