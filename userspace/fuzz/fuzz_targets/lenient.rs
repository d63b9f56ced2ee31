// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Hands [`kallmodsyms_fuzz::lenient`] to libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kallmodsyms_fuzz::lenient(data));
