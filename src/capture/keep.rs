//! `keep`: of the snapshots in a directory only the latest so many of ours stay.
//!
//! A directory may be shared: by workers, by the processes of a cluster, by other services, by other hosts. A file is
//! ours to remove only where *all* of this holds:
//!
//! - it has a default name: what somebody named, stays;
//! - it is a regular file, of the same owner as the one just written, and not reached through a link;
//! - its header says that rs-heapdump wrote it, on this host, for this program (the script that Node was started with);
//! - its process is this one, or has ended: what a crashed predecessor left is counted, what a sibling wrote that still runs
//!   is not.
//!
//! So each process has its latest, and those before it do not add up. The file just written is never removed, whatever the
//! clock said when the others were. What cannot be removed stays, without a word: the snapshot is there, and that was the task.
//!
//! # Race conditions
//!
//! Threads of this process take turns. Two processes may find the same file of a predecessor: one of them removes it. Right
//! before a name is removed it is looked up again, and must still be the file whose header was read.

use std::fs::{self, File, Metadata};
use std::io;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;

use super::{encode, name, platform, provenance};

/// Removes the oldest of ours in `directory` beyond `keep`, of which `latest` is one.
pub fn prune(directory: &Path, latest: &Path, keep: NonZeroU32) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let (Ok(entries), Ok(written)) = (fs::read_dir(directory), fs::symlink_metadata(latest)) else {
        return;
    };
    let mut others: Vec<_> = entries
        .flatten()
        .filter_map(|entry| Some((name::time_of(entry.file_name().to_str()?)?, entry.file_name())))
        .filter(|(_, name)| Some(name.as_os_str()) != latest.file_name())
        .collect();
    others.sort_unstable_by(|one, other| other.cmp(one)); // the latest first
    let mut kept = 1;
    for (_, name) in others {
        let path = directory.join(name);
        let Ok(Some(found)) = ours(&path, &written) else {
            continue;
        };
        if kept < keep.get() {
            kept += 1;
        } else if fs::symlink_metadata(&path).is_ok_and(|now| platform::is_same_file(&found, &now)) {
            let _ = fs::remove_file(&path);
        }
    }
}

#[derive(Deserialize)]
struct Written {
    pid: u32,
    host: String,
    program: String,
}

/// The file of that name if it is ours to remove.
fn ours(path: &Path, written: &Metadata) -> io::Result<Option<Metadata>> {
    let mut file = platform::open_no_link(path)?;
    let found = file.metadata()?;
    if !found.is_file() || !platform::is_same_owner(&found, written) {
        return Ok(None);
    }
    let removable = read(&mut file)?.is_some_and(|by| {
        let us = provenance::process();
        us.is_some_and(|us| us.host.as_ref() == Some(&by.host) && us.program == by.program)
            && (by.pid == std::process::id() || !platform::is_running(by.pid))
    });
    Ok(removable.then_some(found))
}

/// Who wrote it, if we did.
fn read(file: &mut File) -> io::Result<Option<Written>> {
    /// More than provenance takes.
    const BEGINNING_BYTES: usize = 16 << 10;
    let text = encode::beginning(file, BEGINNING_BYTES)?;
    let object = provenance::object(&text);
    Ok(object.and_then(|object| serde_json::Deserializer::from_slice(object).into_iter().next()?.ok()))
}
