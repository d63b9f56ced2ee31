// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Whether the command was started with its standard output closed (`>&-`).
//!
//! Rust's runtime opens /dev/null in place of what is closed, before `main`: all that is written would be lost, and the
//! exit status would say that it was not. Afterwards nothing tells that from a /dev/null that the user chose. So it is
//! looked at before the runtime starts.

use std::sync::atomic::{AtomicBool, Ordering};

static CLOSED: AtomicBool = AtomicBool::new(false);

#[ctor::ctor(unsafe)]
fn look() {
    // One system call, and nothing of the runtime.
    let closed = rustix::io::fcntl_getfd(rustix::stdio::stdout()).is_err();
    CLOSED.store(closed, Ordering::Relaxed);
}

pub(crate) fn at_start() -> bool {
    CLOSED.load(Ordering::Relaxed)
}
