// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What became of a guest.
//!
//! A guest that ran is judged by three things: the KTAP that it sent through a virtio port, the line `# exit N` that ends it,
//! and its console, where the kernel says when something is wrong with itself. A guest that did not send that last line is
//! lost, whatever it had said before.
//!
//! The runner of the test suites reads their KTAP with the same reader.

pub mod ktap;
pub mod splat;
pub mod verdict;
