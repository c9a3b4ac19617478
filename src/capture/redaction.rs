//! Redaction while capturing: the key, and the first of the two readings.
//!
//! [`redact`](crate::redact) reads a snapshot twice, so V8 serializes it twice: the first time for the strings alone, which
//! costs its pause about as much as serializing does, and nothing is kept but what the strings can be; the second
//! time on the usual way, where [`encode`](super::encode) redacts before anything is compressed or written. No string's
//! content reaches the disk.
//!
//! The key is the process's: its snapshots have the same tag for the same string, and compare. It is never written.

use std::ops::ControlFlow;
use std::sync::OnceLock;

use crate::error::Error;
use crate::redact::{Key, Malformed, Redactor, Survey};
use crate::v8::{ChunkSink, Snapshot};

static KEY: OnceLock<Key> = OnceLock::new();

/// The process's key.
pub fn key() -> Result<Key, Error> {
    if let Some(key) = KEY.get() {
        return Ok(*key);
    }
    let random = Key::random()?;
    Ok(*KEY.get_or_init(|| Key::new(random)))
}

/// Why there was no first reading.
pub enum Stopped {
    /// `check` said so.
    Over(Error),
    /// V8's text was not as expected.
    Malformed(Malformed),
}

impl From<Stopped> for Error {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Over(error) => error,
            Stopped::Malformed(malformed) => malformed.of("what V8 wrote"),
        }
    }
}

/// Reads V8's snapshot for the first time. `check` is asked at every chunk whether to go on.
pub fn survey(snapshot: &Snapshot, key: Key, check: impl FnMut() -> Result<(), Error>) -> Result<Redactor, Stopped> {
    struct Reading<C> {
        survey: Survey,
        check: C,
        stopped: Option<Stopped>,
    }
    impl<C: FnMut() -> Result<(), Error>> ChunkSink for Reading<C> {
        fn write(&mut self, chunk: &[u8]) -> ControlFlow<()> {
            let read = (self.check)().map_err(Stopped::Over);
            let read = read.and_then(|()| self.survey.feed(chunk).map_err(Stopped::Malformed));
            match read {
                Ok(()) => ControlFlow::Continue(()),
                Err(stopped) => {
                    self.stopped = Some(stopped);
                    ControlFlow::Break(())
                }
            }
        }

        fn end(&mut self) {}
    }
    let mut reading = Reading {
        survey: Survey::new(key),
        check,
        stopped: None,
    };
    snapshot.serialize(&mut reading);
    match reading.stopped {
        Some(stopped) => Err(stopped),
        None => reading.survey.finish().map_err(Stopped::Malformed),
    }
}
