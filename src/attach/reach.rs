//! A process's network: what listens there, and how to get there.

use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::thread;

use nix::sched::{CloneFlags, setns};

use super::process::Target;
use crate::error::{Code, Error};

/// A TCP socket that listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    pub address: SocketAddr,
    /// The number of its socket.
    pub inode: u64,
}

impl Listener {
    /// Where to connect to it.
    pub fn door(&self) -> SocketAddr {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        SocketAddr::new(ip, self.address.port())
    }
}

impl Target {
    /// What listens in the process's network namespace, whoever it is.
    pub fn listeners(&self) -> Vec<Listener> {
        let read = |name| fs::read_to_string(self.proc(name)).unwrap_or_default();
        let mut found = listening(&read("net/tcp"));
        found.extend(listening(&read("net/tcp6")));
        found
    }

    /// Runs `work` in the network namespace of the process, on a thread of its own where that is another one than
    /// ours. What it opens stays there.
    pub fn within_network<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, Error> {
        if self.shares("net") {
            return Ok(work());
        }
        let path = self.proc("ns/net");
        let entered = |path: &Path| -> Result<T, Error> {
            let namespace = File::open(path).map_err(|error| Error::io(&error, "open", path))?;
            setns(namespace, CloneFlags::CLONE_NEWNET).map_err(|errno| Error::io(&errno.into(), "setns", path))?;
            Ok(work())
        };
        thread::scope(|scope| scope.spawn(|| entered(&path)).join())
            .unwrap_or_else(|_| Err(Error::new(Code::Aborted, "a fault of rs-heapdump's own")))
            .map_err(|error| {
                let hint = format!(
                    "process {} is in a container with a network of its own, which takes root to enter; or run this command inside, where its pid is {}",
                    self.pid, self.own_pid
                );
                error.with_hint(hint)
            })
    }
}

/// Reads `/proc/net/tcp` or `tcp6`.
fn listening(text: &str) -> Vec<Listener> {
    const LISTEN: &str = "0A";
    let listener = |line: &str| {
        // sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode
        let fields: Vec<&str> = line.split_whitespace().collect();
        if *fields.get(3)? != LISTEN {
            return None;
        }
        let (ip, port) = fields.get(1)?.split_once(':')?;
        Some(Listener {
            address: SocketAddr::new(ip_address(ip)?, u16::from_str_radix(port, 16).ok()?),
            inode: fields.get(9)?.parse().ok()?,
        })
    };
    text.lines().skip(1).filter_map(listener).collect()
}

/// Words of 32 bits, each in this machine's order.
fn ip_address(text: &str) -> Option<IpAddr> {
    let mut bytes = Vec::with_capacity(16);
    for at in (0..text.len()).step_by(8) {
        let word = u32::from_str_radix(text.get(at..at + 8)?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    if let Ok(four) = <[u8; 4]>::try_from(bytes.as_slice()) {
        return Some(four.into());
    }
    let ip = Ipv6Addr::from(<[u8; 16]>::try_from(bytes.as_slice()).ok()?);
    Some(ip.to_ipv4_mapped().map_or(IpAddr::V6(ip), IpAddr::V4))
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests {
    use super::*;

    #[test]
    fn listeners_are_read_from_the_kernels_table() {
        let text = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:240D 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000000000000000 100 0 0 10 0
   1: 0100007F:240D 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0000000000000000 20 4 30 10 -1
   2: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0000000000000000 100 0 0 10 0
";
        let found = listening(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].address, "127.0.0.1:9229".parse().unwrap());
        assert_eq!(found[0].inode, 4711);
        assert_eq!(found[1].door(), "127.0.0.1:80".parse().unwrap());
        let ip = |text| ip_address(text).unwrap();
        assert_eq!(ip("00000000000000000000000001000000"), "::1".parse::<IpAddr>().unwrap());
        assert_eq!(
            ip("0000000000000000FFFF00000100007F"),
            "127.0.0.1".parse::<IpAddr>().unwrap()
        );
        assert_eq!(ip_address("0100007"), None);
    }
}
