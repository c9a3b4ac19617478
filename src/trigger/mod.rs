//! Who asks for a capture, and in which thread it must run.
//!
//! A capture runs on the thread whose heap is wanted, but the wish for it arrives elsewhere: as a
//! signal. Each JavaScript thread that loads the addon is registered in [`threads`]; a wish is
//! delivered to it in two ways at once, by interrupting V8 (which works while JavaScript never
//! returns) and by waking its event loop (which works while it is idle). Whichever comes first
//! captures; [`turn`] keeps count, so that many wishes become one capture and at most one more.
//!
//! | module | what |
//! |---|---|
//! | [`config`] | what signal-made snapshots are like; `NODE_HEAPDUMP_OPTIONS` |
//! | [`choice`] | which signals may ask |
//! | [`signal`] | the one that does, beside the application's own listeners |
//! | [`threads`] | the registered threads, and how each is reached |
//! | [`turn`] | the states of one thread's wishes, pure |
//! | [`stderr`] | the lines a person sees |

mod choice;
pub mod config;
#[cfg(unix)]
pub mod signal;
mod stderr;
pub mod threads;
mod turn;

use std::sync::{Mutex, PoisonError};

use crate::capture::Info;
use crate::error::Error;
use config::Signal;

/// What happened, for those who listen.
#[derive(Clone, Debug)]
pub enum Event {
    Snapshot(Info),
    Failed(Error),
    /// Another snapshot answers this wish too.
    Coalesced {
        thread_id: u32,
    },
}

/// A message to a registered thread.
#[derive(Clone, Debug)]
pub enum Notice {
    /// Come and see whether a capture is wanted.
    Wake,
    /// Something happened.
    Event(Event),
}

/// Which signal takes snapshots, or why none. Nothing before [`start`].
static LISTENING: Mutex<Option<Result<String, String>>> = Mutex::new(None);

/// Obeys `environment`, the text of `NODE_HEAPDUMP_OPTIONS`, and begins to listen; the first call
/// of the process counts. Answers with what is to be said of words that cannot be obeyed.
pub fn start(environment: &str) -> Vec<String> {
    let config::Environment {
        signal,
        config: wanted,
        unknown,
    } = config::parse(environment);
    let mut said: Vec<String> = unknown
        .iter()
        .map(|word| format!("unrecognized option in NODE_HEAPDUMP_OPTIONS, ignored: {word}"))
        .collect();
    LISTENING
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get_or_insert_with(|| {
            config::change(|config| *config = wanted);
            let (chosen, answer) = match signal {
                Signal::On(name) => (name != choice::DEFAULT, listen(&name).map(|()| name)),
                Signal::Off => (false, Err("switched off by NODE_HEAPDUMP_OPTIONS=nosignal".to_owned())),
                Signal::Refused(why) => (true, Err(why)),
            };
            if let (true, Err(why)) = (chosen, &answer) {
                said.push(format!("no signal takes snapshots: {why}"));
            }
            answer
        });
    said
}

/// Which signal takes snapshots, or why none.
pub fn listening() -> Result<String, String> {
    LISTENING
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
        .unwrap_or_else(|| Err("no thread has been registered".to_owned()))
}

#[cfg(unix)]
fn listen(name: &str) -> Result<(), String> {
    let Some(number) = signal::number(name) else {
        return Err(format!("this platform has no {name}"));
    };
    signal::listen(number).map_err(|error| error.to_string())
}

#[cfg(not(unix))]
fn listen(name: &str) -> Result<(), String> {
    Err(format!("this platform has no {name}"))
}
