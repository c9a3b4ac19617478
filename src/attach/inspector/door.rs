//! Where a process's inspector listens.
//!
//! The kernel's table says what listens in the process's network, and which of it is the process's own. An inspector
//! answers `GET /json/list` with the address of its WebSocket, by a thread that works while JavaScript never returns.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde::Deserialize;

use crate::attach::process::Target;
use crate::attach::reach::Listener;
use crate::error::Error;

/// Where Node's inspector listens unless it is told otherwise.
const DEFAULT_PORT: u16 = 9229;
/// How long it may take to answer; what takes longer is none.
const ANSWER_WAIT: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// An inspector that listens.
#[derive(Clone, Debug)]
pub struct Door {
    pub listener: Listener,
    /// Where to connect.
    pub address: SocketAddr,
    /// Of its WebSocket.
    pub url: String,
}

impl Target {
    /// Whether it was started with this option, on its command line or by `NODE_OPTIONS`.
    pub fn is_told(&self, option: &str) -> bool {
        self.options().any(|word| word == option)
    }

    /// All words that could be options of Node's.
    fn options(&self) -> impl Iterator<Item = String> {
        let variable = self.variable("NODE_OPTIONS").unwrap_or_default();
        let words: Vec<_> = variable.split_whitespace().map(str::to_owned).collect();
        words.into_iter().chain(self.arguments().iter().skip(1).cloned())
    }
}

/// The port that the process would listen at; 0 for any.
pub fn expected_port(target: &Target) -> u16 {
    port_of(target.options())
}

fn port_of(options: impl Iterator<Item = String>) -> u16 {
    const OPTIONS: [&str; 5] = [
        "--inspect-port",
        "--debug-port",
        "--inspect",
        "--inspect-brk",
        "--inspect-wait",
    ];
    let port = |word: String| {
        let (name, value) = word.split_once('=')?;
        if !OPTIONS.contains(&name) {
            return None;
        }
        // `9230`, `0.0.0.0:9230`, `[::1]:9230`, or a host alone.
        value.rsplit(':').next()?.parse().ok()
    };
    options.filter_map(port).last().unwrap_or(DEFAULT_PORT)
}

/// The inspector, where it is open already: at the port that is to be expected, or at any where the process was told
/// to open one from the start.
pub fn open_already(target: &Target) -> Result<Option<Door>, Error> {
    const FROM_THE_START: [&str; 3] = ["--inspect", "--inspect-brk", "--inspect-wait"];
    let port = expected_port(target);
    let told = target
        .options()
        .any(|word| FROM_THE_START.contains(&word.split('=').next().unwrap_or_default()));
    find(target, |listener| told || listener.address.port() == port)
}

/// The inspector among the process's own listeners that are `likely`. Where we may not know which are its own, all
/// are tried: whose it is will be asked in any case.
pub fn find(target: &Target, likely: impl Fn(&Listener) -> bool) -> Result<Option<Door>, Error> {
    let own = target.sockets();
    let is_own = |listener: &Listener| own.as_ref().is_none_or(|own| own.contains(&listener.inode));
    let candidates: Vec<_> = target
        .listeners()
        .into_iter()
        .filter(|l| likely(l) && is_own(l))
        .collect();
    if candidates.is_empty() {
        return Ok(None);
    }
    target.within_network(|| candidates.iter().find_map(|listener| knock(*listener).ok()))
}

/// Who has the port, where that is not the process: it could not listen there.
pub fn taken(target: &Target, port: u16) -> Option<String> {
    let own = target.sockets()?;
    let listeners = target.listeners();
    let other = listeners
        .iter()
        .find(|listener| listener.address.port() == port && listener.door().ip().is_loopback())?;
    if own.contains(&other.inode) {
        return Some("the process itself, but not by its inspector".to_owned());
    }
    Some(owner(other.inode).unwrap_or_else(|| "another process".to_owned()))
}

/// The process that has this socket.
fn owner(inode: u64) -> Option<String> {
    let link = format!("socket:[{inode}]");
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let mut descriptors = fs::read_dir(entry.path().join("fd")).ok()?.flatten();
        descriptors.find(|fd| fs::read_link(fd.path()).is_ok_and(|found| found.as_os_str() == link.as_str()))?;
        let name = fs::read_to_string(entry.path().join("comm")).ok()?;
        Some(format!("process {pid} ({})", name.trim_end()))
    })
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "webSocketDebuggerUrl")]
    url: String,
}

/// Asks what listens there whether it is an inspector.
fn knock(listener: Listener) -> io::Result<Door> {
    let address = listener.door();
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_WAIT)?;
    stream.set_read_timeout(Some(ANSWER_WAIT))?;
    stream.set_write_timeout(Some(ANSWER_WAIT))?;
    write!(
        stream,
        "GET /json/list HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    // It may not close, but answers at once; what has come by then will do.
    let mut stream = stream.take(ANSWER_BYTES_MAX);
    let mut buffer = [0; 4096];
    loop {
        if let Some(url) = url_in(&answer) {
            return Ok(Door { listener, address, url });
        }
        match stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::InvalidData.into()),
            length => answer.extend_from_slice(&buffer[..length]),
        }
    }
}

/// The address in an answer that is whole.
fn url_in(answer: &[u8]) -> Option<String> {
    let body = memchr::memmem::find(answer, b"\r\n\r\n")? + 4;
    let entries: Vec<Entry> = serde_json::from_slice(&answer[body..]).ok()?;
    Some(entries.into_iter().next()?.url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_told_by_the_last_option() {
        let port = |line: &str| port_of(line.split(' ').map(str::to_owned));
        assert_eq!(port("app.js"), DEFAULT_PORT);
        assert_eq!(port("--inspect app.js"), DEFAULT_PORT);
        assert_eq!(port("--inspect-port=0"), 0);
        assert_eq!(port("--inspect=0.0.0.0:9230"), 9230);
        assert_eq!(port("--debug-port=1 --inspect-brk=[::1]:9231"), 9231);
        assert_eq!(port("--inspect=myhost"), DEFAULT_PORT);
    }

    #[test]
    fn an_answer_is_read_when_it_is_whole() {
        let head = "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n";
        let body = r#"[ {"id": "7", "webSocketDebuggerUrl": "ws://127.0.0.1:9229/7"} ]"#;
        let whole = format!("{head}{body}");
        assert_eq!(url_in(whole.as_bytes()).as_deref(), Some("ws://127.0.0.1:9229/7"));
        assert_eq!(url_in(&whole.as_bytes()[..whole.len() - 3]), None);
        assert_eq!(url_in(format!("{head}[]").as_bytes()), None);
    }
}
