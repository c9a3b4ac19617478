//! The signal that asks for snapshots, beside the application's own listeners.
//!
//! The handler itself is `signal-hook`'s: it notes the sender and wakes a thread of ours, and
//! nothing of ours runs in signal context. That thread then asks for captures
//! ([`threads::want`](super::threads::want)).
//!
//! Node handles signals through libuv, which installs its handler with an application's first
//! `process.on` of a signal and puts back the *default action*, death, with the last
//! `removeListener`. Both would undo ours. So a libuv signal handle of our own comes first, on a
//! private loop that never runs: as long as it lives, libuv neither installs nor removes its handler
//! again, in whatever order listeners come and go. `signal-hook` goes on top and passes each signal on
//! to libuv, which tells the application's listeners as ever.
//!
//! # Errors
//!
//! [`listen`] fails where the system refuses a handler, a socket pair or a thread. Without libuv's
//! symbols it works as long as the application does not listen to the same signal.
//!
//! # Safety
//!
//! libuv's five functions are part of its stable ABI (libuv 1.x, in every Node); sizes are asked for,
//! not assumed. Loop and handle are allocated once and never freed, since handlers may run until the
//! process ends; the addon is never unloaded (`-z nodelete`).
//!
//! # Race conditions
//!
//! A signal between the two steps is libuv's alone and is lost to us, but does no harm. A signal
//! during or after the teardown of an environment finds no registered thread and is ignored.

#![expect(unsafe_code, reason = "libuv's C interface")]

use std::ffi::{CStr, c_int, c_void};
use std::io;
use std::str::FromStr;
use std::thread;

use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithOrigin;

#[cfg(target_os = "linux")]
use super::choice::{RealTime, real_time};
use super::{config, threads};
use crate::capture::block_signals;

/// The number that the signal of this name (`SIGUSR2`, `SIGRTMIN+3`) has here, if there is one.
pub fn number(name: &str) -> Option<c_int> {
    #[cfg(target_os = "linux")]
    if let Some(wanted) = real_time(name.strip_prefix("SIG")?) {
        let range = libc::SIGRTMIN()..=libc::SIGRTMAX();
        let number = match wanted {
            RealTime::FromMin(steps) => range.start() + c_int::from(steps),
            RealTime::FromMax(steps) => range.end() - c_int::from(steps),
        };
        return range.contains(&number).then_some(number);
    }
    nix::sys::signal::Signal::from_str(name)
        .ok()
        .map(|signal| signal as c_int)
}

/// Starts listening, for the rest of the process.
pub fn listen(number: c_int) -> io::Result<()> {
    anchor(number);
    let mut signals = SignalsInfo::<WithOrigin>::new([number])?;
    thread::Builder::new().name("heapdump-signal".into()).spawn(move || {
        block_signals();
        for origin in signals.forever() {
            let sender = origin.process.and_then(|process| process.pid.try_into().ok());
            threads::want(config::current().cover, sender);
        }
    })?;
    Ok(())
}

type Opaque = *mut c_void;

/// Keeps libuv's handler for `signal` installed for good. Answers whether libuv could be found.
fn anchor(signal: c_int) -> bool {
    /// `uv_handle_type` of `uv_signal_t`.
    const UV_SIGNAL: c_int = 16;

    extern "C" fn never(_handle: Opaque, _signal: c_int) {}

    // SAFETY: module head; each symbol is given the signature of `uv.h`.
    unsafe {
        let (Some(loop_size), Some(handle_size), Some(loop_init), Some(signal_init), Some(start)) = (
            function::<unsafe extern "C" fn() -> usize>(c"uv_loop_size"),
            function::<unsafe extern "C" fn(c_int) -> usize>(c"uv_handle_size"),
            function::<unsafe extern "C" fn(Opaque) -> c_int>(c"uv_loop_init"),
            function::<unsafe extern "C" fn(Opaque, Opaque) -> c_int>(c"uv_signal_init"),
            function::<unsafe extern "C" fn(Opaque, extern "C" fn(Opaque, c_int), c_int) -> c_int>(c"uv_signal_start"),
        ) else {
            return false;
        };
        let uv_loop = libc::calloc(1, loop_size());
        let handle = libc::calloc(1, handle_size(UV_SIGNAL));
        !uv_loop.is_null()
            && !handle.is_null()
            && loop_init(uv_loop) == 0
            && signal_init(uv_loop, handle) == 0
            && start(handle, never, signal) == 0
    }
}

/// The function of that name in this process.
///
/// # Safety
///
/// `F` must be the `extern "C"` function pointer type of that function.
unsafe fn function<F: Copy>(name: &CStr) -> Option<F> {
    const { assert!(size_of::<F>() == size_of::<Opaque>()) };
    // SAFETY: NUL-terminated, and outlives the call.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    // SAFETY: not null, of pointer size, and of the caller's promised type.
    (!address.is_null()).then(|| unsafe { std::mem::transmute_copy::<Opaque, F>(&address) })
}
