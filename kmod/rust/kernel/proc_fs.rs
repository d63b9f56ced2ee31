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
use core::{
    marker::PhantomData,
    ptr::{self, NonNull},
};

/// A file in `/proc` that everybody may read. It is removed when this is dropped.
///
/// Only what is built in can have one, for now: if this is forgotten and not dropped, the file
/// stays, and what a module has for it would be gone with the module.
///
/// # Examples
///
/// ```
/// use kernel::{c_str, cred::Credential, prelude::*, proc_fs::ProcFile};
/// use kernel::seq_file::{Record, SeqOperations};
///
/// struct Hello(&'static [u8]);
///
/// impl SeqOperations for Hello {
///     type Data = [u8; 6];
///
///     fn open(_opener: &Credential, data: &'static [u8; 6]) -> Result<Self> {
///         Ok(Hello(data))
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
///     fn show(&mut self, record: &mut Record<'_>) -> Result {
///         record.write(self.0);
///         Ok(())
///     }
/// }
///
/// let file = ProcFile::new::<Hello>(c_str!("rust_proc_fs_example"), b"Hello\n")?;
/// # drop(file);
/// # // Its name can be had again.
/// # ProcFile::new::<Hello>(c_str!("rust_proc_fs_example"), b"again\n")?;
/// # Ok::<(), Error>(())
/// ```
///
/// # Invariants
///
/// The entry is valid, and ours to remove.
pub struct ProcFile(NonNull<bindings::proc_dir_entry>);

// SAFETY: An entry can be removed by any thread.
unsafe impl Send for ProcFile {}

// SAFETY: There is nothing that can be done with a reference.
unsafe impl Sync for ProcFile {}

impl ProcFile {
    /// Creates `/proc/<name>` with the records of `T`, each file of which gets to know `data`.
    ///
    /// Fails with [`EPERM`] if either is a module's, and with [`ENOMEM`] if there is such a file
    /// or no memory for one.
    pub fn new<T: SeqOperations>(name: &CStr, data: &'static T::Data) -> Result<Self> {
        let vtable = ProcOps::<T>::VTABLE;
        if is_of_module(vtable) || is_of_module(data) {
            return Err(EPERM);
        }

        // SAFETY: `name` is NUL-terminated. The operations find in `data` what they are made for,
        // and as neither is a module's, both are there to stay.
        let entry = unsafe {
            bindings::proc_create_data(
                name.as_char_ptr(),
                0o444,
                ptr::null_mut(),
                vtable,
                ptr::from_ref(data).cast_mut().cast(),
            )
        };

        // INVARIANT: It was created just now.
        Ok(ProcFile(NonNull::new(entry).ok_or(ENOMEM)?))
    }
}

/// Whether `object` is part of a loaded module.
fn is_of_module<T>(object: &'static T) -> bool {
    #[cfg(CONFIG_MODULES)]
    // SAFETY: It takes any address.
    return unsafe { bindings::is_module_address(ptr::from_ref(object) as usize) };

    #[cfg(not(CONFIG_MODULES))]
    {
        let _ = object;
        false
    }
}

impl Drop for ProcFile {
    #[inline]
    fn drop(&mut self) {
        // This waits for the callbacks that run, releases the files that are open, and sees to it
        // that none is called any more.
        // SAFETY: The entry is valid and ours to remove by the type invariants.
        unsafe { bindings::proc_remove(self.0.as_ptr()) };
    }
}

/// The C callbacks for records of type `T`.
struct ProcOps<T>(PhantomData<T>);

impl<T: SeqOperations> ProcOps<T> {
    const VTABLE: &'static bindings::proc_ops = &bindings::proc_ops {
        proc_open: Some(OperationsVTable::<T>::open_callback),
        proc_read_iter: Some(bindings::seq_read_iter),
        proc_lseek: Some(bindings::seq_lseek),
        proc_release: Some(OperationsVTable::<T>::release_callback),
        // SAFETY: All members are integers and options of function pointers, for which zeroes are
        // valid: 0 and `None`.
        ..unsafe { core::mem::zeroed() }
    };
}
