//! The addon of another process, over its socket (see [`protocol`](crate::protocol)).
//!
//! The sockets of a network namespace are listed in `/proc/PID/net/unix`. Those that could be the process's by their
//! names are tried; which one is its own, the kernel says: the peer's pid is the one that was asked for.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, UnixAddr, getsockopt, sockopt::PeerCredentials};

use super::process::Target;
use super::{By, Captured, Observer, Wanted, interrupt};
use crate::error::{Code, Error};
use crate::protocol::{Ask, Capture, PREFIX, Support, Word};

/// How often to look whether somebody wants us to stop.
const PATIENCE: Duration = Duration::from_millis(100);
/// The flags of a socket that listens.
const LISTENS: &str = "00010000";
/// How long a socket may take to have room for us.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// How often to look whether it has.
const POLL: Duration = Duration::from_millis(20);
/// How long a process may take for what needs no work.
const ANSWER_WAIT: Duration = Duration::from_secs(30);
/// Lines of this protocol are shorter.
const LINE_BYTES_MAX: usize = 1 << 20;

/// The names in this namespace that could be of `target`, with the numbers of their sockets.
pub fn sockets(target: &Target) -> Vec<(String, u64)> {
    let text = fs::read_to_string(target.proc("net/unix")).unwrap_or_default();
    named(&text, target.own_pid)
}

fn named(text: &str, own_pid: u32) -> Vec<(String, u64)> {
    let prefix = format!("@{PREFIX}{own_pid}/");
    let socket = |line: &str| {
        // Num RefCount Protocol Flags Type St Inode Path
        let mut fields = line.split_whitespace().skip(3);
        // Connections have the listener's name.
        fields.next().filter(|flags| *flags == LISTENS)?;
        let mut fields = fields.skip(2);
        let inode = fields.next()?.parse().ok()?;
        let name = fields.next().filter(|name| name.starts_with(&prefix))?;
        Some((name[1..].to_owned(), inode))
    };
    text.lines().filter_map(socket).collect()
}

/// The addon's ear; nothing where the process has none.
pub fn connect(target: &Target) -> Result<Option<Talk>, Error> {
    let own = target.sockets();
    for (name, inode) in sockets(target) {
        if own.as_ref().is_some_and(|own| !own.contains(&inode)) {
            continue; // somebody else of that name
        }
        let failed = |error: &io::Error| Error::io(error, "connect", format!("@{name}").as_ref());
        // It has just gone, or is somebody's who lets everybody wait.
        let Ok(stream) = target.within_network(|| reach(&name))? else {
            interrupt::check()?;
            continue;
        };
        let peer = getsockopt(&stream, PeerCredentials).map_err(|errno| failed(&errno.into()))?;
        if u32::try_from(peer.pid()) != Ok(target.pid) {
            continue; // somebody else of that name
        }
        stream
            .set_read_timeout(Some(PATIENCE))
            .map_err(|error| failed(&error))?;
        return Ok(Some(Talk {
            stream,
            heard: Vec::new(),
            lines: VecDeque::new(),
        }));
    }
    Ok(None)
}

/// Connects, and does not wait for long: whose name it is, is not known before.
fn reach(name: &str) -> io::Result<UnixStream> {
    let kind = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let stream = socket::socket(AddressFamily::Unix, SockType::Stream, kind, None)?;
    let address = UnixAddr::new_abstract(name.as_bytes())?;
    let deadline = Instant::now() + CONNECT_WAIT;
    // Its queue is full: there is nothing to poll for.
    while let Err(errno) = socket::connect(stream.as_raw_fd(), &address) {
        if errno != Errno::EAGAIN || interrupt::happened() || Instant::now() >= deadline {
            return Err(errno.into());
        }
        thread::sleep(POLL);
    }
    let stream = UnixStream::from(stream);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// Why there is no ear.
pub fn missing(loaded: bool) -> Error {
    if loaded {
        Error::new(Code::Unsupported, "the addon is loaded but does not listen")
            .with_hint("NODE_HEAPDUMP_OPTIONS=nocapture switches it off, and V8's functions must be exported")
    } else {
        Error::new(Code::Unsupported, "the addon is not loaded")
            .with_hint("start the service with `rs-heapdump run -- app.js` or NODE_OPTIONS=--require=rs-heapdump")
    }
}

/// What works there.
pub fn support(mut talk: Talk) -> Result<Support, Error> {
    let deadline = Instant::now() + ANSWER_WAIT;
    talk.say(&Ask::Support {})?;
    loop {
        match talk.hear(Some(deadline))? {
            Word::Support(support) => return Ok(support),
            Word::Failed { failure, .. } => return Err(failure.into()),
            Word::End => return Err(ended()),
            Word::Progress(_) | Word::Snapshot(_) => {}
        }
    }
}

/// Captures by it.
pub fn capture(
    target: &Target,
    mut talk: Talk,
    wanted: &Wanted,
    observer: &dyn Observer,
) -> Result<Vec<Result<Captured, Error>>, Error> {
    observer.step("waiting for the process");
    talk.say(&Ask::Capture(Capture {
        filename: wanted.output.clone(),
        directory: wanted.directory.clone(),
        thread: wanted.thread,
        gc: wanted.gc,
        compress: wanted.compress,
        redact: wanted.redact,
        memory_guard: wanted.memory_guard,
        live: wanted.live,
        timeout_ms: wanted
            .timeout
            .map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
    }))?;
    let mut outcomes = Vec::new();
    loop {
        let heard = match talk.hear(None) {
            // What is written already must be told.
            Err(error) if !outcomes.is_empty() => {
                outcomes.push(Err(error));
                return Ok(outcomes);
            }
            heard => heard?,
        };
        match heard {
            Word::Progress(progress) => observer.progress(&progress),
            Word::Snapshot(snapshot) => outcomes.push(Ok(Captured {
                pid: target.pid,
                by: By::Addon,
                seen_as: target.seen_from_here(&snapshot.path),
                snapshot,
            })),
            Word::Failed { failure, .. } => outcomes.push(Err(failure.into())),
            Word::End if outcomes.is_empty() => return Err(ended()),
            Word::End => return Ok(outcomes),
            Word::Support(_) => {}
        }
    }
}

fn ended() -> Error {
    Error::new(Code::Aborted, "the process ended, or broke off, before it answered")
}

/// A conversation with an addon.
#[derive(Debug)]
pub struct Talk {
    stream: UnixStream,
    /// The beginning of a line.
    heard: Vec<u8>,
    lines: VecDeque<Vec<u8>>,
}

impl Talk {
    fn say(&mut self, ask: &Ask) -> Result<(), Error> {
        let mut line = serde_json::to_vec(ask).map_err(|_| {
            Error::new(
                Code::Argument,
                "the name of the file cannot be told to the process: not UTF-8",
            )
        })?;
        line.push(b'\n');
        // Where it has hung up already, it may have said why.
        let _ = self.stream.write_all(&line);
        Ok(())
    }

    fn hear(&mut self, deadline: Option<Instant>) -> Result<Word, Error> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return serde_json::from_slice(&line).map_err(|error| {
                    Error::new(
                        Code::Unsupported,
                        format!("the process says what is not understood: {error}"),
                    )
                });
            }
            interrupt::check()?;
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(Error::new(Code::Timeout, "the process does not answer"));
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(ended()),
                Ok(length) => self.take(&buffer[..length])?,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Err(ended()),
                Err(error) => return Err(Error::io(&error, "read", "the addon's socket".as_ref())),
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.heard.extend_from_slice(bytes);
        while let Some(end) = memchr::memchr(b'\n', &self.heard) {
            let rest = self.heard.split_off(end + 1);
            self.lines.push_back(std::mem::replace(&mut self.heard, rest));
        }
        if self.heard.len() > LINE_BYTES_MAX {
            return Err(Error::new(
                Code::Unsupported,
                "the process says what is not understood: a line without an end",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_whose_queue_is_full_holds_nobody_up_for_ever() {
        let name = format!("{PREFIX}test/{}", std::process::id());
        let bound = socket::socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
        socket::bind(bound.as_raw_fd(), &UnixAddr::new_abstract(name.as_bytes()).unwrap()).unwrap();
        socket::listen(&bound, socket::Backlog::new(0).unwrap()).unwrap();
        let first = reach(&name).unwrap();
        let began = Instant::now();
        assert_eq!(reach(&name).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(began.elapsed() >= CONNECT_WAIT);
        drop(first);
    }

    #[test]
    fn sockets_are_told_by_name_and_pid() {
        let text = "\
Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 11 @rs-heapdump/1/42/17f0
0000000000000000: 00000003 00000000 00000000 0001 03 12 @rs-heapdump/1/42/17f0
0000000000000000: 00000002 00000000 00010000 0001 01 13 @rs-heapdump/1/421/17f0
0000000000000000: 00000002 00000000 00010000 0001 01 14 /run/rs-heapdump/1/42/17f0
0000000000000000: 00000002 00000000 00010000 0001 01 15
";
        assert_eq!(named(text, 42), [("rs-heapdump/1/42/17f0".to_owned(), 11)]);
    }
}
