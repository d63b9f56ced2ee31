// SPDX-License-Identifier: GPL-2.0

//! Files made of a sequence of records.
//!
//! A driver describes its records with [`SeqOperations`]; the C side cuts what they write into
//! whatever pieces user space reads, and takes care of seeking and of concurrent readers.
//!
//! C header: [`include/linux/seq_file.h`](srctree/include/linux/seq_file.h)
//!
//! Reference: <https://docs.kernel.org/filesystems/seq_file.html>

use crate::{
    alloc::{KBox, KVVec},
    bindings,
    cred::Credential,
    error::{code::*, from_result, to_result, Result},
    ffi::{c_int, c_void},
    prelude::GFP_KERNEL,
    types::{ForeignOwnable, Opaque},
};
use core::{marker::PhantomData, mem::ManuallyDrop, ptr, slice};

/// The records behind a file. One value is the state of one open file.
///
/// Reading is a series of passes. Each calls [`start`] once, then [`show`] and [`next`] in turn,
/// and in the end [`stop`], and only then is anything copied to user space: a lock may be taken
/// in `start` and dropped in `stop`. All of it runs with the lock of the open file held.
///
/// [`start`]: SeqOperations::start
/// [`show`]: SeqOperations::show
/// [`next`]: SeqOperations::next
/// [`stop`]: SeqOperations::stop
///
/// # Examples
///
/// The numbers from 0 to 2, a line each:
///
/// ```
/// use kernel::{cred::Credential, prelude::*, seq_file::{SeqFile, SeqOperations}};
///
/// struct Numbers(u64);
///
/// impl SeqOperations for Numbers {
///     fn open(_opener: &Credential) -> Result<Self> {
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
///     fn show(&mut self, m: &mut SeqFile<'_>) -> Result {
///         m.write(&[b'0' + self.0 as u8, b'\n']);
///         Ok(())
///     }
/// }
///
/// let mut numbers = Numbers(0);
/// let mut text = [0; 16];
/// let len = SeqFile::collect(&mut text, |m| {
///     let mut more = numbers.start(0)?;
///     while more {
///         numbers.show(m)?;
///         more = numbers.next()?;
///     }
///     Ok(())
/// })?;
/// assert_eq!(&text[..len], b"0\n1\n2\n");
/// # Ok::<(), Error>(())
/// ```
pub trait SeqOperations: Send + Sized + 'static {
    /// Size in bytes of the buffer that a file has from the start, or 0 to leave that to the C
    /// side, which begins with a page and doubles it when a record does not fit.
    const BUFFER_SIZE: usize = 0;

    /// Makes the state of a file that is being opened by `opener`.
    fn open(opener: &Credential) -> Result<Self>;

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
    fn show(&mut self, m: &mut SeqFile<'_>) -> Result;

    /// Ends a pass, also one whose [`SeqOperations::start`] returned `false` or an error.
    fn stop(&mut self) {}
}

/// A `struct seq_file` in which a record is being shown.
///
/// # Invariants
///
/// `m` is a valid `seq_file` that nobody else accesses, and the first `size` bytes at its `buf` are
/// valid for writes. The first `count` of them are initialized unless that is all, and the first
/// `initialized` of them are.
pub struct SeqFile<'a> {
    m: *mut bindings::seq_file,
    initialized: &'a mut usize,
}

impl SeqFile<'_> {
    /// Appends `bytes` to the record.
    pub fn write(&mut self, bytes: &[u8]) {
        // SAFETY: `m` is valid by the type invariants, `bytes` for reads of its length.
        unsafe { bindings::seq_write(self.m, bytes.as_ptr().cast(), bytes.len()) };
    }

    /// Lets `f` fill what is left of the buffer, though no more than `most` bytes of it, and
    /// return how many are to be kept.
    ///
    /// `f` gets zeroes, or what an earlier record left there. Returns `false` if there is no room,
    /// or if `f` returned `None` or more than it got; then nothing is kept.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::seq_file::SeqFile;
    ///
    /// let mut text = [0xff; 8];
    /// let len = SeqFile::collect(&mut text, |m| {
    ///     m.fill(4, |room| {
    ///         assert_eq!(*room, [0; 4]);
    ///         room[..2].copy_from_slice(b"ok");
    ///         Ok(Some(2))
    ///     })?;
    ///     Ok(())
    /// })?;
    /// assert_eq!(&text[..len], b"ok");
    /// # Ok::<(), kernel::error::Error>(())
    /// ```
    pub fn fill(
        &mut self,
        most: usize,
        f: impl FnOnce(&mut [u8]) -> Result<Option<usize>>,
    ) -> Result<bool> {
        let m = self.m;

        // SAFETY: By the type invariants, `m` is valid and nobody else accesses it.
        let (buf, size, count) = unsafe { ((*m).buf, (*m).size, (*m).count) };

        // A buffer that is full to the last byte is what the C side calls overflowed.
        let room = size.saturating_sub(count).saturating_sub(1).min(most);
        if room == 0 {
            return Ok(false);
        }

        // SAFETY: By the type invariants, `buf` is valid for writes of `size` bytes, which is more
        // than `count + room`. They may never have been written; now they are.
        let bytes = unsafe {
            let start = buf.cast::<u8>();
            let end = count.wrapping_add(room);
            let first = (*self.initialized).max(count);
            start.add(first).write_bytes(0, end.saturating_sub(first));
            slice::from_raw_parts_mut(start.add(count), room)
        };
        // INVARIANT: The first `count` bytes are initialized, as less than `size` are in use, and
        // the `room` bytes after them were initialized above.
        *self.initialized = count.wrapping_add(room).max(*self.initialized);

        let Some(used) = f(bytes)?.filter(|&used| used <= room) else {
            return Ok(false);
        };

        // INVARIANT: As above.
        // SAFETY: As above. The sum is less than `size`, so it does not wrap.
        unsafe { (*m).count = count.wrapping_add(used) };
        Ok(true)
    }

    /// Says that the record does not fit: it will be shown again with more room.
    pub fn set_overflow(&mut self) {
        let m = self.m;

        // SAFETY: By the type invariants, `m` is valid and nobody else accesses it. The C side
        // looks at no byte of a buffer that has overflowed.
        unsafe { (*m).count = (*m).size };
    }

    /// Shows records in memory rather than in a file, for tests.
    ///
    /// Returns the number of bytes that `f` wrote to `buffer`, or [`ENOSPC`] if they do not
    /// fit: there has to be room for one byte more.
    pub fn collect(buffer: &mut [u8], f: impl FnOnce(&mut SeqFile<'_>) -> Result) -> Result<usize> {
        let m = Opaque::new(bindings::seq_file {
            buf: buffer.as_mut_ptr().cast(),
            size: buffer.len(),
            ..Default::default()
        });

        // INVARIANT: `m` is valid and ours, `buffer` is valid for writes of its length, and nothing
        // is claimed of its bytes.
        f(&mut SeqFile {
            m: m.get(),
            initialized: &mut 0,
        })?;

        // SAFETY: `m` is valid and no longer borrowed.
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
    const VTABLE: bindings::seq_operations = bindings::seq_operations {
        start: Some(Self::start_callback),
        stop: Some(Self::stop_callback),
        next: Some(Self::next_callback),
        show: Some(Self::show_callback),
    };

    /// Returns what is kept for an open file.
    ///
    /// # Safety
    ///
    /// - `m` must have been opened by [`Self::open_callback`], and its lock must be held.
    /// - The returned reference must be the only one to it.
    unsafe fn private<'a>(m: *mut bindings::seq_file) -> &'a mut Private<T> {
        // SAFETY: `open_callback` put a `KBox<Private<T>>` there, which lives until
        // `release_callback`.
        unsafe { &mut *(*m).private.cast::<Private<T>>() }
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

    /// # Safety
    ///
    /// - `m` must have been opened by [`Self::open_callback`], and its lock must be held.
    /// - `pos` must be valid for reads.
    unsafe extern "C" fn start_callback(
        m: *mut bindings::seq_file,
        pos: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: The caller promises all of it; no callback keeps its reference.
        let (private, pos) = unsafe { (Self::private(m), *pos) };

        Self::token(private.state.start(pos as u64), m)
    }

    /// # Safety
    ///
    /// As for [`Self::start_callback`], and `pos` must be valid for writes.
    unsafe extern "C" fn next_callback(
        m: *mut bindings::seq_file,
        _token: *mut c_void,
        pos: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: The caller promises all of it; no callback keeps its reference.
        let private = unsafe { Self::private(m) };

        // SAFETY: The caller promises that `pos` is valid. It has to move at the end, too: C code
        // takes a position that stays where it is for a bug.
        unsafe { *pos = (*pos).wrapping_add(1) };

        Self::token(private.state.next(), m)
    }

    /// # Safety
    ///
    /// As for [`Self::start_callback`]. The token may be anything.
    unsafe extern "C" fn stop_callback(m: *mut bindings::seq_file, _token: *mut c_void) {
        // SAFETY: The caller promises all of it; no callback keeps its reference.
        unsafe { Self::private(m) }.state.stop()
    }

    /// # Safety
    ///
    /// As for [`Self::start_callback`], and the buffer of `m` must be set up for writing.
    unsafe extern "C" fn show_callback(m: *mut bindings::seq_file, _token: *mut c_void) -> c_int {
        // SAFETY: The caller promises all of it; no callback keeps its reference.
        let (private, empty) = unsafe { (Self::private(m), (*m).count == 0) };

        // INVARIANT: The caller promises a buffer that is set up for writing. The C side frees it
        // only when a record has overflowed that was the first one in it, of which see below.
        let result = private.state.show(&mut SeqFile {
            m,
            initialized: &mut private.initialized,
        });

        // SAFETY: As above.
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
    /// `file` must be a file that is being opened and whose `private_data` is unused.
    pub unsafe extern "C" fn open_callback(
        _inode: *mut bindings::inode,
        file: *mut bindings::file,
    ) -> c_int {
        from_result(|| {
            // SAFETY: A file that is being opened has the credentials of its opener, and keeps
            // them for as long as it exists.
            let opener = unsafe { Credential::from_raw((*file).f_cred) };

            // Whatever can fail comes first: there is no release after an open that failed.
            let private = Private {
                state: T::open(opener)?,
                initialized: 0,
            };
            let private = KBox::new(private, GFP_KERNEL)?;
            let buffer = KVVec::<u8>::with_capacity(T::BUFFER_SIZE, GFP_KERNEL)?;

            // SAFETY: `file` is being opened, and `VTABLE` is constant.
            to_result(unsafe { bindings::seq_open(file, &Self::VTABLE) })?;

            // SAFETY: `seq_open` has put a `seq_file` there, which nobody else knows of yet.
            let m = unsafe { &mut *(*file).private_data.cast::<bindings::seq_file>() };
            m.private = private.into_foreign().cast_mut();
            if T::BUFFER_SIZE != 0 {
                // The C side frees it with kvfree().
                let mut buffer = ManuallyDrop::new(buffer);
                m.buf = buffer.as_mut_ptr().cast();
                m.size = T::BUFFER_SIZE;
            }
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
        // SAFETY: `open_callback` put the `seq_file` there and in it what is kept, and as nobody
        // uses the file any more, that is not borrowed.
        unsafe {
            let m = (*file).private_data.cast::<bindings::seq_file>();
            drop(KBox::<Private<T>>::from_foreign((*m).private));
            bindings::seq_release(inode, file)
        }
    }
}
