//! The table of strings: found once, decoded when asked for.
//!
//! Only the place of each string is kept (four bytes). The text of a plain file stays in the file; that of
//! a compressed one is kept in memory as it stood. V8 cuts strings at 1024 characters, through surrogate
//! pairs if need be, so text is UTF-16 here and lone surrogates are ordinary: [`Strings::get`] shows them
//! as U+FFFD, [`Strings::utf16`] keeps them.

use std::borrow::Cow;
use std::collections::HashMap;

use super::error::{Section, SnapshotError};
use super::index::StringIndex;
use super::source::RandomAccess;
use super::text::Text;

/// Names that carry meaning for the analysis; [`Strings::known`] has their indices.
pub(crate) const KNOWN: [&str; 34] = [
    "Object",
    "(Document DOM trees)",
    "(Handle scope)",
    "(Stack roots)",
    "(map descriptors)",
    "system / Cell",
    "system / Context",
    "system / ExternalStringData",
    "system / Hole",
    "system / NativeContext",
    "system / Oddball",
    "__proto__",
    "_idleNext",
    "_idlePrev",
    "code",
    "constructor",
    "context",
    "dependent_code",
    "feedback_cell",
    "feedback_vector",
    "first",
    "initial_map",
    "map",
    "native_context",
    "previous",
    "prototype",
    "scope_info",
    "script",
    "script_or_debug_info",
    "second",
    "shared",
    "sloppy_function_map",
    "table",
    "transitions",
];

/// A string longer than this, as it stands in the file, is none of the names above.
const MAX_NAME_BYTES: usize = 8 << 10;
/// Text kept in memory where the file is compressed.
const MAX_KEPT_BYTES: usize = 1 << 30;
/// Unreadable: the file was changed after it was opened, or ends before this string.
const MISSING: &[u8] = b"(missing)";

#[derive(Debug)]
enum Backing {
    File { file: RandomAccess, base: u64 },
    Memory(Vec<u8>),
}

/// Name of the edge to a `WeakMap`'s value; both edges of a pair have such a name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WeakMapEdgeName {
    pub name: StringIndex,
    /// The same for the edge from the key and the edge from the table.
    pub pair: u32,
    pub table_id: u64,
}

/// The table of strings.
#[derive(Debug)]
pub struct Strings {
    /// First byte after the opening quote, relative to the table; one more for the end.
    starts: Vec<u32>,
    text: Backing,
    known: HashMap<&'static str, Vec<StringIndex>>,
    pub(crate) weak_map_edge_names: Vec<WeakMapEdgeName>,
}

impl Strings {
    /// The table of a file that ends before it.
    pub(crate) fn none() -> Self {
        Self {
            starts: vec![0],
            text: Backing::Memory(Vec::new()),
            known: HashMap::new(),
            weak_map_edge_names: Vec::new(),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every index of one of the names this module knows.
    pub(crate) fn known(&self, name: &str) -> &[StringIndex] {
        self.known.get(name).map_or(&[], Vec::as_slice)
    }

    /// As it stands in the file, escapes and all, up to and without the closing quote.
    fn raw(&self, string: StringIndex) -> Cow<'_, [u8]> {
        let (Some(&start), Some(&end)) = (self.starts.get(string.at()), self.starts.get(string.at() + 1)) else {
            return Cow::Borrowed(MISSING);
        };
        // Up to the next string's start: its quote, a comma, white space and the quote of this one.
        let mut bytes: Cow<'_, [u8]> = match &self.text {
            Backing::Memory(text) => Cow::Borrowed(&text[start as usize..end as usize]),
            Backing::File { file, base } => {
                let mut bytes = vec![0; (end - start) as usize];
                match file.read_at(&mut bytes, base + u64::from(start)) {
                    Ok(got) if got == bytes.len() => Cow::Owned(bytes),
                    _ => return Cow::Borrowed(MISSING),
                }
            }
        };
        let len = closing_quote(&bytes);
        match &mut bytes {
            Cow::Borrowed(bytes) => *bytes = &bytes[..len],
            Cow::Owned(bytes) => bytes.truncate(len),
        }
        bytes
    }

    /// For display: lone surrogates become U+FFFD.
    #[must_use]
    pub fn get(&self, string: StringIndex) -> String {
        let raw = self.raw(string);
        match std::str::from_utf8(&raw) {
            Ok(text) if !raw.contains(&b'\\') => text.to_owned(),
            _ => String::from_utf16_lossy(&decode(&raw)),
        }
    }

    /// Whether a string is this text. Tells most others apart without reading them.
    pub(crate) fn is(&self, string: StringIndex, text: &str) -> bool {
        let (Some(start), Some(end)) = (self.starts.get(string.at()), self.starts.get(string.at() + 1)) else {
            return false;
        };
        // An escape takes at most six bytes for one of a character; quotes and a comma stand between strings.
        let room = (end - start) as usize;
        room >= text.chars().count() && room <= text.len() * 6 + 16 && self.get(string) == text
    }

    /// As JavaScript has it.
    #[must_use]
    pub fn utf16(&self, string: StringIndex) -> Vec<u16> {
        decode(&self.raw(string))
    }
}

impl Strings {
    /// Calls `each` with every string of at most `longest` UTF-16 units, in order, reading the table once.
    pub(crate) fn for_each_short(&self, longest: usize, mut each: impl FnMut(StringIndex, &[u16])) {
        const READ_BYTES: u32 = 1 << 20;
        // An escape takes six bytes for a unit.
        let most = longest.saturating_mul(6).saturating_add(16);
        let mut units = Vec::new();
        let mut buffer = Vec::new();
        let mut at = 0;
        while at < self.len() {
            let begin = self.starts[at];
            let end = self
                .starts
                .partition_point(|start| *start <= begin.saturating_add(READ_BYTES))
                .max(at + 2)
                - 1;
            let bytes = (self.starts[end] - begin) as usize;
            let text: &[u8] = match &self.text {
                Backing::Memory(text) => &text[begin as usize..][..bytes],
                Backing::File { file, base } => {
                    buffer.resize(bytes, 0);
                    match file.read_at(&mut buffer, base + u64::from(begin)) {
                        Ok(got) if got == bytes => &buffer,
                        _ => return,
                    }
                }
            };
            for string in at..end {
                let from = (self.starts[string] - begin) as usize;
                let to = (self.starts[string + 1] - begin) as usize;
                if to - from > most {
                    continue;
                }
                let raw = &text[from..to];
                let raw = &raw[..closing_quote(raw)];
                units.clear();
                if raw.iter().any(|byte| *byte == b'\\' || !byte.is_ascii()) {
                    units.extend(decode(raw));
                } else {
                    units.extend(raw.iter().map(|byte| u16::from(*byte)));
                }
                if units.len() <= longest {
                    each(StringIndex::from(string), &units);
                }
            }
            at = end;
        }
    }
}

/// Length of a string's text in `bytes`, which go on behind it.
fn closing_quote(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b'"', b'\\', &bytes[at..]) {
        match bytes[at + found] {
            b'"' => return at + found,
            _ => at = (at + found + 2).min(bytes.len()),
        }
    }
    bytes.len()
}

/// Undoes JSON's escapes. What is no escape and no UTF-8 becomes U+FFFD.
fn decode(raw: &[u8]) -> Vec<u16> {
    let mut text = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        text.extend(String::from_utf8_lossy(&rest[..at]).encode_utf16());
        rest = &rest[at + 1..];
        let Some((&escape, after)) = rest.split_first() else {
            break;
        };
        rest = after;
        let unit = match escape {
            b'n' => u16::from(b'\n'),
            b't' => u16::from(b'\t'),
            b'r' => u16::from(b'\r'),
            b'b' => 8,
            b'f' => 12,
            b'u' => match hex(rest) {
                Some(unit) => {
                    rest = &rest[4..];
                    unit
                }
                None => 0xfffd,
            },
            other => u16::from(other),
        };
        text.push(unit);
    }
    text.extend(String::from_utf8_lossy(rest).encode_utf16());
    text
}

fn hex(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.get(..4)?;
    digits.iter().try_fold(0u16, |value, digit| {
        Some(value << 4 | (*digit as char).to_digit(16)? as u16)
    })
}

/// Finds the strings, from the opening bracket to the closing one.
///
/// With `salvage`, a table that is cut off counts as ending there.
pub(crate) fn scan(text: &mut Text<'_>, salvage: bool) -> Result<Strings, SnapshotError> {
    text.expect(b'[', "'['")?;
    let file = text.file();
    let mut scanner = Scanner {
        base: text.offset(),
        kept: file.is_none().then(Vec::new),
        starts: Vec::new(),
        place: Place::BeforeFirst,
        head: Vec::new(),
        known: HashMap::new(),
        pairs: HashMap::new(),
        weak_map_edge_names: Vec::new(),
    };
    loop {
        let offset = text.offset();
        let bytes = text.available()?;
        if bytes.is_empty() {
            if salvage {
                break;
            }
            return Err(text.truncated("a string, ',' or ']'"));
        }
        let slice = scanner.slice(bytes, offset)?;
        if let Some(kept) = &mut scanner.kept {
            kept.extend_from_slice(&bytes[..slice.used]);
            if kept.len() > MAX_KEPT_BYTES {
                return Err(SnapshotError::TooLarge {
                    what: "bytes of strings in a compressed file",
                    limit: MAX_KEPT_BYTES as u64,
                    actual: kept.len() as u64,
                });
            }
        }
        text.consume(slice.used);
        if let Some(stray) = slice.stray {
            return Err(text.unexpected(scanner.place.expected(), stray));
        }
        if slice.ended {
            break;
        }
    }
    Ok(scanner.finish(text.offset(), file))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    BeforeFirst,
    BeforeString,
    In,
    InEscape,
    After,
}

impl Place {
    fn expected(self) -> &'static str {
        match self {
            Self::BeforeFirst => "a string or ']'",
            Self::After => "',' or ']'",
            _ => "a string",
        }
    }
}

struct Scanned {
    used: usize,
    ended: bool,
    stray: Option<u8>,
}

struct Scanner {
    base: u64,
    kept: Option<Vec<u8>>,
    starts: Vec<u32>,
    place: Place,
    /// Beginning of a string that began in an earlier slice.
    head: Vec<u8>,
    known: HashMap<&'static str, Vec<StringIndex>>,
    pairs: HashMap<Box<[u8]>, u32>,
    weak_map_edge_names: Vec<WeakMapEdgeName>,
}

impl Scanner {
    fn slice(&mut self, bytes: &[u8], offset: u64) -> Result<Scanned, SnapshotError> {
        let mut at = 0;
        // Where the current string continues in this slice.
        let mut from = 0;
        while at < bytes.len() {
            match self.place {
                Place::In => match memchr::memchr2(b'"', b'\\', &bytes[at..]) {
                    None => at = bytes.len(),
                    Some(found) => {
                        at += found + 1;
                        if bytes[at - 1] == b'"' {
                            self.string(&bytes[from..at - 1]);
                            self.place = Place::After;
                        } else {
                            self.place = Place::InEscape;
                        }
                    }
                },
                Place::InEscape => {
                    at += 1;
                    self.place = Place::In;
                }
                place => match (bytes[at], place) {
                    (b'"', Place::BeforeFirst | Place::BeforeString) => {
                        at += 1;
                        from = at;
                        self.start(offset + at as u64)?;
                        self.place = Place::In;
                    }
                    (b',', Place::After) => {
                        at += 1;
                        self.place = Place::BeforeString;
                    }
                    (b']', Place::BeforeFirst | Place::After) => {
                        return Ok(Scanned {
                            used: at + 1,
                            ended: true,
                            stray: None,
                        });
                    }
                    (b' ' | b'\n' | b'\r' | b'\t', _) => at += 1,
                    (stray, _) => {
                        return Ok(Scanned {
                            used: at,
                            ended: false,
                            stray: Some(stray),
                        });
                    }
                },
            }
        }
        if matches!(self.place, Place::In | Place::InEscape) {
            let room = MAX_NAME_BYTES.saturating_sub(self.head.len());
            self.head
                .extend_from_slice(&bytes[from..][..room.min(bytes.len() - from)]);
        }
        Ok(Scanned {
            used: bytes.len(),
            ended: false,
            stray: None,
        })
    }

    fn start(&mut self, offset: u64) -> Result<(), SnapshotError> {
        let start = offset - self.base;
        if start > u64::from(u32::MAX) || self.starts.len() >= u32::MAX as usize {
            return Err(SnapshotError::TooLarge {
                what: "bytes of strings",
                limit: 1 << 32,
                actual: start,
            });
        }
        self.starts.push(start as u32);
        self.head.clear();
        Ok(())
    }

    /// The current string is complete; `rest` is the part of it in this slice.
    fn string(&mut self, rest: &[u8]) {
        if self.head.is_empty() {
            self.look_at(rest);
            return;
        }
        let mut head = std::mem::take(&mut self.head);
        if head.len() + rest.len() <= MAX_NAME_BYTES {
            head.extend_from_slice(rest);
            self.look_at(&head);
        }
        self.head = head;
        self.head.clear();
    }

    #[inline]
    fn look_at(&mut self, raw: &[u8]) {
        let index = StringIndex::from(self.starts.len() - 1);
        if raw.len() <= LONGEST_KNOWN
            && let Some(name) = KNOWN.iter().find(|name| name.as_bytes() == raw)
        {
            self.known.entry(name).or_default().push(index);
        }
        if raw.last() == Some(&b')')
            && raw[0].is_ascii_digit()
            && let Some((pair, table_id)) = parse_weak_map_edge_name(raw)
        {
            let next = self.pairs.len() as u32;
            let pair = *self.pairs.entry(pair.into()).or_insert(next);
            self.weak_map_edge_names.push(WeakMapEdgeName {
                name: index,
                pair,
                table_id,
            });
        }
    }

    fn finish(mut self, end: u64, file: Option<RandomAccess>) -> Strings {
        if matches!(self.place, Place::In | Place::InEscape) {
            // Salvaged: the last string was cut.
            self.starts.pop();
        }
        let end = end.min(self.base + u64::from(u32::MAX));
        self.starts.push((end - self.base) as u32);
        self.starts.shrink_to_fit();
        Strings {
            starts: self.starts,
            text: match (file, self.kept) {
                (Some(file), _) => Backing::File { file, base: self.base },
                (None, kept) => Backing::Memory(kept.unwrap_or_default()),
            },
            known: self.known,
            weak_map_edge_names: self.weak_map_edge_names,
        }
    }
}

const LONGEST_KNOWN: usize = 27;

/// `12 / part of key (K @1) -> value (V @2) pair in WeakMap (table @3)`: what follows the number, which
/// the two edges of a pair have in common, and the table's id.
///
/// DevTools matches this with a regular expression whose `.` stops at line ends, so a key or value with a
/// line end in its name makes no pair. That is kept.
fn parse_weak_map_edge_name(raw: &[u8]) -> Option<(&[u8], u64)> {
    const TABLE: &[u8] = b" pair in WeakMap (table @";
    let number = raw.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let pair = &raw[number..];
    let inner = pair.strip_prefix(b" / part of key (")?.strip_suffix(b")")?;
    let id = trailing_digits(inner)?;
    let inner = inner[..inner.len() - id.len()]
        .strip_suffix(TABLE)?
        .strip_suffix(b")")?;
    let table_id = std::str::from_utf8(id).ok()?.parse().ok()?;
    // What is left is "K @1) -> value (V @2".
    let inner = strip_id(inner)?;
    let key_end = memchr::memmem::find_iter(inner, b") -> value (").find(|at| strip_id(&inner[..*at]).is_some());
    key_end?;
    let has_line_end = |text: &[u16]| text.iter().any(|unit| matches!(unit, 10 | 13 | 0x2028 | 0x2029));
    if inner.iter().any(|byte| *byte == b'\\' || *byte >= 0x80) && has_line_end(&decode(inner)) {
        return None;
    }
    Some((pair, table_id))
}

fn trailing_digits(bytes: &[u8]) -> Option<&[u8]> {
    let count = bytes.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    (count > 0).then(|| &bytes[bytes.len() - count..])
}

/// Without a trailing ` @123`.
fn strip_id(bytes: &[u8]) -> Option<&[u8]> {
    let id = trailing_digits(bytes)?;
    bytes[..bytes.len() - id.len()].strip_suffix(b" @")
}

/// Where a table stands, for errors.
pub(crate) const SECTION: Section = Section::Strings;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_lone_surrogates_decode() {
        let cases: &[(&str, &[u16])] = &[
            ("a\\n\\\"b\\\\", &[97, 10, 34, 98, 92]),
            ("\\ud83d", &[0xd83d]),
            ("\\ud83d\\ude00", &[0xd83d, 0xde00]),
            ("\\u12", &[0xfffd, 49, 50]),
            ("\\", &[]),
            ("h\u{e9}", &[104, 0xe9]),
        ];
        for (raw, units) in cases {
            assert_eq!(decode(raw.as_bytes()), *units, "{raw}");
        }
    }

    #[test]
    fn names_of_weak_map_edges_are_told_from_others() {
        let name = "12 / part of key (K @1) -> value (V @25) pair in WeakMap (table @377)";
        let (pair, table) = parse_weak_map_edge_name(name.as_bytes()).unwrap();
        assert_eq!(pair, &name.as_bytes()[2..]);
        assert_eq!(table, 377);
        for wrong in [
            "x / part of key (K @1) -> value (V @2) pair in WeakMap (table @3)",
            "1 / part of key (K @1) -> value (V @) pair in WeakMap (table @3)",
            "1 / part of key (K @1) -> value (V @2) pair in WeakMap (table @)",
            "1 / part of key (K) -> value (V @2) pair in WeakMap (table @3)",
            "1 / part of key (K @1) -> value (line\\nend @2) pair in WeakMap (table @3)",
        ] {
            assert!(parse_weak_map_edge_name(wrong.as_bytes()).is_none(), "{wrong}");
        }
    }

    #[test]
    fn the_longest_known_name_is_within_its_bound() {
        assert_eq!(KNOWN.iter().map(|name| name.len()).max(), Some(LONGEST_KNOWN));
    }
}
