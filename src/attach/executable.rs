//! Whether an executable is Node, and which.
//!
//! A foreign one is read, never run: Node's contains the symbol of `node::Start` and the text that its inspector
//! answers with, `node.js/v24.21.0`.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use object::{Object, ObjectSection, ReadCache};

/// What runs a process.
#[derive(Clone, Debug)]
pub enum Executable {
    /// The version may be missing from it.
    Node {
        version: Option<String>,
    },
    Other,
}

/// Those that were read already, by device and inode.
pub type Executables = HashMap<(u64, u64), Executable>;

impl Executable {
    /// Of the process of this pid.
    pub fn of(pid: u32, read: &mut Executables) -> io::Result<Self> {
        let file = File::open(format!("/proc/{pid}/exe"))?;
        let found = file.metadata()?;
        let library = || Binary::read(&library(pid)?)?.version;
        let executable = read
            .entry((found.dev(), found.ino()))
            .or_insert_with(|| match Binary::read(&file) {
                Some(Binary { is_node: true, version }) => Self::Node {
                    version: version.or_else(library),
                },
                _ => Self::Other,
            });
        Ok(executable.clone())
    }
}

/// The library that some distributions put Node into.
fn library(pid: u32) -> Option<File> {
    let maps = fs::read(format!("/proc/{pid}/maps")).ok()?;
    let path = |line: &[u8]| {
        let at = memchr::memchr(b'/', line)?;
        memchr::memmem::find(line, b"/libnode.so").map(|_| OsString::from_vec(line[at + 1..].to_vec()))
    };
    let path = maps.split(|&byte| byte == b'\n').find_map(path)?;
    File::open(Path::new(&format!("/proc/{pid}/root")).join(path)).ok()
}

/// What an executable or a library tells.
struct Binary {
    is_node: bool,
    version: Option<String>,
}

impl Binary {
    /// Nothing where it is not of this platform's format.
    fn read(file: &File) -> Option<Self> {
        const START: &[u8] = b"_ZN4node5StartEiPPc";
        const VERSION: &[u8] = b"node.js/v";
        let cache = ReadCache::new(file);
        let binary = object::File::parse(&cache).ok()?;
        let search = |section: &str, text: &[u8]| {
            let (at, length) = binary.section_by_name(section)?.file_range()?;
            find(file, at, length, text)
        };
        let exports = search(".dynstr", START).is_some();
        // Only what exports nothing at all may be Node without that symbol.
        if !exports && binary.section_by_name(".dynstr").is_some() {
            return Some(Self {
                is_node: false,
                version: None,
            });
        }
        let version = search(".rodata", VERSION).and_then(|at| version_at(file, at + VERSION.len() as u64 - 1));
        Some(Self {
            is_node: exports || version.is_some(),
            version,
        })
    }
}

/// Where a text begins within a part of a file, which is read piece by piece.
fn find(file: &File, at: u64, length: u64, text: &[u8]) -> Option<u64> {
    let mut buffer = vec![0; 1 << 20];
    let finder = memchr::memmem::Finder::new(text);
    let mut offset = 0;
    while offset < length {
        let wanted = usize::try_from(length - offset).unwrap_or(usize::MAX).min(buffer.len());
        let read = file.read_at(&mut buffer[..wanted], at + offset).ok()?;
        if let Some(place) = finder.find(&buffer[..read]) {
            return Some(at + offset + place as u64);
        }
        // What may have been cut in two is looked at again.
        let step = read.checked_sub(text.len()).filter(|step| *step > 0)?;
        offset += step as u64;
    }
    None
}

/// `v24.21.0`; other text may follow without anything between.
fn version_at(file: &File, at: u64) -> Option<String> {
    let mut buffer = [0; 48];
    let read = file.read_at(&mut buffer, at).ok()?;
    let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
    let end = text[1..].find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let version = text[..=end].trim_end_matches('.');
    (version.split('.').count() == 3).then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_across_pieces() {
        let mut bytes = vec![b'x'; (1 << 20) - 3];
        bytes.extend(b"node.js/v24.21.0Protocol-Version");
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, &bytes).unwrap();
        let at = find(&file, 0, bytes.len() as u64, b"node.js/v").unwrap();
        assert_eq!(at, (1 << 20) - 3);
        assert_eq!(version_at(&file, at + 8).as_deref(), Some("v24.21.0"));
        assert_eq!(find(&file, 0, bytes.len() as u64, b"node.js/w"), None);
    }
}
