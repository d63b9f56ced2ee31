// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Hands [`kallmodsyms_fuzz::elf`] to libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kallmodsyms_fuzz::elf(data));
