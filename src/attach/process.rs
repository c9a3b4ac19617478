//! What `/proc` tells of a process: whether it is there, is Node ([`executable`]), and is ours to ask.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::{Pid, Uid, User, geteuid};

use super::executable::{Executable, Executables};
use super::{Addon, NodeProcess, addon};
use crate::error::{Code, Error};

/// A process that is there and is Node.
#[derive(Clone, Debug)]
pub struct Target {
    pub pid: u32,
    /// As it sees it itself.
    pub own_pid: u32,
    pub uid: u32,
    arguments: Vec<String>,
    version: Option<String>,
    rss_bytes: u64,
    /// When it was started, in the kernel's ticks: tells it from another one that has its pid later.
    started: Option<u64>,
}

impl Target {
    /// The process of this pid, or why it cannot be captured.
    pub fn find(pid: u32) -> Result<Self, Error> {
        let status = Status::read(pid)?;
        if status.thread_group != pid {
            let error = Error::new(
                Code::Argument,
                format!("{pid} is a thread of process {}", status.thread_group),
            );
            return Err(error.with_hint(format!("rs-heapdump capture {}", status.thread_group)));
        }
        if status.state == 'Z' {
            return Err(Error::new(
                Code::Unsupported,
                format!("process {pid} has ended; its parent has not taken notice"),
            ));
        }
        let Some(target) = Self::look(pid, &status, &mut Executables::new()) else {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            let error = Error::new(
                Code::Unsupported,
                format!("process {pid} ({}) is not Node", name.trim_end()),
            );
            return Err(error.with_hint("rs-heapdump capture lists the Node processes"));
        };
        Ok(target)
    }

    /// Nothing where it is not Node.
    fn look(pid: u32, status: &Status, read: &mut Executables) -> Option<Self> {
        let arguments = arguments(pid);
        let version = match Executable::of(pid, read) {
            Ok(Executable::Node { version }) => version,
            // It may not be read: go by its name.
            Err(_) if is_called_node(&arguments) => None,
            Ok(Executable::Other) | Err(_) => return None,
        };
        Some(Self {
            pid,
            own_pid: status.own_pid,
            uid: status.uid,
            arguments,
            version,
            rss_bytes: status.rss_bytes,
            started: started(pid),
        })
    }

    /// A file of its directory in `/proc`.
    pub fn proc(&self, name: &str) -> PathBuf {
        Path::new("/proc").join(self.pid.to_string()).join(name)
    }

    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// Whether a handler of its own takes this signal now: it may have become another program since it was found.
    pub fn catches(&self, signal: i32) -> Result<bool, Error> {
        let status = Status::read(self.pid)?;
        if started(self.pid) != self.started {
            return Err(absent(self.pid)); // its pid is another process's now
        }
        Ok(status.caught_signals >> (signal - 1) & 1 == 1)
    }

    /// Whether we may do to it what its user may.
    pub fn check_user(&self) -> Result<(), Error> {
        let ours = geteuid();
        if ours.is_root() || ours.as_raw() == self.uid {
            return Ok(());
        }
        let message = format!("EPERM: process {} belongs to user {}", self.pid, user(self.uid));
        Err(Error::new(Code::Io, message).with_hint("run this command as that user, or as root: sudo …"))
    }

    /// Whether it is in our namespace of this kind; where we may not know, it counts as being.
    pub fn shares(&self, namespace: &str) -> bool {
        let of = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/{namespace}")).ok();
        match (of(&self.pid.to_string()), of("self")) {
            (Some(theirs), Some(ours)) => theirs == ours,
            _ => true,
        }
    }

    /// How a path of its own is reached from here, where it has other mounts.
    pub fn seen_from_here(&self, path: &str) -> Option<String> {
        (!self.shares("mnt") && path.starts_with('/')).then(|| format!("/proc/{}/root{path}", self.pid))
    }

    /// A variable of the environment that it was started with, where that may be read.
    pub fn variable(&self, name: &str) -> Option<String> {
        let text = fs::read(self.proc("environ")).ok()?;
        let of = |entry: &[u8]| {
            Some(
                String::from_utf8_lossy(entry)
                    .strip_prefix(name)?
                    .strip_prefix('=')?
                    .to_owned(),
            )
        };
        text.split(|&byte| byte == 0).find_map(of)
    }

    /// The numbers of its sockets; nothing where they may not be known.
    pub fn sockets(&self) -> Option<Vec<u64>> {
        let socket = |entry: io::Result<fs::DirEntry>| {
            let link = fs::read_link(entry.ok()?.path()).ok()?;
            link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
        };
        Some(fs::read_dir(self.proc("fd")).ok()?.filter_map(socket).collect())
    }

    pub fn describe(&self) -> NodeProcess {
        NodeProcess {
            pid: self.pid,
            user: user(self.uid),
            node_version: self.version.clone(),
            rss_bytes: self.rss_bytes,
            addon: self.addon(),
            script: script(&self.arguments),
            own_pid: (self.own_pid != self.pid).then_some(self.own_pid),
        }
    }

    fn addon(&self) -> Addon {
        let named = addon::sockets(self);
        let own = self.sockets();
        if named
            .iter()
            .any(|(_, inode)| own.as_ref().is_none_or(|own| own.contains(inode)))
        {
            return Addon::Listening;
        }
        let maps = fs::read_to_string(self.proc("maps")).unwrap_or_default();
        if maps.lines().any(is_addon) {
            Addon::Loaded
        } else {
            Addon::Missing
        }
    }
}

fn is_addon(mapping: &str) -> bool {
    let name = mapping
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .trim_end_matches(" (deleted)");
    name.strip_prefix("rs-heapdump.")
        .is_some_and(|rest| rest.rsplit('.').next() == Some("node"))
}

/// The Node processes of this machine, but for this one.
pub fn list() -> Result<Vec<NodeProcess>, Error> {
    let proc = Path::new("/proc");
    let entries = fs::read_dir(proc).map_err(|error| Error::io(&error, "opendir", proc))?;
    let mut read = Executables::new();
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if pid == std::process::id() {
            continue;
        }
        let Ok(status) = Status::read(pid) else {
            continue; // it has ended meanwhile
        };
        if let Some(target) = Target::look(pid, &status, &mut read) {
            found.push(target.describe());
        }
    }
    found.sort_by_key(|process| process.pid);
    Ok(found)
}

/// What `/proc/PID/status` says.
#[derive(Clone, Debug)]
struct Status {
    state: char,
    thread_group: u32,
    own_pid: u32,
    uid: u32,
    rss_bytes: u64,
    /// The signals that it handles, as bits from the lowest for signal 1 on.
    caught_signals: u64,
}

impl Status {
    fn read(pid: u32) -> Result<Self, Error> {
        let path = PathBuf::from(format!("/proc/{pid}/status"));
        let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => absent(pid),
            _ => Error::io(&error, "open", &path),
        })?;
        // A process that ends while it is read.
        Self::parse(&text).ok_or_else(|| absent(pid))
    }

    fn parse(text: &str) -> Option<Self> {
        let field = |name: &str| {
            let line = |line: &'_ str| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned());
            text.lines().find_map(line)
        };
        let word = |name: &str, at: usize| field(name)?.split_whitespace().nth(at).map(str::to_owned);
        let thread_group = field("Tgid")?.parse().ok()?;
        Some(Self {
            state: field("State")?.chars().next()?,
            thread_group,
            // From the outermost namespace to its own.
            own_pid: field("NSpid")
                .and_then(|pids| pids.split_whitespace().next_back()?.parse().ok())
                .unwrap_or(thread_group),
            uid: word("Uid", 1)?.parse().ok()?,
            rss_bytes: word("VmRSS", 0).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) << 10,
            caught_signals: u64::from_str_radix(&field("SigCgt")?, 16).ok()?,
        })
    }
}

/// Field 22 of `/proc/PID/stat`; the second may hold spaces and brackets.
fn started(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    rest.split_whitespace().nth(19)?.parse().ok()
}

fn absent(pid: u32) -> Error {
    let hidden = i32::try_from(pid).is_ok_and(|pid| pid > 0 && kill(Pid::from_raw(pid), None) == Err(Errno::EPERM));
    if hidden {
        let error = Error::new(
            Code::Io,
            format!("EPERM: process {pid} belongs to another user, and /proc hides it"),
        );
        return error.with_hint("run this command as that user, or as root: sudo …");
    }
    Error::new(Code::Io, format!("ESRCH: there is no process {pid}"))
        .with_hint("rs-heapdump capture lists the Node processes; in a container, pids are those of the container")
}

/// Its command line; not all of it where it has changed its title.
fn arguments(pid: u32) -> Vec<String> {
    let text = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = text.split(|&byte| byte == 0).map(String::from_utf8_lossy);
    let mut words: Vec<_> = words.map(std::borrow::Cow::into_owned).collect();
    while words.last().is_some_and(String::is_empty) {
        words.pop();
    }
    words
}

fn is_called_node(arguments: &[String]) -> bool {
    let name = arguments.first().map(|path| path.rsplit('/').next().unwrap_or(path));
    matches!(name, Some("node" | "nodejs"))
}

/// What a command line runs: the first argument that is no option of Node's, as far as one can tell.
fn script(arguments: &[String]) -> String {
    /// These take the next argument along.
    const WITH_VALUE: [&str; 12] = [
        "-r",
        "--require",
        "--import",
        "--loader",
        "--experimental-loader",
        "-C",
        "--conditions",
        "--env-file",
        "--input-type",
        "--title",
        "--watch-path",
        "--run",
    ];
    if !is_called_node(arguments) {
        return arguments.join(" "); // a title, or a program of another name
    }
    let mut rest = arguments.iter().skip(1);
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "-e" | "--eval" | "-p" | "--print" | "-pe" => return "[eval]".to_owned(),
            "--" => return rest.next().cloned().unwrap_or_default(),
            option if WITH_VALUE.contains(&option) => drop(rest.next()),
            option if option.starts_with('-') && option.len() > 1 => {}
            script => return script.to_owned(),
        }
    }
    "[stdin]".to_owned()
}

fn user(uid: u32) -> String {
    let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    user.map_or_else(|| uid.to_string(), |user| user.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_tells_pid_user_and_signals() {
        let status = Status::parse(
            "Name:\tnode\nState:\tS (sleeping)\nTgid:\t4711\nNSpid:\t4711\t1\nUid:\t1000\t1001\t1000\t1000\n\
             VmRSS:\t   2048 kB\nSigCgt:\t0000000100004602\n",
        )
        .unwrap();
        assert_eq!((status.thread_group, status.own_pid, status.uid), (4711, 1, 1001));
        assert_eq!(status.rss_bytes, 2 << 20);
        assert_eq!(status.caught_signals >> 9 & 1, 1, "SIGUSR1");
        assert!(Status::parse("Name:\tnode\n").is_none());
    }

    #[test]
    fn a_process_is_told_from_a_later_one_of_its_pid() {
        let pid = std::process::id();
        assert!(started(pid).is_some_and(|ticks| ticks > 0));
        let status = Status::read(pid).unwrap();
        let mut target = Target {
            pid,
            own_pid: pid,
            uid: status.uid,
            arguments: Vec::new(),
            version: None,
            rss_bytes: 0,
            started: started(pid),
        };
        assert!(!target.catches(nix::sys::signal::Signal::SIGUSR1 as i32).unwrap());
        target.started = Some(0);
        assert!(target.catches(nix::sys::signal::Signal::SIGUSR1 as i32).is_err());
    }

    #[test]
    fn the_script_is_told_from_options() {
        let cases = [
            ("/usr/bin/node app.js --port 80", "app.js"),
            (
                "node -r dotenv/config --inspect=0 --max-old-space-size=4096 /srv/app/server.js",
                "/srv/app/server.js",
            ),
            ("node --import ./tracing.mjs -- server.mjs", "server.mjs"),
            ("node -e for(;;){} more", "[eval]"),
            ("node", "[stdin]"),
            ("my worker", "my worker"),
        ];
        for (line, expected) in cases {
            let arguments: Vec<_> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(script(&arguments), expected, "{line}");
        }
    }

    #[test]
    fn what_is_not_node_is_not() {
        let this = Target::find(std::process::id()).unwrap_err();
        assert!(this.to_string().ends_with("is not Node"), "{this}");
        let nobody = Target::find(u32::MAX).unwrap_err();
        assert!(nobody.to_string().contains("ESRCH"), "{nobody}");
    }
}
