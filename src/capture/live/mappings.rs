//! Which parts of memory a fork copies.
//!
//! From Node 18 on V8 marks its heap with `MADV_DONTFORK`, so that a child of the application does not
//! see it. A capture needs it: for the moment of the fork the mark is taken off all private memory
//! that is not a file's ([`Window`]), and then put back where it was. Where it was only
//! `/proc/self/smaps` tells, which takes up to 175 ms for 1.2 GB, so [`excluded`] reads that
//! beforehand, beside the captured thread. What was mapped since then stays unmarked, which costs a
//! later fork of the application a few page tables.
//!
//! # Safety
//!
//! `madvise` with these two advices changes what a later fork copies, and neither the contents nor
//! the protection of memory.

#![expect(unsafe_code, reason = "madvise")]

use std::fs::File;
use std::io::Read;
use std::ops::Range;

type Addresses = Range<usize>;

/// What is marked, once and for all captures: unless anything is, this Node does not mark.
pub fn excluded() -> std::io::Result<Vec<Addresses>> {
    Ok(parse_excluded(&std::fs::read_to_string("/proc/self/smaps")?))
}

/// Memory is unmarked while this exists.
pub struct Window<'a> {
    excluded: &'a [Addresses],
}

impl<'a> Window<'a> {
    /// Takes the mark off. `buffer` is reused, and large enough from the second time on.
    pub fn open(excluded: &'a [Addresses], buffer: &mut Vec<u8>) -> std::io::Result<Self> {
        if !excluded.is_empty() {
            buffer.clear();
            File::open("/proc/self/maps")?.read_to_end(buffer)?;
            for range in parse_private(&String::from_utf8_lossy(buffer)) {
                advise(&range, libc::MADV_DOFORK);
            }
        }
        Ok(Self { excluded })
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        for range in self.excluded {
            advise(range, libc::MADV_DONTFORK);
        }
    }
}

/// A range that is unmapped by now, or special memory, is refused, which is as well.
fn advise(range: &Addresses, advice: libc::c_int) {
    // SAFETY: module head.
    unsafe { libc::madvise(range.start as *mut libc::c_void, range.len(), advice) };
}

/// A line of `maps`, or a heading of `smaps`: addresses, permissions, inode, name.
pub struct Line<'a> {
    pub addresses: Addresses,
    pub permissions: &'a str,
    pub inode: u64,
    pub name: &'a str,
}

impl<'a> Line<'a> {
    /// `7f12-7f34 rw-p 00000000 00:00 0   [heap]`
    pub fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.splitn(6, ' ');
        let (start, end) = fields.next()?.split_once('-')?;
        let number = |text| usize::from_str_radix(text, 16).ok();
        let addresses = number(start)?..number(end)?;
        let permissions = fields.next()?;
        let inode = fields.nth(2)?.parse().ok()?;
        let name = fields.next().unwrap_or_default().trim();
        Some(Self {
            addresses,
            permissions,
            inode,
            name,
        })
    }
}

/// Neighbours are put together, so that there are fewer calls.
fn merge(ranges: impl Iterator<Item = Addresses>) -> Vec<Addresses> {
    let mut merged: Vec<Addresses> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => merged.push(range),
        }
    }
    merged
}

fn parse_private(maps: &str) -> Vec<Addresses> {
    let private = |line: &Line<'_>| {
        let special = line.name.starts_with("[v") || line.name.starts_with("[stack");
        line.permissions.ends_with('p') && line.inode == 0 && !special
    };
    merge(
        maps.lines()
            .filter_map(Line::parse)
            .filter(private)
            .map(|line| line.addresses),
    )
}

fn parse_excluded(smaps: &str) -> Vec<Addresses> {
    let mut current = None;
    merge(smaps.lines().filter_map(|line| {
        if let Some(flags) = line.strip_prefix("VmFlags:") {
            let marked = flags.split_ascii_whitespace().any(|flag| flag == "dc");
            current.take().filter(|_| marked)
        } else {
            if let Some(heading) = Line::parse(line) {
                current = Some(heading.addresses);
            }
            None
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMAPS: &str = "\
1000-3000 rw-p 00000000 00:00 0 \nSize: 8 kB\nVmFlags: rd wr mr mw me dc ac \n\
3000-4000 rw-p 00000000 00:00 0 \nSize: 4 kB\nVmFlags: rd wr mr mw me dc ac \n\
4000-5000 rw-p 00000000 00:00 0                          [heap]\nRss: 4 kB\nVmFlags: rd wr mr mw me ac \n\
6000-7000 r--s 00000000 fe:01 42                         /tmp/a file\nVmFlags: rd mr me ms dc \n\
7000-8000 rw-p 00000000 00:00 0                          [stack]\nVmFlags: rd wr mr mw me gd ac \n";

    #[test]
    fn marks_are_read_from_smaps_and_neighbours_put_together() {
        assert_eq!(parse_excluded(SMAPS), [0x1000..0x4000, 0x6000..0x7000]);
        assert_eq!(parse_excluded(""), []);
    }

    #[test]
    fn private_memory_of_no_file_is_what_a_capture_needs() {
        let whole: Addresses = 0x1000..0x5000;
        assert_eq!(parse_private(SMAPS), vec![whole]);
    }

    #[test]
    fn a_name_may_hold_spaces_and_a_line_may_be_anything() {
        assert_eq!(Line::parse(SMAPS.lines().nth(9).unwrap()).unwrap().name, "/tmp/a file");
        for line in ["", "Size:   8 kB", "x-y rw-p 0 0 0", "1-2", "VmFlags: dc"] {
            assert!(Line::parse(line).is_none(), "{line}");
        }
    }
}
