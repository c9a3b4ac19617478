//! Node's inspector: a snapshot of a process that has loaded nothing of ours.
//!
//! 1. The file is opened: a wrong name costs the process nothing.
//! 2. The inspector is found where it is open already ([`door`]), else opened by SIGUSR1, which Node takes on a thread
//!    of its own, so that it works while JavaScript never returns.
//! 3. `Runtime.evaluate` tells who answers: it must be the process that was meant.
//! 4. `HeapProfiler.takeHeapSnapshot`: V8 collects garbage, reports how far it is, and hands its text over in chunks,
//!    which go to the file as they come. From Node 22 on it leaves this to a later turn of the event loop, but begins
//!    at once when a debugger pauses JavaScript. Where the loop does not turn, we are that debugger.
//! 5. The inspector is closed again if we have opened it, also after an error or an interrupt: then the rest of the
//!    snapshot, which cannot be broken off, is taken and dropped first. One that has not come by then is looked for a little
//!    longer; where it may come later still, the error says so.
//!
//! What the process notices: its thread stands still while V8 is at work, and Node writes four lines to its stderr
//! ("Debugger listening on …", "For help, see: …", "Debugger attached.", "Debugger ending on …").
//!
//! # Refuses
//!
//! Live captures, threads other than the main one, captures without garbage collection: that takes the addon.

mod door;
mod session;

use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use humansize::{BINARY, format_size};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use serde_json::json;

use super::process::Target;
use super::reach::Listener;
use super::{By, Captured, Observer, Wanted, interrupt};
use crate::capture::{self, Encoding, Foreign, Limits, Source, memory};
use crate::error::{Code, Error};
use crate::protocol::{LiveChoice, Progress, Snapshot, ThreadChoice};
use crate::v8::HeapStatistics;
use door::Door;
use session::{Heard, Session};

/// How long a process may take to open its inspector: its thread has to come to JavaScript for that.
const OPEN_WAIT: Duration = Duration::from_secs(30);
/// After so long without a new port, others that were open before are tried.
const OTHERS_AFTER: Duration = Duration::from_secs(1);
/// After so long without a word from V8 JavaScript is paused.
const PAUSE_AFTER: Duration = Duration::from_secs(2);
/// How long V8 may say nothing: its first garbage collection takes seconds on large heaps.
const SILENCE_MAX: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(20);
/// How long to look for an inspector that SIGUSR1 may open yet, when the capture has failed.
const LINGER: Duration = Duration::from_secs(2);
/// How long a process may take to close it.
const CLOSE_WAIT: Duration = Duration::from_secs(10);

/// Says who answers, and how large its heap is. `process` is what Node has made it, or else the answer does not fit.
const WHO: &str = "(() => {
  const { rss, heapTotal, heapUsed, external } = process.memoryUsage()
  let small = heapUsed
  try {
    const spaces = require('v8').getHeapSpaceStatistics().filter((space) => /^(new|old)_space$/.test(space.space_name))
    small = spaces.reduce((sum, space) => sum + space.space_used_size, 0)
  } catch {}
  return { small, pid: process.pid, version: process.version, started: Date.now() - process.uptime() * 1000,
    origin: globalThis.performance?.timeOrigin, rss, heapTotal, heapUsed, external }
})()";
/// Ends all sessions, this one too, and stops listening. Twice again as the event loop turns: Node opens the inspector by
/// an interrupt of JavaScript, and once more on the loop's next turn, if it finds it closed then.
const CLOSE: &str = "(() => {
  const end = () => process._debugEnd()
  setImmediate(() => { end(); setImmediate(end) })
  end()
})()";

/// Whether the inspector is open, or why it cannot be opened. Sends nothing but a question to an open port.
pub fn look(target: &Target) -> Result<bool, Error> {
    target.check_user()?;
    if door::open_already(target)?.is_some() {
        return Ok(true);
    }
    may_open(target)?;
    Ok(false)
}

/// Captures by it.
pub fn capture(target: &Target, wanted: &Wanted, observer: &dyn Observer) -> Result<Captured, Error> {
    refuse(wanted)?;
    target.check_user()?;
    let limits = Limits::start(wanted.timeout);
    let destination = destination(wanted);
    let encoding = Encoding {
        compression: wanted.compress.unwrap_or_else(|| destination.compression()),
        redact: false,
    };
    let mut file = Foreign::open(&destination, encoding, &limits)?;
    observer.step("waiting for the process");
    let (door, opened) = match door::open_already(target)? {
        Some(door) => (door, false),
        None => open(target, &limits)?,
    };
    let ours = |listener: &Listener| *listener == door.listener;
    let mut session =
        Session::open(target, &door).map_err(|error| if opened { left(target, ours, error) } else { error })?;
    let recorded = record(
        target,
        wanted.memory_guard != Some(false),
        &mut session,
        &mut file,
        &limits,
        observer,
    );
    // Where closing goes wrong the snapshot is good all the same.
    let closed = !opened || close(&mut session, target);
    let pause = recorded.map_err(|error| if closed { error } else { left(target, ours, error) })?;
    observer.step("flushing the file");
    let info = file.finish(pause)?;
    Ok(Captured {
        pid: target.pid,
        by: By::Inspector,
        snapshot: Snapshot::from(&info),
        seen_as: None,
    })
}

/// What takes the addon.
fn refuse(wanted: &Wanted) -> Result<(), Error> {
    let what = match (wanted.live, wanted.thread) {
        (Some(LiveChoice::Require), _) => "a live capture",
        (_, Some(ThreadChoice::One(1..) | ThreadChoice::All)) => "a capture of a worker",
        _ if wanted.gc == Some(false) => "a capture without garbage collection",
        _ if wanted.redact => "a redacted capture",
        _ => return Ok(()),
    };
    let error = Error::new(
        Code::Unsupported,
        format!("{what} takes the addon, which cannot be asked in that process"),
    );
    Err(error.with_hint("start the service with `rs-heapdump run -- app.js` or NODE_OPTIONS=--require=rs-heapdump"))
}

fn destination(wanted: &Wanted) -> capture::Target {
    match &wanted.output {
        Some(path) => capture::Target::Named(path.clone()),
        None => capture::Target::Default {
            directory: wanted.directory.clone().unwrap_or_else(|| ".".into()),
            thread_id: 0,
            compression: wanted.compress.unwrap_or_default(),
            keep: None,
        },
    }
}

/// Whether SIGUSR1 would open the inspector. To a process that does not catch it, it is death.
fn may_open(target: &Target) -> Result<(), Error> {
    let pid = target.pid;
    let load = "start the service with `rs-heapdump run -- app.js`, which needs no inspector";
    if target.is_told("--disable-sigusr1") || !target.catches(Signal::SIGUSR1 as i32)? {
        let message =
            format!("process {pid} does not open its inspector on SIGUSR1 (--disable-sigusr1), so it was not sent");
        return Err(Error::new(Code::Unsupported, message).with_hint(load));
    }
    let port = door::expected_port(target);
    if let Some(other) = door::taken(target, port) {
        let message = format!("port {port}, where process {pid} would open its inspector, is taken by {other}");
        let hint = format!("free the port, or start the service with --inspect-port=0; or {load}");
        return Err(Error::new(Code::Busy, message).with_hint(hint));
    }
    Ok(())
}

/// Has the process open its inspector, and finds it. Also tells whether it has been opened by that: it may have been
/// open before, where nobody would look for it.
fn open(target: &Target, limits: &Limits) -> Result<(Door, bool), Error> {
    may_open(target)?;
    let before = target.listeners();
    // Anew, as looking around has taken a while.
    if !target.catches(Signal::SIGUSR1 as i32)? {
        let message = format!(
            "process {} has become another program, so SIGUSR1 was not sent",
            target.pid
        );
        return Err(Error::new(Code::Unsupported, message));
    }
    let pid = i32::try_from(target.pid).map_err(|_| Error::new(Code::Argument, "a pid is a smaller number"))?;
    kill(Pid::from_raw(pid), Signal::SIGUSR1).map_err(|errno| match errno {
        Errno::EPERM => Error::new(Code::Io, format!("EPERM: process {pid} may not be signalled"))
            .with_hint("run this command as its user, or as root"),
        _ => Error::new(Code::Io, format!("{errno:?}: process {pid} may have ended, kill")),
    })?;
    let new = |listener: &Listener| !before.contains(listener);
    found(target, limits, &before).map_err(|error| left(target, new, error))
}

/// The inspector that SIGUSR1 opens.
fn found(target: &Target, limits: &Limits, before: &[Listener]) -> Result<(Door, bool), Error> {
    let pid = target.pid;
    let sent = Instant::now();
    let mut others_tried = target.sockets().is_none(); // whose they are is not known then
    loop {
        // Once: what listens there may be the service.
        let others_too = !others_tried && sent.elapsed() >= OTHERS_AFTER;
        others_tried |= others_too;
        if let Some(door) = door::find(target, |listener| others_too || !before.contains(listener))? {
            let opened = !before.contains(&door.listener);
            return Ok((door, opened));
        }
        interrupt::check()?;
        limits.check()?;
        if sent.elapsed() >= OPEN_WAIT {
            let message = format!(
                "process {pid} did not open its inspector within {} s of SIGUSR1",
                OPEN_WAIT.as_secs()
            );
            return Err(Error::new(Code::Timeout, message).with_hint(
                "it opens once its thread comes back to JavaScript; if another process has the port, its stderr says so",
            ));
        }
        thread::sleep(POLL);
    }
}

/// The error of a capture that ends after SIGUSR1: what the signal opens, or has opened, is closed if that shows soon;
/// else it is told what is left.
fn left(target: &Target, opened: impl Fn(&Listener) -> bool, error: Error) -> Error {
    let deadline = Instant::now() + LINGER;
    let mut place = match door::expected_port(target) {
        0 => "a port of its choice".to_owned(),
        port => format!("port {port}"),
    };
    loop {
        if let Ok(Some(door)) = door::find(target, &opened) {
            place = door.address.to_string();
            if Session::open(target, &door).is_ok_and(|mut session| close(&mut session, target)) {
                return error;
            }
        }
        if target.catches(Signal::SIGUSR1 as i32).is_err() {
            return error; // it has ended
        }
        if Instant::now() >= deadline {
            break;
        }
        thread::sleep(POLL);
    }
    let before = error.hint().map_or_else(String::new, |hint| format!("{hint}; "));
    error.with_hint(format!(
        "{before}SIGUSR1 was sent, so the inspector may be open at {place}, now or later: `rs-heapdump doctor {}` \
         tells, and process._debugEnd() in the process closes it (node inspect HOST:PORT, exec process._debugEnd())",
        target.pid
    ))
}

#[derive(Debug, Deserialize)]
struct Who {
    pid: u32,
    version: String,
    started: f64,
    origin: Option<f64>,
    rss: f64,
    #[serde(rename = "heapTotal")]
    heap_total: f64,
    #[serde(rename = "heapUsed")]
    heap_used: f64,
    external: f64,
    /// In objects that are not large.
    small: f64,
}

impl Who {
    /// Refuses what will most likely not fit into the process's memory: it could not be broken off.
    fn admit(&self, pid: u32) -> Result<(), Error> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive; the cast saturates"
        )]
        let needed_bytes = memory::likely_bytes(self.small as u64);
        let Some(headroom) = memory::headroom_of(pid) else {
            return Ok(());
        };
        memory::decide(needed_bytes, headroom).map_err(|shortage| {
            let size = |bytes| format_size(bytes, BINARY);
            let message = format!(
                "the snapshot will take process {pid} about {}, and {} are left ({})",
                size(shortage.needed_bytes),
                size(shortage.available_bytes),
                shortage.limit
            );
            Error::memory(message, shortage).with_hint("raise the limit, or pass --no-memory-guard to try all the same")
        })
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole and positive; the cast saturates"
    )]
    fn source(self) -> Source {
        let started = self.origin.unwrap_or(self.started);
        Source {
            pid: self.pid,
            thread_id: 0,
            started: DateTime::<Utc>::from_timestamp_millis(started.round() as i64),
            node_version: Some(self.version),
            rss_bytes: self.rss as u64,
            heap: HeapStatistics {
                total_bytes: self.heap_total as u64,
                used_bytes: self.heap_used as u64,
                external_bytes: self.external as u64,
                ..HeapStatistics::default()
            },
        }
    }
}

/// Has V8 take the snapshot, and writes it. Answers for how long the thread stood still.
fn record(
    target: &Target,
    guard: bool,
    session: &mut Session,
    file: &mut Foreign,
    limits: &Limits,
    observer: &dyn Observer,
) -> Result<Duration, Error> {
    let check = || interrupt::check().and_then(|()| limits.check());
    let who: Who = session.evaluate(WHO, &check)?;
    if who.pid != target.own_pid {
        let message = format!(
            "the inspector that was found is that of pid {}, not of {}",
            who.pid, target.own_pid
        );
        return Err(Error::new(Code::Unsupported, message));
    }
    if guard {
        who.admit(target.pid)?;
    }
    file.of(who.source())?;
    observer.step("collecting garbage");
    let began = Instant::now();
    let mut progress = Progress::default();
    let mut trouble = None;
    let mut last = None;
    let mut paused = false;
    let asked = session.ask("HeapProfiler.takeHeapSnapshot", &json!({ "reportProgress": true }))?;
    loop {
        if trouble.is_none() {
            trouble = check().err();
        }
        if trouble.is_some() {
            observer.step("waiting for V8 to end what it cannot break off");
        }
        let heard = session.hear()?;
        match heard {
            Some(Heard::Chunk(_) | Heard::Progress { .. }) => last = Some(Instant::now()),
            _ if last.unwrap_or(began).elapsed() >= SILENCE_MAX => {
                let error = Error::new(Code::Timeout, "V8 gave no snapshot");
                return Err(error.with_hint("the process's thread is in native code, or waits for something"));
            }
            _ if last.is_none() && !paused && began.elapsed() >= PAUSE_AFTER => {
                paused = true;
                session.ask("Debugger.enable", &json!({}))?;
                session.ask("Debugger.pause", &json!({}))?;
            }
            _ => {}
        }
        match heard {
            Some(Heard::Chunk(chunk)) if trouble.is_none() => {
                let written = file.write(chunk.as_bytes(), &|| check().is_ok());
                // A wait that was cut short shows as a failed write.
                trouble = written.err().map(|error| check().err().unwrap_or(error));
                progress.bytes = file.bytes();
                observer.progress(&progress);
            }
            Some(Heard::Progress { done, total }) if trouble.is_none() => {
                progress.nodes = total;
                #[expect(clippy::cast_precision_loss, reason = "shown to a person")]
                observer.share("V8 builds its graph", done as f64 / total.max(1) as f64);
            }
            Some(Heard::Reply { id, error: Some(error) }) if id == asked => {
                return Err(Error::new(
                    Code::Aborted,
                    format!("the inspector gave no snapshot: {error}"),
                ));
            }
            Some(Heard::Reply { id, .. }) if id == asked => break,
            _ => {}
        }
    }
    if paused {
        // Sessions of others have nothing to do with it, and ours ends soon: that would do the same.
        session.ask("Debugger.resume", &json!({}))?;
        session.ask("Debugger.disable", &json!({}))?;
    }
    trouble.map_or(Ok(began.elapsed()), Err)
}

/// Has the process close its inspector, and waits for that. Answers whether the session has ended. Another process that
/// should answer keeps its own open.
fn close(session: &mut Session, target: &Target) -> bool {
    let deadline = Instant::now() + CLOSE_WAIT;
    let expression = format!("process.pid === {} && {CLOSE}", target.own_pid);
    if session
        .ask("Runtime.evaluate", &json!({ "expression": expression }))
        .is_err()
    {
        return false;
    }
    while Instant::now() < deadline {
        if session.hear().is_err() {
            return true;
        }
    }
    false
}
