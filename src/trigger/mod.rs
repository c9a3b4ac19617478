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
//! | [`channel`] | `rs-heapdump capture PID`, which waits for the outcome |
//! | [`support`] | what works in this process |
//! | [`watch`] | snapshots when memory grows |
//! | [`near_limit`] | a snapshot before the heap's limit is reached |
//! | [`threads`] | the registered threads, and how each is reached |
//! | [`turn`] | the states of one thread's wishes, pure |
//! | [`stderr`] | the lines a person sees |

#[cfg(target_os = "linux")]
mod channel;
mod choice;
pub mod config;
mod near_limit;
#[cfg(unix)]
pub mod signal;
mod stderr;
pub mod support;
pub mod threads;
mod turn;
pub mod watch;

use std::sync::{Mutex, PoisonError};

use crate::capture::{Info, Trigger};
use crate::error::Error;
use config::Signal;

/// What happened, for those who listen.
#[derive(Clone, Debug)]
pub enum Event {
    Snapshot(Info),
    Failed(Error),
    Skipped { skipped: Skipped, thread_id: u32 },
}

/// A wish that no snapshot of its own follows.
#[derive(Clone, Debug)]
pub struct Skipped {
    /// `coalesced`: another snapshot answers it too. `garbage`: memory had not really grown. `memory`, `disk`: there
    /// is too little, and `error` has the figures.
    pub reason: &'static str,
    pub trigger: Trigger,
    pub error: Option<Error>,
}

/// A message to a registered thread.
#[derive(Clone, Debug)]
pub enum Notice {
    /// Come and see whether a capture is wanted.
    Wake,
    /// Something happened.
    Event(Event),
}

/// Nothing before [`start`].
static LISTENING: Mutex<Option<Listening>> = Mutex::new(None);

/// To whom this process listens, or why it does not.
#[derive(Clone, Debug)]
pub struct Listening {
    /// To this signal.
    pub signal: Result<String, String>,
    /// To `rs-heapdump capture PID`.
    pub capture: Result<(), String>,
}

/// Obeys `environment`, the text of `NODE_HEAPDUMP_OPTIONS`, and begins to listen; the first call
/// of the process counts. Answers with what is to be said of words that cannot be obeyed.
pub fn start(environment: &str) -> Vec<String> {
    let config::Environment {
        signal,
        capture,
        config: wanted,
        watch: plan,
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
            watch::wish(plan);
            let (chosen, answer) = match signal {
                Signal::On(name) => (name != choice::DEFAULT, listen(&name).map(|()| name)),
                Signal::Off => (false, Err(switched_off("nosignal"))),
                Signal::Refused(why) => (true, Err(why)),
            };
            if let (true, Err(why)) = (chosen, &answer) {
                said.push(format!("no signal takes snapshots: {why}"));
            }
            Listening {
                signal: answer,
                capture: if capture {
                    open_channel()
                } else {
                    Err(switched_off("nocapture"))
                },
            }
        });
    said
}

fn switched_off(word: &str) -> String {
    format!("switched off by NODE_HEAPDUMP_OPTIONS={word}")
}

/// To whom this process listens.
pub fn listening() -> Listening {
    LISTENING
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
        .unwrap_or_else(|| {
            let nobody = "no thread has been registered";
            Listening {
                signal: Err(nobody.to_owned()),
                capture: Err(nobody.to_owned()),
            }
        })
}

#[cfg(unix)]
fn listen(name: &str) -> Result<(), String> {
    let Some(number) = signal::number(name) else {
        return Err(format!("this platform has no {name}"));
    };
    signal::listen(number).map_err(|error| error.to_string())
}

#[cfg(target_os = "linux")]
fn open_channel() -> Result<(), String> {
    if !crate::v8::capabilities().snapshots {
        return Err("this process does not export the functions of V8 that are needed".to_owned());
    }
    channel::listen().map_err(|error| error.to_string())
}

#[cfg(not(target_os = "linux"))]
fn open_channel() -> Result<(), String> {
    Err("it needs Linux".to_owned())
}

#[cfg(not(unix))]
fn listen(name: &str) -> Result<(), String> {
    Err(format!("this platform has no {name}"))
}
