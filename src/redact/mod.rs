//! A snapshot without its secrets: no content of a string comes out, and every analysis still works.
//!
//! ```no_run
//! # use rs_heapdump::redact::{Key, Malformed, Survey};
//! # fn read() -> impl Iterator<Item = Vec<u8>> { std::iter::empty() }
//! let mut survey = Survey::new(Key::new([7; 16]));
//! for piece in read() {
//!     survey.feed(&piece)?;
//! }
//! let mut redactor = survey.finish()?;
//! let mut redacted = Vec::new();
//! for piece in read() {
//!     redactor.feed(&piece, &mut |bytes| Ok(redacted.extend_from_slice(bytes)))?;
//! }
//! redactor.finish(&mut |bytes| Ok(redacted.extend_from_slice(bytes)))?;
//! # Ok::<(), rs_heapdump::redact::Failure<std::convert::Infallible>>(())
//! ```
//!
//! What is in memory as a whole needs only [`redact`].
//!
//! # How
//!
//! The text is read twice, in pieces of any size. Its strings stand last, so the first reading (`survey.rs`) is for them
//! alone: what each can be (`words.rs`). The second (`redactor.rs`) rewrites: every reference to string *i* becomes one
//! to 2*i*, the string as a name, or to 2*i*+1, the string as content, by the type of the node or edge that refers to
//! it; and each string is written in both forms. Contents are replaced by a tag of the same length (`tag.rs`). Names
//! are shown where the file tells that they are names of the program, of Node or of V8 (`evidence.rs`), and
//! replaced where they may be data. Ids, sizes, edges and places pass unchanged.
//!
//! docs/redaction.md has the policy for each kind of node and edge.
//!
//! # What it refuses
//!
//! Anything that is not understood is dropped or replaced: unknown parts of the header, fields, sections, types of
//! nodes and edges. What is no snapshot is an error with its place; no bytes make it panic.
//!
//! # Cost
//!
//! Memory: 6 bytes a node, 10 bytes a string and 8 bytes for each reference from a part of code to another or to a
//! string; nothing for the edges of the heap, and never a string longer than 1,024 units.

mod evidence;
mod header;
mod lexer;
mod redactor;
mod survey;
mod tag;
mod words;

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;

use siphasher::sip::SipHasher24;

use crate::error::{Code, Error};
pub use redactor::{Figures, Redactor};
pub use survey::Survey;

/// What becomes of what; grows whenever that changes.
pub const POLICY: u32 = 1;

/// Redacts a text that is in memory, of which `pieces` gives all bytes in order.
pub fn redact<'t>(key: Key, pieces: impl Iterator<Item = &'t [u8]> + Clone) -> Result<Vec<u8>, Malformed> {
    let mut survey = Survey::new(key);
    for piece in pieces.clone() {
        survey.feed(piece)?;
    }
    let mut redactor = survey.finish()?;
    let mut redacted = Vec::new();
    let mut sink = |bytes: &[u8]| {
        redacted.extend_from_slice(bytes);
        Ok(())
    };
    for piece in pieces {
        redactor.feed(piece, &mut sink).map_err(Failure::malformed)?;
    }
    redactor.finish(&mut sink).map_err(Failure::malformed)?;
    Ok(redacted)
}

/// What tags are made with. Whoever has it can try out guesses.
#[derive(Clone, Copy)]
pub struct Key([u8; Self::BYTES]);

impl Key {
    /// Its bytes.
    pub const BYTES: usize = 16;

    /// Of random bytes.
    #[must_use]
    pub fn new(random: [u8; Self::BYTES]) -> Self {
        words::prepare();
        Self(random)
    }

    /// The bytes of a new one, by the operating system's random numbers.
    pub fn random() -> Result<[u8; Self::BYTES], Error> {
        let mut bytes = [0; Self::BYTES];
        getrandom::fill(&mut bytes)
            .map_err(|error| Error::new(Code::Unsupported, format!("no random numbers to redact with: {error}")))?;
        Ok(bytes)
    }

    fn hasher(self) -> SipHasher24 {
        SipHasher24::new_with_key(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// A byte, or the lack of one, that makes the text no snapshot. It tells nothing of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Where, in the uncompressed text.
    pub offset: u64,
    section: &'static str,
    expected: Cow<'static, str>,
    found: Cow<'static, str>,
    truncated: bool,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            offset,
            section,
            expected,
            found,
            truncated,
        } = self;
        if *truncated {
            write!(
                f,
                "ends inside {section} at byte {offset}: expected {expected}, found {found}"
            )
        } else {
            write!(
                f,
                "is no heap snapshot: expected {expected}, found {found} in {section} at byte {offset}"
            )
        }
    }
}

impl Malformed {
    /// The error as everybody else knows it, of what is called `subject`.
    #[must_use]
    pub fn of(&self, subject: &str) -> Error {
        let error = Error::new(Code::Format, format!("{subject} {self}"));
        if self.truncated {
            error.with_hint(
                "the process was probably killed while writing, or the disk was full: take the snapshot again",
            )
        } else {
            error
        }
    }
}

/// Why there is no redacted text.
#[derive(Debug)]
pub enum Failure<E> {
    /// What came in is no snapshot.
    Malformed(Malformed),
    /// What came out was not taken.
    Sink(E),
}

impl<E> From<Malformed> for Failure<E> {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl Failure<Infallible> {
    /// Why, where what comes out is always taken.
    #[must_use]
    pub fn malformed(self) -> Malformed {
        match self {
            Self::Malformed(malformed) => malformed,
            Self::Sink(never) => match never {},
        }
    }
}
