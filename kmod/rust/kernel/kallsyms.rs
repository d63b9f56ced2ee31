// SPDX-License-Identifier: GPL-2.0

//! The symbols of the kernel and of what was loaded into it.
//!
//! What this offers is for `kernel/kallmodsyms/` alone: loadable modules have no access to it, as
//! they would find any function that is not exported to them. So each function here is generic or
//! inline: `rust/Makefile` exports all others.
//!
//! C headers: [`include/linux/kallmodsyms.h`](srctree/include/linux/kallmodsyms.h),
//! [`include/linux/kallsyms.h`](srctree/include/linux/kallsyms.h)

use crate::{
    bindings,
    cred::Credential,
    ffi::{c_char, c_void},
};
use core::{ptr, slice};

/// Length of the longest name that is shown.
pub const NAME_LEN_MAX: usize = bindings::KSYM_NAME_LEN as usize - 1;

/// Whether somebody with the credentials `cred` may see addresses of the kernel.
///
/// # Examples
///
/// ```
/// # fn f(opener: &kernel::cred::Credential) -> usize {
/// let address = 0xffffffff81000000;
/// if kernel::kallsyms::show_value(opener) { address } else { 0 }
/// # }
/// ```
#[inline]
pub fn show_value(cred: &Credential) -> bool {
    // SAFETY: A `Credential` is a valid `struct cred`.
    unsafe { bindings::kallsyms_show_value(cred.as_ptr()) }
}

/// The tables that `scripts/kallsyms.c` made of the symbols of vmlinux, and describes.
///
/// # Examples
///
/// ```
/// let tables = kernel::kallsyms::Tables::get();
/// assert!(tables.markers.windows(2).all(|pair| pair[0] < pair[1]));
/// assert!(*tables.markers.last().unwrap() < tables.names.len() as u32);
/// assert!(tables.size_markers.windows(2).all(|pair| pair[0] < pair[1]));
/// assert!(*tables.size_markers.last().unwrap() < 2 * tables.sizes.len() as u32);
/// assert_eq!(tables.module_runs.len() % 6, 0);
/// assert_eq!(tables.module_lists.last(), Some(&0));
/// ```
#[derive(Clone, Copy)]
pub struct Tables {
    /// Length and tokens of each name.
    pub names: &'static [u8],
    /// Offset in `names` of every 256th symbol.
    pub markers: &'static [u32],
    /// The text of the tokens, with a NUL after each.
    pub token_table: &'static [u8],
    /// Offset in `token_table` of each of the 256 tokens.
    pub token_index: &'static [u16],
    /// Address of each symbol, in ascending order.
    pub offsets: &'static [i32],
    /// What most `offsets` are relative to.
    pub relative_base: usize,
    /// Codes of the sizes, two in a byte.
    pub sizes: &'static [u8],
    /// Index of the first code of every 256th symbol.
    pub size_markers: &'static [u32],
    /// Runs of symbols of the same modules.
    pub module_runs: &'static [u8],
    /// Lists of modules, with a NUL after each.
    pub module_lists: &'static [u8],
}

impl Tables {
    /// Returns the tables.
    #[inline]
    pub fn get() -> Self {
        // SAFETY: It may be called at any time.
        let tables = unsafe { bindings::kallmodsyms_tables() };
        let blocks = tables.num_syms.div_ceil(256);

        Tables {
            // SAFETY: `names` has `names_len` bytes.
            names: unsafe { table(tables.names, tables.names_len) },
            // SAFETY: `markers` has one for each 256 symbols begun.
            markers: unsafe { table(tables.markers, blocks) },
            // SAFETY: `token_table` has `token_table_len` bytes.
            token_table: unsafe { table(tables.token_table, tables.token_table_len) },
            // SAFETY: `token_index` has one for each of 256 tokens.
            token_index: unsafe { table(tables.token_index, 256) },
            // SAFETY: `offsets` has one for each symbol.
            offsets: unsafe { table(tables.offsets, tables.num_syms) },
            relative_base: tables.relative_base,
            // SAFETY: `sizes` has `sizes_len` bytes.
            sizes: unsafe { table(tables.sizes, tables.sizes_len) },
            // SAFETY: `size_markers` has one for each 256 symbols begun.
            size_markers: unsafe { table(tables.size_markers, blocks) },
            // SAFETY: `module_runs` has `module_runs_len` bytes.
            module_runs: unsafe { table(tables.module_runs, tables.module_runs_len) },
            // SAFETY: `module_lists` has `module_lists_len` bytes.
            module_lists: unsafe { table(tables.module_lists, tables.module_lists_len) },
        }
    }
}

/// Returns a table of `struct kallmodsyms_tables`.
///
/// # Safety
///
/// `start` must be a pointer of that structure, to `len` elements.
unsafe fn table<T>(start: *const T, len: usize) -> &'static [T] {
    // SAFETY: What the structure points to is aligned for its type, constant, and stays for the
    // life of the kernel; the caller promises that it has `len` elements.
    unsafe { slice::from_raw_parts(start, len) }
}

/// A symbol that is not in vmlinux.
pub struct Symbol<'a> {
    /// Address of its first byte.
    pub address: usize,
    /// Size in bytes.
    pub size: usize,
    /// Type letter.
    pub kind: u8,
    /// Name, of any length.
    pub name: &'a [u8],
    /// Name of its module, or `bpf`, `__builtin__ftrace` or `__builtin__kprobes`.
    pub module: &'a [u8],
}

/// A place among the symbols that are not in vmlinux: those of modules, the newest first, of
/// ftrace, of BPF and of kprobes.
///
/// It holds on to nothing, and keeps its place whatever comes and goes: a walk that is continued
/// meets each symbol of those that were there all the time exactly once.
///
/// # Examples
///
/// ```
/// use kernel::kallsyms::Cursor;
///
/// // One symbol a walk gives as many as one walk for them all, as long as nothing is loaded.
/// let mut all = 0;
/// assert!(Cursor::default().walk(|_| {
///     all += 1;
///     true
/// }));
///
/// let mut single = 0;
/// let mut cursor = Cursor::default();
/// loop {
///     let mut taken = false;
///     if cursor.walk(|_| !core::mem::replace(&mut taken, true)) {
///         break;
///     }
///     single += 1;
/// }
/// // The last walk takes one that no other refuses to follow.
/// assert_eq!(single + usize::from(all > 0), all);
/// ```
#[derive(Clone, Copy, Default)]
#[repr(transparent)]
pub struct Cursor(bindings::kallmodsyms_cursor);

impl Cursor {
    /// Calls `visit` with each symbol from the cursor on, until it returns `false`.
    ///
    /// The symbol that it returned `false` for is where the cursor is then, and `false` is what is
    /// returned; `true` if `visit` has taken all. It runs in an RCU read-side critical section,
    /// so it must not sleep.
    pub fn walk<F: FnMut(&Symbol<'_>) -> bool>(&mut self, mut visit: F) -> bool {
        // SAFETY: The cursor is valid, as any value of it is, and `visit_callback::<F>` gets the
        // pointer to `visit` that it needs, for the duration of the call.
        unsafe {
            bindings::kallmodsyms_walk(
                &mut self.0,
                Some(visit_callback::<F>),
                ptr::addr_of_mut!(visit).cast(),
            )
        }
    }
}

/// Returns the bytes before the NUL.
///
/// # Safety
///
/// `string` must be valid for reads up to and including a NUL, for the duration of `'a`.
#[inline]
unsafe fn bytes<'a>(string: *const c_char) -> &'a [u8] {
    // SAFETY: The caller promises that there is a NUL.
    let len = unsafe { bindings::strlen(string) };

    // SAFETY: The caller promises that all before the NUL may be read.
    unsafe { slice::from_raw_parts(string.cast(), len) }
}

/// Hands a symbol to `visit`.
///
/// # Safety
///
/// The caller must make sure that for the duration of the call
///
/// - `visit` points to an `F` that nobody else accesses, and
/// - `symbol` is valid for reads, and so are its strings, up to and including a NUL.
unsafe extern "C" fn visit_callback<F: FnMut(&Symbol<'_>) -> bool>(
    visit: *mut c_void,
    symbol: *const bindings::kallmodsyms_symbol,
) -> bool {
    // SAFETY: The caller promises an `F` that nobody else accesses.
    let visit = unsafe { &mut *visit.cast::<F>() };

    // SAFETY: The caller promises a symbol that is valid for reads.
    let symbol = unsafe { &*symbol };

    visit(&Symbol {
        address: symbol.address,
        size: symbol.size,
        kind: symbol.type_,
        // SAFETY: The caller promises that it may be read up to its NUL.
        name: unsafe { bytes(symbol.name) },
        // SAFETY: The caller promises that it may be read up to its NUL.
        module: unsafe { bytes(symbol.module) },
    })
}

/// Defines what C code calls in the component: its initcall, and what is recorded for symbols of
/// vmlinux.
///
/// - `$init` is a `fn() -> Result`.
/// - `$symbol_size` is a `fn(usize) -> usize`, from the number of a symbol in the order of
///   addresses to its size, or 0 if none is known.
/// - `$symbol_modules` is a `fn(usize) -> Option<&'static CStr>`, from that number to the list of
///   its modules, as it is shown. It may be empty.
/// - `$module_list` is such a function from an offset in the table of these lists to the list
///   there.
#[macro_export]
macro_rules! kallmodsyms_entry_points {
    (
        init: $init:path,
        symbol_size: $symbol_size:path,
        symbol_modules: $symbol_modules:path,
        module_list: $module_list:path $(,)?
    ) => {
        const _: () = {
            // The prototypes that C code sees have to be those of the functions below.
            const _: unsafe extern "C" fn() -> $crate::ffi::c_int =
                $crate::bindings::kallmodsyms_init;
            const _: unsafe extern "C" fn($crate::ffi::c_ulong) -> $crate::ffi::c_ulong =
                $crate::bindings::kallmodsyms_symbol_size;
            const _: unsafe extern "C" fn($crate::ffi::c_ulong) -> *const $crate::ffi::c_char =
                $crate::bindings::kallmodsyms_symbol_modules;
            const _: unsafe extern "C" fn($crate::ffi::c_ulong) -> *const $crate::ffi::c_char =
                $crate::bindings::kallmodsyms_module_list;

            #[no_mangle]
            extern "C" fn kallmodsyms_init() -> $crate::ffi::c_int {
                let result: $crate::error::Result = $init();
                result.map_or_else(|e| e.to_errno(), |()| 0)
            }

            #[no_mangle]
            extern "C" fn kallmodsyms_symbol_size(
                pos: $crate::ffi::c_ulong,
            ) -> $crate::ffi::c_ulong {
                $symbol_size(pos)
            }

            #[no_mangle]
            extern "C" fn kallmodsyms_symbol_modules(
                pos: $crate::ffi::c_ulong,
            ) -> *const $crate::ffi::c_char {
                let modules: Option<&'static $crate::str::CStr> = $symbol_modules(pos);
                modules.map_or(::core::ptr::null(), |modules| modules.as_char_ptr())
            }

            #[no_mangle]
            extern "C" fn kallmodsyms_module_list(
                offset: $crate::ffi::c_ulong,
            ) -> *const $crate::ffi::c_char {
                let modules: Option<&'static $crate::str::CStr> = $module_list(offset);
                modules.map_or(::core::ptr::null(), |modules| modules.as_char_ptr())
            }
        };
    };
}
