// SPDX-License-Identifier: GPL-2.0

//! Credentials.
//!
//! C header: [`include/linux/cred.h`](srctree/include/linux/cred.h)

use crate::{bindings, types::Opaque};

/// A `struct cred`: what a task, or the opener of a file, may do.
#[repr(transparent)]
pub struct Credential(Opaque<bindings::cred>);

impl Credential {
    /// Makes a reference from a raw pointer.
    ///
    /// # Safety
    ///
    /// `ptr` must be a valid `struct cred` for the duration of `'a`.
    pub unsafe fn from_raw<'a>(ptr: *const bindings::cred) -> &'a Self {
        // SAFETY: `Credential` is transparent, and the rest is the promise of the caller.
        unsafe { &*ptr.cast() }
    }

    /// Returns a raw pointer to the `struct cred`.
    pub fn as_ptr(&self) -> *const bindings::cred {
        self.0.get()
    }
}
