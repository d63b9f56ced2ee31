// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What is measured of the crate, beside what is wanted: the [table](table) that `make bench` prints, and the
//! [instruction counts](instructions) that `make lane-clients` guards.

pub mod instructions;
pub mod samples;
pub mod table;
