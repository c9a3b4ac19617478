//! The text of a snapshot, in pieces of any size, as what it means.
//!
//! A push parser that holds no more than a token: a key, the header, the beginning of a string. It knows the
//! shape that V8 gives these files (an object of arrays of numbers, and of strings), judges the grammar, and
//! leaves the meaning to a [`Reader`]. Nothing recurses.
//!
//! It is not the parser of `snapshot/text.rs`, which pulls numbers into columns at any offset of a file: here what is
//! not understood has to be passed on or left out, byte by byte, while V8 writes.

use std::borrow::Cow;
use std::hash::Hasher;
use std::mem;

use memchr::{memchr2, memchr3};
use siphasher::sip::SipHasher24;

use super::{Key, Malformed};

/// A header of V8's has some 2 KB.
const MAX_HEADER_BYTES: usize = 4 << 20;
const MAX_KEY_BYTES: usize = 64;
/// What errors name: other keys may hold anything.
const SECTIONS: [&str; 5] = ["snapshot", "nodes", "edges", "locations", "strings"];
/// What is kept of a string to judge it by: V8 cuts strings at 1,024 units.
const HEAD_UNITS: usize = 1024;
/// A string is decoded in pieces of about this size.
const PIECE_BYTES: usize = 16 << 10;

/// What a value at the top level is to be read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// In one piece.
    Header,
    /// An array of unsigned integers.
    Numbers,
    /// Arrays of unsigned integers in each other, byte by byte.
    Tree,
    /// An array of strings.
    Strings,
    /// Not at all.
    Ignored,
}

/// What was expected, and what there is.
#[derive(Debug)]
pub(super) struct Wrong {
    pub expected: Cow<'static, str>,
    pub found: Cow<'static, str>,
}

pub(super) fn wrong<T>(
    expected: impl Into<Cow<'static, str>>,
    found: impl Into<Cow<'static, str>>,
) -> Result<T, Wrong> {
    Err(Wrong {
        expected: expected.into(),
        found: found.into(),
    })
}

/// Is told what the text says.
pub(super) trait Reader {
    fn key(&mut self, key: &str) -> Result<Value, Wrong>;
    fn header(&mut self, json: &[u8]) -> Result<(), Wrong>;
    fn number(&mut self, number: u64) -> Result<(), Wrong>;
    /// Digits, commas, brackets and white space.
    fn tree(&mut self, bytes: &[u8]) -> Result<(), Wrong>;
    fn string(&mut self, string: &Text) -> Result<(), Wrong>;
    /// An array ends.
    fn end(&mut self) -> Result<(), Wrong>;
}

/// A string of the file.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// The first UTF-16 units …
    pub head: Vec<u16>,
    /// … of so many.
    pub units: u64,
    /// Of all of them.
    pub hash: u64,
}

impl Text {
    /// The whole, where it is not longer than a name can be.
    pub fn whole(&self) -> Option<&[u16]> {
        (self.head.len() as u64 == self.units).then_some(&self.head)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// `{`
    Begin,
    /// A key; or `}`, if the object may end here.
    KeyDue {
        first: bool,
    },
    InKey,
    ColonDue,
    ValueDue,
    InRaw,
    ArrayDue,
    InNumbers,
    StringDue {
        first: bool,
    },
    InString {
        escaped: bool,
    },
    CommaInStrings,
    CommaDue,
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    First,
    Number,
    Separator,
}

/// Where a value that is not looked into ends.
#[derive(Debug, Default)]
struct Nesting {
    depth: u32,
    in_string: bool,
    escaped: bool,
    in_scalar: bool,
}

pub(super) struct Lexer {
    state: State,
    offset: u64,
    key: String,
    value: Value,
    raw: Vec<u8>,
    nesting: Nesting,
    number: u64,
    has_digits: bool,
    due: Due,
    text: Text,
    hashed: Key,
    hasher: SipHasher24,
}

impl Lexer {
    pub fn new(key: Key) -> Self {
        Self {
            state: State::Begin,
            offset: 0,
            key: String::new(),
            value: Value::Ignored,
            raw: Vec::new(),
            nesting: Nesting::default(),
            number: 0,
            has_digits: false,
            due: Due::First,
            text: Text::default(),
            hashed: key,
            hasher: key.hasher(),
        }
    }

    /// Reads on.
    pub fn feed(&mut self, bytes: &[u8], reader: &mut impl Reader) -> Result<(), Malformed> {
        let mut at = 0;
        while at < bytes.len() {
            match self.step(&bytes[at..], reader) {
                Ok(used) => {
                    at += used;
                    self.offset += used as u64;
                }
                Err((used, wrong)) => {
                    self.offset += used as u64;
                    return Err(self.malformed(wrong, false));
                }
            }
        }
        Ok(())
    }

    /// Nothing more will come.
    pub fn finish(&self) -> Result<(), Malformed> {
        if self.state == State::Done {
            return Ok(());
        }
        let expected = match self.state {
            State::Begin => "'{'",
            State::InKey => "the end of a key",
            State::InRaw => "the end of a value",
            State::InString { .. } => "the end of a string",
            State::InNumbers => "a number, ',' or ']'",
            _ => "more",
        };
        Err(self.malformed(
            Wrong {
                expected: expected.into(),
                found: "end of file".into(),
            },
            true,
        ))
    }

    /// The text is at its end, and a section was not in it.
    pub fn missing(&self, section: &'static str) -> Malformed {
        let wrong = Wrong {
            expected: section.into(),
            found: "none".into(),
        };
        self.malformed(wrong, false)
    }

    fn malformed(&self, wrong: Wrong, truncated: bool) -> Malformed {
        Malformed {
            offset: self.offset,
            section: SECTIONS
                .into_iter()
                .find(|name| *name == self.key)
                .unwrap_or("the file"),
            expected: wrong.expected,
            found: wrong.found,
            truncated,
        }
    }

    /// Consumes some bytes, at least one.
    fn step(&mut self, bytes: &[u8], reader: &mut impl Reader) -> Result<usize, (usize, Wrong)> {
        let at_start = |wrong| (0, wrong);
        match self.state {
            State::InNumbers => return self.numbers(bytes, reader),
            State::InString { escaped } => return self.string(bytes, escaped, reader).map_err(at_start),
            State::InRaw => return self.raw(bytes, reader).map_err(at_start),
            State::InKey => return self.in_key(bytes).map_err(at_start),
            _ => {}
        }
        let byte = bytes[0];
        if byte.is_ascii_whitespace() {
            return Ok(1);
        }
        self.token(byte, reader).map_err(at_start)
    }

    fn token(&mut self, byte: u8, reader: &mut impl Reader) -> Result<usize, Wrong> {
        self.state = match (self.state, byte) {
            (State::Begin, b'{') => State::KeyDue { first: true },
            (State::KeyDue { .. }, b'"') => {
                self.key.clear();
                State::InKey
            }
            (State::ColonDue, b':') => State::ValueDue,
            (State::ValueDue, byte) if !matches!(byte, b',' | b':' | b']' | b'}') => {
                self.value = reader.key(&self.key)?;
                return match self.value {
                    Value::Numbers | Value::Strings => {
                        self.state = State::ArrayDue;
                        self.token(byte, reader)
                    }
                    Value::Header | Value::Tree | Value::Ignored => {
                        self.nesting = Nesting::default();
                        self.raw.clear();
                        self.state = State::InRaw;
                        Ok(0)
                    }
                };
            }
            (State::ArrayDue, b'[') if self.value == Value::Numbers => {
                self.due = Due::First;
                State::InNumbers
            }
            (State::ArrayDue, b'[') => State::StringDue { first: true },
            (State::StringDue { .. }, b'"') => {
                self.text.head.clear();
                self.text.units = 0;
                self.raw.clear();
                self.hasher = self.hashed.hasher();
                State::InString { escaped: false }
            }
            (State::CommaInStrings, b',') => State::StringDue { first: false },
            (State::StringDue { first: true } | State::CommaInStrings, b']') => {
                reader.end()?;
                State::CommaDue
            }
            (State::CommaDue, b',') => {
                self.key.clear();
                State::KeyDue { first: false }
            }
            (State::KeyDue { first: true } | State::CommaDue, b'}') => State::Done,
            (state, _) => {
                let expected = match state {
                    State::Begin => "'{'",
                    State::KeyDue { .. } => "a key in quotes",
                    State::ColonDue => "':'",
                    State::ValueDue => "a value",
                    State::ArrayDue => "'['",
                    State::StringDue { .. } => "a string",
                    State::CommaInStrings => "',' or ']'",
                    State::CommaDue => "',' or '}'",
                    _ => "nothing more",
                };
                return wrong(expected, show(byte));
            }
        };
        Ok(1)
    }

    fn in_key(&mut self, bytes: &[u8]) -> Result<usize, Wrong> {
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                b'"' => {
                    self.state = State::ColonDue;
                    return Ok(at + 1);
                }
                b' '..=b'~' if *byte != b'\\' && self.key.len() < MAX_KEY_BYTES => self.key.push(*byte as char),
                byte => return wrong("a key of at most 64 plain characters", show(*byte)),
            }
        }
        Ok(bytes.len())
    }

    fn numbers(&mut self, bytes: &[u8], reader: &mut impl Reader) -> Result<usize, (usize, Wrong)> {
        let here = |at: usize| move |wrong| (at, wrong);
        for (at, &byte) in bytes.iter().enumerate() {
            if byte.is_ascii_digit() {
                if self.due == Due::Separator {
                    return wrong("',' or ']'", show(byte)).map_err(here(at));
                }
                self.has_digits = true;
                let next = self.number.checked_mul(10);
                self.number = match next.and_then(|number| number.checked_add(u64::from(byte - b'0'))) {
                    Some(number) => number,
                    None => return wrong("a number below 2^64", "more digits").map_err(here(at)),
                };
                continue;
            }
            if self.has_digits {
                let number = mem::take(&mut self.number);
                self.has_digits = false;
                self.due = Due::Separator;
                reader.number(number).map_err(here(at))?;
            }
            match (byte, self.due) {
                (b',', Due::Separator) => self.due = Due::Number,
                (b']', Due::Separator | Due::First) => {
                    reader.end().map_err(here(at))?;
                    self.state = State::CommaDue;
                    return Ok(at + 1);
                }
                _ if byte.is_ascii_whitespace() => {}
                (_, Due::Separator) => return wrong("',' or ']'", show(byte)).map_err(here(at)),
                _ => return wrong("a number", show(byte)).map_err(here(at)),
            }
        }
        Ok(bytes.len())
    }

    fn string(&mut self, bytes: &[u8], escaped: bool, reader: &mut impl Reader) -> Result<usize, Wrong> {
        let mut at = usize::from(escaped);
        let ends = loop {
            match memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
                None => break false,
                Some(found) if bytes[at + found] == b'"' => {
                    at += found;
                    break true;
                }
                Some(found) => at += found + 2,
            }
        };
        if ends {
            self.raw.extend_from_slice(&bytes[..at]);
            self.decode(true);
            self.text.hash = self.hasher.finish();
            self.state = State::CommaInStrings;
            reader.string(&self.text)?;
            return Ok(at + 1);
        }
        self.state = State::InString {
            escaped: at > bytes.len(),
        };
        // In pieces, however long the string.
        for piece in bytes.chunks(PIECE_BYTES) {
            self.raw.extend_from_slice(piece);
            if self.raw.len() >= PIECE_BYTES {
                self.decode(false);
            }
        }
        Ok(bytes.len())
    }

    /// Turns what is there of a string into units, but for an unfinished sequence.
    fn decode(&mut self, last: bool) {
        let mut units = Vec::with_capacity(self.raw.len());
        let used = decode(&self.raw, last, &mut units);
        self.raw.drain(..used);
        self.text.units += units.len() as u64;
        let room = HEAD_UNITS.saturating_sub(self.text.head.len()).min(units.len());
        self.text.head.extend_from_slice(&units[..room]);
        let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        self.hasher.write(&bytes);
    }

    fn raw(&mut self, bytes: &[u8], reader: &mut impl Reader) -> Result<usize, Wrong> {
        let (used, ended) = match self.value {
            Value::Ignored => self.nesting.skip(bytes),
            _ => self.nesting.find_end(bytes),
        };
        let found = &bytes[..used];
        match self.value {
            Value::Header => {
                if self.raw.len() + used > MAX_HEADER_BYTES {
                    return wrong("a header of at most 4 MiB", "more");
                }
                self.raw.extend_from_slice(found);
                if ended {
                    let header = mem::take(&mut self.raw);
                    reader.header(&header)?;
                }
            }
            Value::Tree => {
                let stray = found
                    .iter()
                    .find(|byte| !matches!(byte, b'0'..=b'9' | b',' | b'[' | b']') && !byte.is_ascii_whitespace());
                if let Some(byte) = stray {
                    return wrong("numbers in brackets", show(*byte));
                }
                reader.tree(found)?;
            }
            _ => {}
        }
        if ended {
            self.state = State::CommaDue;
        }
        Ok(used)
    }
}

impl Nesting {
    /// How many bytes belong to the value, and whether it ends with them.
    fn find_end(&mut self, bytes: &[u8]) -> (usize, bool) {
        for (at, &byte) in bytes.iter().enumerate() {
            if let Some(end) = self.passes(byte) {
                return (at + end, true);
            }
        }
        (bytes.len(), false)
    }

    /// The same, faster where it is an array.
    fn skip(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut at = 0;
        while at < bytes.len() {
            if self.depth > 0 && !self.in_string {
                match memchr3(b'"', b'[', b']', &bytes[at..]) {
                    // Braces count as well, but only where there is no array around them.
                    Some(found) if memchr2(b'{', b'}', &bytes[at..at + found]).is_none() => at += found,
                    None if memchr2(b'{', b'}', &bytes[at..]).is_none() => return (bytes.len(), false),
                    _ => {}
                }
            }
            if let Some(end) = self.passes(bytes[at]) {
                return (at + end, true);
            }
            at += 1;
        }
        (bytes.len(), false)
    }

    /// Takes one byte; if the value ends with it (1) or before it (0), how many more bytes belong to it.
    fn passes(&mut self, byte: u8) -> Option<usize> {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => {
                    self.in_string = false;
                    return (self.depth == 0).then_some(1);
                }
                _ => {}
            }
            return None;
        }
        match byte {
            b',' | b'}' | b']' if self.depth == 0 => return Some(0),
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth -= 1;
                return (self.depth == 0).then_some(1);
            }
            _ if byte.is_ascii_whitespace() => return (self.in_scalar && self.depth == 0).then_some(0),
            _ => self.in_scalar = true,
        }
        None
    }
}

/// A string's text as UTF-16 units; what is no text becomes U+FFFD. Returns how many bytes were used: all of
/// them, if they are the last ones.
fn decode(bytes: &[u8], last: bool, units: &mut Vec<u16>) -> usize {
    const REPLACEMENT: u16 = 0xfffd;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        at += match byte {
            b'\\' => {
                let length = if rest.get(1) == Some(&b'u') { 6 } else { 2 };
                if rest.len() < length {
                    if !last {
                        break;
                    }
                    units.push(REPLACEMENT);
                    rest.len()
                } else {
                    units.push(unescape(&rest[1..length]).unwrap_or(REPLACEMENT));
                    length
                }
            }
            0..=0x7f => {
                units.push(byte.into());
                1
            }
            _ => {
                let length = match byte {
                    0xc0..=0xdf => 2,
                    0xe0..=0xef => 3,
                    _ => 4,
                };
                if rest.len() < length && !last {
                    break;
                }
                if let Ok(text) = std::str::from_utf8(&rest[..length.min(rest.len())]) {
                    units.extend(text.encode_utf16());
                    length
                } else {
                    units.push(REPLACEMENT);
                    1
                }
            }
        };
    }
    at
}

/// What stands behind a backslash.
fn unescape(bytes: &[u8]) -> Option<u16> {
    Some(match bytes[0] {
        b'u' => u16::from_str_radix(std::str::from_utf8(&bytes[1..]).ok()?, 16).ok()?,
        b'n' => 0x0a,
        b't' => 0x09,
        b'r' => 0x0d,
        b'b' => 0x08,
        b'f' => 0x0c,
        byte => byte.into(),
    })
}

/// A byte as it is shown in an error: punctuation, or the kind that it is of. Letters and digits may be those of
/// a secret.
fn show(byte: u8) -> String {
    match byte {
        b'0'..=b'9' => "a digit".to_owned(),
        byte if byte.is_ascii_punctuation() => format!("'{}'", byte as char),
        byte if byte.is_ascii_alphabetic() => "a letter".to_owned(),
        _ => format!("byte 0x{byte:02x}"),
    }
}
