//! `rs-heapdump capture PID`: who asks over a socket, waits, and is told how it ended.
//!
//! A thread of ours (`heapdump-attach`) waits for connections; each gets a thread for as long as it lasts, a few of
//! them at most. An ask is obeyed as [`threads::capture_for`] can: on an idle event loop, in JavaScript that never
//! returns, live. When the other end goes away, the capture is broken off.
//!
//! # Who may ask
//!
//! Processes of our own user, and root, by what the kernel says of the peer. The socket has an abstract name, which
//! belongs to the network namespace: nothing is left on a disk, and other containers do not see it. A user without a
//! number in our user namespace appears as the overflow user; where we are that user ourselves, only root may ask.
//!
//! # Cost
//!
//! A thread that sleeps, and a descriptor. Neither keeps the process alive.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::geteuid;

use super::config::Cover;
use super::{support, threads};
use crate::capture::{Captured, Estimate, Limits, Live, Mode, Outcome, Request, Target, block_signals};
use crate::error::{Code, Error};
use crate::protocol::{self, Ask, Failure, LINE_BYTES_MAX, LiveChoice, PREFIX, Progress, Snapshot, ThreadChoice, Word};

/// How many may be heard at a time.
const PEERS_MAX: usize = 8;
/// How long a peer may take to say what it wants.
const ASK_WAIT: Duration = Duration::from_secs(10);
/// How long a peer may take to read what it is told.
const TELL_WAIT: Duration = Duration::from_secs(10);
/// How often to look whether the peer is still there.
const PRESENCE: Duration = Duration::from_millis(50);
/// How many names to try.
const NAMES_MAX: u32 = 100;

/// Starts listening, for the rest of the process.
pub fn listen() -> io::Result<()> {
    let listener = bind()?;
    thread::Builder::new().name("heapdump-attach".into()).spawn(move || {
        block_signals();
        for peer in listener.incoming() {
            match peer {
                Ok(peer) => receive(peer),
                // Out of descriptors, most likely: not a reason to spin.
                Err(_) => thread::sleep(PRESENCE),
            }
        }
    })?;
    Ok(())
}

/// Nobody goes by the rest of the name, but a name that somebody else has taken must not be in our way.
fn bind() -> io::Result<UnixListener> {
    let pid = std::process::id();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut unique = now.as_nanos();
    for _ in 0..NAMES_MAX {
        let address = SocketAddr::from_abstract_name(format!("{PREFIX}{pid}/{unique:x}"))?;
        match UnixListener::bind_addr(&address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => unique += 1,
            bound => return bound,
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

/// Hears a peer on a thread of its own.
fn receive(peer: UnixStream) {
    static PEERS: AtomicUsize = AtomicUsize::new(0);
    struct Present;
    impl Drop for Present {
        fn drop(&mut self) {
            PEERS.fetch_sub(1, Ordering::Relaxed);
        }
    }

    let others = PEERS.fetch_add(1, Ordering::Relaxed);
    let present = Present;
    let mut talk = Talk(peer);
    if others >= PEERS_MAX {
        let error = Error::new(
            Code::Busy,
            format!("{PEERS_MAX} others are asking this process already"),
        );
        let _ = talk.refuse(&error);
        return;
    }
    let _ = thread::Builder::new().name("heapdump-attach".into()).spawn(move || {
        let _ = talk.hold(); // a peer that has gone needs no answer
        drop(present);
    });
}

/// What is said with one peer.
struct Talk(UnixStream);

impl Talk {
    fn say(&mut self, word: &Word) -> io::Result<()> {
        let mut line = serde_json::to_vec(word)?;
        line.push(b'\n');
        self.0.write_all(&line)
    }

    fn fail(&mut self, thread_id: Option<u32>, error: &Error) -> io::Result<()> {
        let failure = Failure::from(error);
        self.say(&Word::Failed { thread_id, failure })
    }

    fn refuse(&mut self, error: &Error) -> io::Result<()> {
        self.fail(None, error)?;
        self.say(&Word::End)
    }

    fn hold(&mut self) -> io::Result<()> {
        self.0.set_read_timeout(Some(ASK_WAIT))?;
        self.0.set_write_timeout(Some(TELL_WAIT))?;
        if let Err(error) = admit(&self.0) {
            return self.refuse(&error);
        }
        let mut line = String::new();
        BufReader::new((&self.0).take(LINE_BYTES_MAX)).read_line(&mut line)?;
        match serde_json::from_str(&line) {
            Ok(Ask::Support {}) => self.say(&Word::Support(support::here()))?,
            Ok(Ask::Capture(wanted)) => self.capture(&wanted)?,
            Err(error) => {
                let error = Error::new(Code::Unsupported, format!("the process does not understand: {error}"))
                    .with_hint("it may have loaded another version of rs-heapdump than this one");
                self.fail(None, &error)?;
            }
        }
        self.say(&Word::End)
    }

    /// One thread after the other: the memory that two take at a time may be too much.
    fn capture(&mut self, wanted: &protocol::Capture) -> io::Result<()> {
        let chosen = match wanted.thread {
            Some(ThreadChoice::One(id)) => vec![id],
            Some(ThreadChoice::All) => threads::ids(Cover::All),
            None => threads::ids(Cover::Main),
        };
        if chosen.is_empty() {
            return self.fail(None, &Error::new(Code::Unsupported, "no thread has loaded the addon"));
        }
        for id in chosen {
            self.capture_thread(id, wanted)?;
        }
        Ok(())
    }

    fn capture_thread(&mut self, id: u32, wanted: &protocol::Capture) -> io::Result<()> {
        let (tell, told) = channel();
        let observed = tell.clone();
        let phased = tell.clone();
        let phase = Box::new(move |captured: Captured| {
            let _ = phased.send(Told::Progress(Progress {
                thread_id: id,
                nodes: captured.nodes,
                bytes: captured.bytes,
                pause_ms: None,
            }));
        });
        let sender = getsockopt(&self.0, PeerCredentials).ok();
        let sender = sender
            .and_then(|peer| u32::try_from(peer.pid()).ok())
            .filter(|pid| *pid > 0);
        let limits = threads::capture_for(
            id,
            sender,
            |request| adapt(request, wanted, observed),
            phase,
            move |outcome| {
                let _ = tell.send(Told::Outcome(Box::new(outcome)));
            },
        );
        let Some(limits) = limits else {
            let error = Error::new(Code::Argument, format!("thread {id} has not loaded the addon"));
            let ids: Vec<_> = threads::ids(Cover::All).iter().map(u32::to_string).collect();
            return self.fail(
                Some(id),
                &error.with_hint(format!("these threads have: {}", ids.join(", "))),
            );
        };
        self.wait(id, &told, &limits)
    }

    /// Passes on what is told of a capture, and breaks it off when the peer has gone.
    fn wait(&mut self, id: u32, told: &Receiver<Told>, limits: &Limits) -> io::Result<()> {
        let mut gone = Ok(());
        loop {
            let passed_on = match told.recv_timeout(PRESENCE) {
                Ok(Told::Progress(progress)) => self.say(&Word::Progress(progress)),
                Ok(Told::Outcome(outcome)) => {
                    gone?;
                    return match &*outcome {
                        Ok(info) => self.say(&Word::Snapshot(Snapshot::from(info))),
                        Err(error) => self.fail(Some(id), error),
                    };
                }
                Err(RecvTimeoutError::Timeout) => self.is_there(),
                // Nobody is left who could tell how it ended.
                Err(RecvTimeoutError::Disconnected) => {
                    gone?;
                    return self.fail(Some(id), &Error::new(Code::Aborted, "the capture was given up"));
                }
            };
            if gone.is_ok() && passed_on.is_err() {
                gone = passed_on;
                limits.cancel();
            }
        }
    }

    /// Whether the peer has not closed its end; it has nothing more to say.
    fn is_there(&mut self) -> io::Result<()> {
        self.0.set_nonblocking(true)?;
        let read = self.0.read(&mut [0]);
        self.0.set_nonblocking(false)?;
        match read {
            Ok(0) => Err(io::ErrorKind::BrokenPipe.into()),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// What a capture tells while somebody waits for it.
enum Told {
    Progress(Progress),
    Outcome(Box<Outcome>),
}

/// What is wanted, in place of what signals are configured for.
fn adapt(request: &mut Request, wanted: &protocol::Capture, tell: Sender<Told>) {
    let chosen = wanted.compress;
    if let Target::Default {
        directory, compression, ..
    } = &mut request.target
    {
        if let Some(wanted) = &wanted.directory {
            directory.clone_from(wanted);
        }
        *compression = chosen.unwrap_or(*compression);
    }
    if let Some(filename) = &wanted.filename {
        request.target = Target::Named(filename.clone());
    }
    request.encoding.compression = chosen.unwrap_or_else(|| request.target.compression());
    request.encoding.redact |= wanted.redact;
    request.gc = wanted.gc.unwrap_or(request.gc);
    request.memory_guard = wanted.memory_guard.unwrap_or(request.memory_guard);
    request.live = match wanted.live {
        Some(LiveChoice::Off) => Live::Off,
        Some(LiveChoice::Prefer) => Live::Prefer,
        Some(LiveChoice::Require) => Live::Require,
        None => request.live,
    };
    if let Some(timeout) = wanted.timeout_ms {
        request.limits = Limits::start(Some(Duration::from_millis(timeout)));
    }
    let thread_id = request.thread_id;
    let theirs = request.observer.take();
    request.observer = Some(Box::new(move |estimate: Estimate| {
        let live = estimate.mode == Mode::Live;
        let _ = tell.send(Told::Progress(Progress {
            thread_id,
            nodes: estimate.nodes,
            bytes: 0,
            pause_ms: (!live).then_some(estimate.pause.as_secs_f64() * 1e3),
        }));
        if let Some(theirs) = theirs {
            theirs(estimate);
        }
    }));
}

/// Whether the peer may ask.
fn admit(peer: &UnixStream) -> Result<(), Error> {
    let theirs = getsockopt(peer, PeerCredentials)
        .map_err(|errno| Error::new(Code::Io, format!("{errno:?}: the peer is not known, getsockopt")))?
        .uid();
    let ours = geteuid().as_raw();
    if theirs == 0 || (theirs == ours && !may_be_anybody(ours)) {
        return Ok(());
    }
    let error = Error::new(
        Code::Io,
        format!("EPERM: the process belongs to user {ours}, and user {theirs} asks"),
    );
    Err(error.with_hint(format!("ask as user {ours}, or as root")))
}

/// Whether this is the number that users without one in our namespace are given.
fn may_be_anybody(uid: u32) -> bool {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let overflow = read("/proc/sys/kernel/overflowuid");
    let everybody = read("/proc/self/uid_map")
        .split_whitespace()
        .eq(["0", "0", "4294967295"]);
    !everybody && overflow.trim().parse() == Ok(uid)
}
