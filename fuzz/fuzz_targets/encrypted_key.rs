//! libFuzzer's way into `sealane_fuzz::encrypted_key`; nothing is decided here.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sealane_fuzz::encrypted_key(input));
