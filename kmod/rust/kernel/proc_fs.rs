// SPDX-License-Identifier: GPL-2.0

//! Files in `/proc`.
//!
//! C header: [`include/linux/proc_fs.h`](srctree/include/linux/proc_fs.h)

use crate::{
    bindings,
    error::{code::*, Result},
    seq_file::{OperationsVTable, SeqOperations},
    str::CStr,
};
use core::{marker::PhantomData, ptr};

struct ProcOps<T>(PhantomData<T>);

impl<T: SeqOperations> ProcOps<T> {
    const VTABLE: bindings::proc_ops = bindings::proc_ops {
        // The file is never removed, so readers need not be counted.
        proc_flags: bindings::PROC_ENTRY_PERMANENT,
        proc_open: Some(OperationsVTable::<T>::open_callback),
        proc_read_iter: Some(bindings::seq_read_iter),
        proc_lseek: Some(bindings::seq_lseek),
        proc_release: Some(OperationsVTable::<T>::release_callback),
        ..PROC_OPS
    };
}

// SAFETY: All of its members are integers and options of function pointers, for which zeroes are
// valid: 0 and `None`.
const PROC_OPS: bindings::proc_ops = unsafe { core::mem::zeroed() };

/// Creates `/proc/<name>`, which everybody may read, with the records of `T`.
///
/// The file stays for the life of the kernel.
///
/// # Examples
///
/// ```
/// use kernel::{c_str, cred::Credential, prelude::*, proc_fs, seq_file::{SeqFile, SeqOperations}};
///
/// struct Hello;
///
/// impl SeqOperations for Hello {
///     fn open(_opener: &Credential) -> Result<Self> {
///         Ok(Hello)
///     }
///
///     fn start(&mut self, pos: u64) -> Result<bool> {
///         Ok(pos == 0)
///     }
///
///     fn next(&mut self) -> Result<bool> {
///         Ok(false)
///     }
///
///     fn show(&mut self, m: &mut SeqFile<'_>) -> Result {
///         m.write(b"Hello\n");
///         Ok(())
///     }
/// }
///
/// proc_fs::create_seq::<Hello>(c_str!("rust_proc_fs_example"))?;
/// # Ok::<(), Error>(())
/// ```
pub fn create_seq<T: SeqOperations>(name: &CStr) -> Result {
    // SAFETY: `name` is NUL-terminated, and the operations are constant and made for `T`.
    let entry = unsafe {
        bindings::proc_create(
            name.as_char_ptr(),
            0o444,
            ptr::null_mut(),
            &ProcOps::<T>::VTABLE,
        )
    };
    if entry.is_null() {
        return Err(ENOMEM);
    }
    Ok(())
}
