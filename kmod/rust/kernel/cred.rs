// SPDX-License-Identifier: GPL-2.0

//! Credentials.
//!
//! C header: [`include/linux/cred.h`](srctree/include/linux/cred.h)

use crate::{bindings, types::Opaque};

/// A `struct cred`: what a task, or the opener of a file, may do.
///
/// # Invariants
///
/// A reference is to a `struct cred` that stays valid for as long as the reference does.
#[repr(transparent)]
pub struct Credential(Opaque<bindings::cred>);

impl Credential {
    /// Makes a reference from a raw pointer.
    ///
    /// # Safety
    ///
    /// `ptr` must point to a `struct cred` that stays valid for the duration of `'a`.
    #[inline]
    pub unsafe fn from_ptr<'a>(ptr: *const bindings::cred) -> &'a Self {
        // INVARIANT: The caller promises that it stays valid.
        // SAFETY: `Credential` has the layout of `struct cred`, as it is transparent, and the
        // caller promises that there is one.
        unsafe { &*ptr.cast() }
    }

    /// Returns a raw pointer to the `struct cred`.
    #[inline]
    pub fn as_ptr(&self) -> *const bindings::cred {
        self.0.get()
    }
}
