// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The part of `kernel/kallmodsyms/` that needs no kernel, for its tests.

#![cfg_attr(not(test), no_std)]
#![cfg_attr(not(test), allow(dead_code))] // it is there for the kernel

#[path = "../kernel/kallmodsyms/symbols/mod.rs"]
mod symbols;
