//! What this process occupies, where there is no `/proc`: libuv knows, and Node exports its functions.

#![expect(unsafe_code, reason = "libuv's C interface")]

use std::ffi::c_int;
use std::sync::LazyLock;

#[cfg(unix)]
use libloading::os::unix::Library;
#[cfg(windows)]
use libloading::os::windows::Library;

/// `uv_resident_set_memory` in libuv's `uv.h`.
type ResidentSetMemory = unsafe extern "C" fn(*mut usize) -> c_int;

static RESIDENT_SET_MEMORY: LazyLock<Option<ResidentSetMemory>> = LazyLock::new(|| {
    #[cfg(unix)]
    let process = Library::this();
    #[cfg(windows)]
    let process = Library::this().ok()?;
    // SAFETY: the type is that of the header, in every version of libuv that Node has had.
    let function = unsafe { process.get::<ResidentSetMemory>(b"uv_resident_set_memory\0") };
    function.ok().map(|function| *function)
});

/// 0 where it is not known.
pub fn rss_bytes() -> u64 {
    let mut bytes = 0;
    // SAFETY: asks the system, on any thread; writes to the place that it is given.
    let asked = RESIDENT_SET_MEMORY.map(|function| unsafe { function(&raw mut bytes) });
    if asked == Some(0) { bytes as u64 } else { 0 }
}
