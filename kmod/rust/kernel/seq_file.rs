// SPDX-License-Identifier: GPL-2.0

//! Files made of a sequence of records.
//!
//! A driver describes its records with [`SeqOperations`]; the C side cuts what they write into
//! whatever pieces user space reads, and takes care of seeking and of concurrent readers.
//!
//! C header: [`include/linux/seq_file.h`](srctree/include/linux/seq_file.h)
//!
//! Reference: <https://docs.kernel.org/filesystems/seq_file.html>

#[cfg(CONFIG_KUNIT)]
use crate::error::code::*;
use crate::{
    alloc::KBox,
    bindings,
    cred::Credential,
    error::{from_result, to_result, Result},
    ffi::{c_int, c_void},
    prelude::GFP_KERNEL_ACCOUNT,
    types::Opaque,
};
use core::{marker::PhantomData, ops::Deref, ptr, slice};

/// The records behind a file. One value is the state of one open file.
///
/// Reading is a series of passes. Each calls [`start`] once, then [`show`] and [`next`] in turn,
/// and only then is anything copied to user space. All of it runs with the lock of the open file
/// held.
///
/// [`start`]: SeqOperations::start
/// [`show`]: SeqOperations::show
/// [`next`]: SeqOperations::next
///
/// # Examples
///
/// The numbers from 0 to 2, a line each:
///
/// ```
/// use kernel::{cred::Credential, prelude::*, seq_file::{Record, SeqOperations}};
///
/// struct Numbers(u64);
///
/// impl SeqOperations for Numbers {
///     type Data = ();
///
///     fn open(_opener: &Credential, _data: &'static ()) -> Result<Self> {
///         Ok(Numbers(0))
///     }
///
///     fn start(&mut self, pos: u64) -> Result<bool> {
///         self.0 = pos;
///         Ok(pos < 3)
///     }
///
///     fn next(&mut self) -> Result<bool> {
///         self.0 += 1;
///         Ok(self.0 < 3)
///     }
///
///     fn show(&mut self, record: &mut Record<'_>) -> Result {
///         record.write(&[b'0' + self.0 as u8, b'\n']);
///         Ok(())
///     }
/// }
///
/// let mut numbers = Numbers(0);
/// let mut text = [0; 16];
/// let len = Record::collect(&mut text, |record| {
///     let mut more = numbers.start(0)?;
///     while more {
///         numbers.show(record)?;
///         more = numbers.next()?;
///     }
///     Ok(())
/// })?;
/// assert_eq!(&text[..len], b"0\n1\n2\n");
/// # Ok::<(), Error>(())
/// ```
pub trait SeqOperations: Send + Sized + 'static {
    /// What all files with these records have in common.
    type Data: Sync + 'static;

    /// Size in bytes that the buffer of a file has at least when a record is shown.
    ///
    /// As that of any other, it is allocated by the first read, and grows from a page by
    /// doubling until a record fits.
    const BUFFER_SIZE: usize = 0;

    /// Makes the state of a file that is being opened by `opener`.
    fn open(opener: &Credential, data: &'static Self::Data) -> Result<Self>;

    /// Begins a pass at record `pos`. Returns `false` if there is none.
    ///
    /// `pos` is 0, or the record that the last pass stopped at: either because it was still to
    /// be shown, or because it did not fit in the buffer and is to be shown again.
    fn start(&mut self, pos: u64) -> Result<bool>;

    /// Moves to the next record. Returns `false` if there is none.
    fn next(&mut self) -> Result<bool>;

    /// Writes the current record.
    ///
    /// If it does not fit in the buffer, what was written is thrown away and the record is shown
    /// again, now or in a later pass, in a larger or an emptier buffer.
    fn show(&mut self, record: &mut Record<'_>) -> Result;
}

/// A `struct seq_file` that is being written to.
///
/// # Invariants
///
/// A reference is to a `struct seq_file` that stays valid for as long as the reference does, and
/// that no other thread accesses meanwhile.
#[repr(transparent)]
pub struct SeqFile {
    inner: Opaque<bindings::seq_file>,
}

impl SeqFile {
    /// Makes a reference from a raw pointer.
    ///
    /// # Safety
    ///
    /// The caller must make sure that for the duration of `'a`
    ///
    /// - `ptr` points to a valid `struct seq_file`, and
    /// - no other thread accesses that.
    #[inline]
    pub unsafe fn from_raw<'a>(ptr: *mut bindings::seq_file) -> &'a SeqFile {
        // INVARIANT: The caller promises both.
        // SAFETY: `SeqFile` has the layout of `struct seq_file`, as it is transparent, and the
        // caller promises that there is one.
        unsafe { &*ptr.cast() }
    }

    /// Appends `bytes`.
    #[inline]
    pub fn write(&self, bytes: &[u8]) {
        // SAFETY: The `seq_file` is valid by the type invariants, and `bytes` is for reads.
        unsafe { bindings::seq_write(self.inner.get(), bytes.as_ptr().cast(), bytes.len()) };
    }
}

/// A record that is being shown: the [`SeqFile`] that it is written to, and access to its buffer.
///
/// # Invariants
///
/// - `size` bytes at the `buf` of the `seq_file` are valid for writes, and nobody else accesses
///   them. `count` is no more than that.
/// - The first `count` of them are initialized, unless that is all of them.
/// - The first `initialized` of them are initialized.
pub struct Record<'a> {
    file: &'a SeqFile,
    initialized: &'a mut usize,
}

impl Deref for Record<'_> {
    type Target = SeqFile;

    #[inline]
    fn deref(&self) -> &SeqFile {
        self.file
    }
}

impl Record<'_> {
    /// Lets `f` fill what is left of the buffer, though no more than `most` bytes of it, and
    /// return how many are to be kept.
    ///
    /// `f` gets zeroes, or what an earlier record left there. Returns `false` if there is no room,
    /// or if `f` returned `None` or more than it got; then nothing is kept.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::seq_file::Record;
    ///
    /// let mut text = [0xff; 8];
    /// let len = Record::collect(&mut text, |record| {
    ///     record.fill(4, |room| {
    ///         assert_eq!(*room, [0; 4]);
    ///         room[..2].copy_from_slice(b"ok");
    ///         Ok(Some(2))
    ///     })?;
    ///     Ok(())
    /// })?;
    /// assert_eq!(&text[..len], b"ok");
    /// # Ok::<(), kernel::error::Error>(())
    /// ```
    #[inline]
    pub fn fill(
        &mut self,
        most: usize,
        f: impl FnOnce(&mut [u8]) -> Result<Option<usize>>,
    ) -> Result<bool> {
        let m = self.file.inner.get();

        // SAFETY: The `seq_file` is valid and no other thread accesses it, by the invariants of
        // `SeqFile`.
        let (buf, size, count) = unsafe { ((*m).buf.cast::<u8>(), (*m).size, (*m).count) };

        // A buffer that is full to the last byte is what the C side calls overflowed.
        let room = size.saturating_sub(count).saturating_sub(1).min(most);
        if room == 0 {
            return Ok(false);
        }
        let end = count.wrapping_add(room);

        // The part of it that may never have been written.
        let first = (*self.initialized).max(count);
        if first < end {
            let start = buf.wrapping_add(first);
            // SAFETY: By the type invariants `size` bytes are valid for writes, and `end` is less.
            unsafe { start.write_bytes(0, end.wrapping_sub(first)) };

            // INVARIANT: By the type invariants, the bytes before `first` were initialized: those
            // before `count`, as that is less than `size`, and those before `initialized`.
            *self.initialized = end;
        }

        // SAFETY: Of the `size` bytes at `buf`, which nobody else accesses by the type invariants,
        // those before `end` have been initialized, and `end` is less than `size`.
        let bytes = unsafe { slice::from_raw_parts_mut(buf.wrapping_add(count), room) };

        let Some(used) = f(bytes)?.filter(|&used| used <= room) else {
            return Ok(false);
        };

        // INVARIANT: The bytes that are added are some of those that were initialized above.
        // SAFETY: The `seq_file` is valid and no other thread accesses it, by the invariants of
        // `SeqFile`.
        unsafe { (*m).count = count.wrapping_add(used) };
        Ok(true)
    }

    /// Says that the record does not fit: it will be shown again with more room.
    #[inline]
    pub fn set_overflow(&mut self) {
        let m = self.file.inner.get();

        // INVARIANT: Of a buffer that is full, nothing is said by `count`.
        // SAFETY: The `seq_file` is valid and no other thread accesses it, by the invariants of
        // `SeqFile`.
        unsafe { (*m).count = (*m).size };
    }

    /// Shows records in memory rather than in a file.
    ///
    /// Returns the number of bytes that `f` wrote to `buffer`, or [`ENOSPC`] if they do not
    /// fit: there has to be room for one byte more.
    #[cfg(CONFIG_KUNIT)]
    pub fn collect(buffer: &mut [u8], f: impl FnOnce(&mut Record<'_>) -> Result) -> Result<usize> {
        let m = Opaque::new(bindings::seq_file {
            buf: buffer.as_mut_ptr().cast(),
            size: buffer.len(),
            ..Default::default()
        });

        // INVARIANT: `buffer` is valid for writes of its length and borrowed by us, and nothing is
        // claimed of its bytes.
        f(&mut Record {
            // SAFETY: `m` is a valid `seq_file` that nobody else knows of.
            file: unsafe { SeqFile::from_raw(m.get()) },
            initialized: &mut 0,
        })?;

        // SAFETY: `m` is a valid `seq_file` that nobody else knows of.
        let count = unsafe { (*m.get()).count };
        if count < buffer.len() {
            Ok(count)
        } else {
            Err(ENOSPC)
        }
    }
}

/// What the C side keeps for an open file.
struct Private<T> {
    state: T,
    /// How many bytes at the start of the buffer have been initialized since that was allocated.
    initialized: usize,
}

/// The C callbacks for records of type `T`.
pub struct OperationsVTable<T>(PhantomData<T>);

impl<T: SeqOperations> OperationsVTable<T> {
    const VTABLE: &'static bindings::seq_operations = &bindings::seq_operations {
        start: Some(Self::start_callback),
        stop: Some(Self::stop_callback),
        next: Some(Self::next_callback),
        show: Some(Self::show_callback),
    };

    /// Returns what is kept for an open file.
    ///
    /// # Safety
    ///
    /// The caller must make sure that for the duration of `'a`
    ///
    /// - `m` is what [`Self::open_callback`] opened, and its lock is held, and
    /// - there is no other reference to what is kept.
    unsafe fn private<'a>(m: *mut bindings::seq_file) -> &'a mut Private<T> {
        // SAFETY: The caller promises that `m` is a valid `seq_file`.
        let private = unsafe { (*m).private };

        // SAFETY: `open_callback` put a `KBox<Private<T>>` there, which lives until the file is
        // released, and the caller promises that the reference is the only one.
        unsafe { &mut *private.cast() }
    }

    /// Returns what the C side takes for a record, for the end, or for an error.
    fn token(found: Result<bool>, m: *mut bindings::seq_file) -> *mut c_void {
        match found {
            // It is never looked at.
            Ok(true) => m.cast(),
            Ok(false) => ptr::null_mut(),
            Err(e) => e.to_ptr(),
        }
    }

    /// Begins a pass.
    ///
    /// # Safety
    ///
    /// The caller must make sure that
    ///
    /// - `m` is what [`Self::open_callback`] opened, and its lock is held, and
    /// - `pos` is valid for reads.
    unsafe extern "C" fn start_callback(
        m: *mut bindings::seq_file,
        pos: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: The caller promises the first; the callbacks, of which the lock lets one run at
        // a time, keep no reference.
        let private = unsafe { Self::private(m) };

        // SAFETY: The caller promises that `pos` is valid.
        let pos = unsafe { *pos };

        Self::token(private.state.start(pos as u64), m)
    }

    /// Moves to the next record.
    ///
    /// # Safety
    ///
    /// The caller must make sure that
    ///
    /// - `m` is what [`Self::open_callback`] opened, and its lock is held, and
    /// - `pos` is valid for reads and writes.
    unsafe extern "C" fn next_callback(
        m: *mut bindings::seq_file,
        _token: *mut c_void,
        pos: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: As in `start_callback`.
        let private = unsafe { Self::private(m) };

        // At the end, too: C code takes a position that stays where it is for a bug.
        // SAFETY: The caller promises that `pos` is valid.
        unsafe { *pos = (*pos).wrapping_add(1) };

        Self::token(private.state.next(), m)
    }

    /// Ends a pass: there is nothing to do.
    extern "C" fn stop_callback(_m: *mut bindings::seq_file, _token: *mut c_void) {}

    /// Shows a record.
    ///
    /// # Safety
    ///
    /// The caller must make sure that
    ///
    /// - `m` is what [`Self::open_callback`] opened, and its lock is held,
    /// - it has a buffer, of which `count` bytes have been written, and
    /// - if that was none, and they are all of them afterwards, the buffer is freed.
    unsafe extern "C" fn show_callback(m: *mut bindings::seq_file, _token: *mut c_void) -> c_int {
        // SAFETY: As in `start_callback`.
        let private = unsafe { Self::private(m) };

        // SAFETY: The caller promises a valid `seq_file`, which no other thread accesses, as its
        // lock is held.
        let file = unsafe { SeqFile::from_raw(m) };

        // SAFETY: `m` is valid, as above.
        let (size, empty) = unsafe { ((*m).size, (*m).count == 0) };

        // INVARIANT: The caller promises the buffer and the bytes that have been written. What
        // `initialized` counts was initialized in this one: it is reset below for another.
        let mut record = Record {
            file,
            initialized: &mut private.initialized,
        };
        let result = if size < T::BUFFER_SIZE {
            record.set_overflow();
            Ok(())
        } else {
            private.state.show(&mut record)
        };

        // SAFETY: `m` is valid, as above.
        if empty && unsafe { (*m).count == (*m).size } {
            // What comes next is a larger buffer, or none at all.
            private.initialized = 0;
        }
        from_result(|| result.map(|()| 0))
    }

    /// Opens a file.
    ///
    /// # Safety
    ///
    /// The caller must make sure that
    ///
    /// - the `i_private` of `inode` points to a `T::Data` to which there can be references for
    ///   ever after, and
    /// - `file` is a file that is being opened, and its `private_data` is null.
    pub unsafe extern "C" fn open_callback(
        inode: *mut bindings::inode,
        file: *mut bindings::file,
    ) -> c_int {
        from_result(|| {
            // SAFETY: The caller promises that `inode` is valid.
            let data = unsafe { (*inode).i_private };

            // SAFETY: The caller promises that it is there to stay.
            let data = unsafe { &*data.cast::<T::Data>() };

            // SAFETY: The caller promises that `file` is valid.
            let opener = unsafe { (*file).f_cred };

            // SAFETY: A file that is being opened has the credentials of its opener, and keeps
            // them for as long as it exists.
            let opener = unsafe { Credential::from_ptr(opener) };

            // Whatever can fail comes first: there is no release after an open that failed.
            let private = Private {
                state: T::open(opener, data)?,
                initialized: 0,
            };
            let private = KBox::new(private, GFP_KERNEL_ACCOUNT)?;

            // SAFETY: The caller promises that `file` is being opened and has no `private_data`.
            to_result(unsafe { bindings::seq_open(file, Self::VTABLE) })?;

            // SAFETY: The caller promises that `file` is valid.
            let m = unsafe { (*file).private_data.cast::<bindings::seq_file>() };

            // SAFETY: `seq_open` has put a `seq_file` there, which nobody else knows of yet.
            unsafe { (*m).private = KBox::into_raw(private).cast() };
            Ok(0)
        })
    }

    /// Releases a file.
    ///
    /// # Safety
    ///
    /// `file` must have been opened by [`Self::open_callback`] and not be used any more.
    pub unsafe extern "C" fn release_callback(
        inode: *mut bindings::inode,
        file: *mut bindings::file,
    ) -> c_int {
        // SAFETY: The caller promises that `file` is valid.
        let m = unsafe { (*file).private_data.cast::<bindings::seq_file>() };

        // SAFETY: `seq_open` put a valid `seq_file` there.
        let private = unsafe { (*m).private.cast::<Private<T>>() };

        // SAFETY: `open_callback` got it from `KBox::into_raw`, and as nobody uses the file any
        // more, nobody borrows it.
        drop(unsafe { KBox::from_raw(private) });

        // SAFETY: The caller promises that nobody uses the file any more, which `seq_open` opened.
        unsafe { bindings::seq_release(inode, file) }
    }
}
