// SPDX-License-Identifier: GPL-2.0

//! The symbols of the kernel and of what was loaded into it.
//!
//! What this offers is for `kernel/kallmodsyms/` alone: loadable modules have no access to it, as
//! they would find any function that is not exported to them.
//!
//! C headers: [`include/linux/kallmodsyms.h`](srctree/include/linux/kallmodsyms.h),
//! [`include/linux/kallsyms.h`](srctree/include/linux/kallsyms.h)

use crate::{
    bindings,
    cred::Credential,
    ffi::{c_char, c_void},
};
use core::slice;

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
pub fn show_value(cred: &Credential) -> bool {
    // SAFETY: The reference is a valid `struct cred`.
    unsafe { bindings::kallsyms_show_value(cred.as_ptr()) }
}

/// The tables that `scripts/kallsyms.c` made of the symbols of vmlinux, and describes.
///
/// # Examples
///
/// ```
/// let tables = kernel::kallsyms::Tables::get();
/// assert_eq!(tables.markers.len(), tables.offsets.len().div_ceil(256));
/// assert_eq!(tables.size_markers.len(), tables.markers.len());
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
    pub fn get() -> Self {
        // SAFETY: It may be called at any time.
        let tables = unsafe { bindings::kallmodsyms_tables() };
        let blocks = tables.num_syms.div_ceil(256);

        // SAFETY: The tables are constant and stay for the life of the kernel; they are aligned
        // for their types, none is null, and their lengths are those that the C side gives. A
        // marker stands for each 256 symbols begun, and there are 256 tokens.
        unsafe {
            Tables {
                names: slice::from_raw_parts(tables.names, tables.names_len),
                markers: slice::from_raw_parts(tables.markers, blocks),
                token_table: slice::from_raw_parts(tables.token_table, tables.token_table_len),
                token_index: slice::from_raw_parts(tables.token_index, 256),
                offsets: slice::from_raw_parts(tables.offsets, tables.num_syms),
                relative_base: tables.relative_base,
                sizes: slice::from_raw_parts(tables.sizes, tables.sizes_len),
                size_markers: slice::from_raw_parts(tables.size_markers, blocks),
                module_runs: slice::from_raw_parts(tables.module_runs, tables.module_runs_len),
                module_lists: slice::from_raw_parts(tables.module_lists, tables.module_lists_len),
            }
        }
    }
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
/// It holds on to nothing, and keeps its place however many modules and BPF programs come and go: a
/// walk that is continued meets each symbol of those that were there all the time exactly once.
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
        // SAFETY: The cursor is valid, any value of it is, and `visit_callback::<F>` gets the
        // pointer to `visit` that it needs, for the duration of the call.
        unsafe {
            bindings::kallmodsyms_walk(
                &mut self.0,
                Some(visit_callback::<F>),
                (&raw mut visit).cast(),
            )
        }
    }
}

/// Returns the bytes before the NUL.
///
/// # Safety
///
/// `string` must be valid for reads up to and including a NUL, for the duration of `'a`.
unsafe fn bytes<'a>(string: *const c_char) -> &'a [u8] {
    // SAFETY: The caller promises that there is a NUL, and that all before it may be read.
    unsafe { slice::from_raw_parts(string.cast(), bindings::strlen(string)) }
}

/// # Safety
///
/// - `visit` must point to an `F` that nobody else accesses.
/// - `symbol` must be valid for reads, with strings that are NUL-terminated.
unsafe extern "C" fn visit_callback<F: FnMut(&Symbol<'_>) -> bool>(
    visit: *mut c_void,
    symbol: *const bindings::kallmodsyms_symbol,
) -> bool {
    // SAFETY: The caller promises all of it, and the symbol does not outlive this call.
    let (visit, symbol, name, module) = unsafe {
        let symbol = &*symbol;
        (
            &mut *visit.cast::<F>(),
            symbol,
            bytes(symbol.name),
            bytes(symbol.module),
        )
    };

    visit(&Symbol {
        address: symbol.address,
        size: symbol.size,
        kind: symbol.type_,
        name,
        module,
    })
}

/// Defines what C code calls in the component: its initcall, and the look-up of the size that is
/// recorded for a symbol of vmlinux.
///
/// `$init` has the type `fn() -> Result`, `$symbol_size` the type `fn(usize) -> usize`: it gets the
/// number of the symbol in the order of addresses, and returns 0 if no size is known.
#[macro_export]
macro_rules! kallmodsyms_entry_points {
    (init: $init:path, symbol_size: $symbol_size:path $(,)?) => {
        const _: () = {
            // The prototypes that C code sees have to be those of the functions below.
            const _: unsafe extern "C" fn() -> $crate::ffi::c_int =
                $crate::bindings::kallmodsyms_init;
            const _: unsafe extern "C" fn($crate::ffi::c_ulong) -> $crate::ffi::c_ulong =
                $crate::bindings::kallmodsyms_symbol_size;

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
        };
    };
}
