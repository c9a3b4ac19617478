//! Ctrl-C while another process works for us: it must be left as it was.
//!
//! The first signal is noted, and every wait of this module's siblings looks at it; the second has its default effect.
//!
//! # Safety
//!
//! Node has handlers for these signals, which end the process, and `signal-hook` calls what was there before. So the
//! default action is put back first: a call that installs no code of anybody's.

#![expect(unsafe_code, reason = "the handlers that Node has installed must go first")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Once};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::{Code, Error};

static HAPPENED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Notes signals from now on. Where that is refused they keep their default effect.
pub fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // SAFETY: module head.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
            let _ = flag::register_conditional_default(signal, Arc::clone(&HAPPENED));
            let _ = flag::register(signal, Arc::clone(&HAPPENED));
        }
    });
}

/// Whether there was one.
pub fn happened() -> bool {
    HAPPENED.load(Ordering::SeqCst)
}

/// An error once there was one.
pub fn check() -> Result<(), Error> {
    if happened() {
        return Err(Error::new(
            Code::Aborted,
            "interrupted; there is no file, and the process goes on",
        ));
    }
    Ok(())
}
