//! Ctrl-C while another process works for us: it must be left as it was.
//!
//! The first signal is noted, and every wait of this module's siblings looks at it; the second has its default effect.

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
