//! The first reading: what each string can be.

use std::mem;

use super::lexer::{Lexer, Reader, Text, Value, Wrong, wrong};
use super::redactor::Redactor;
use super::words::Trait;
use super::{Key, Malformed};

/// Positions of strings are doubled, and still are 32 bits.
const MAX_STRINGS: usize = 1 << 30;

/// What the first reading found out.
#[derive(Debug, Default)]
pub(super) struct Strings {
    pub traits: Vec<Trait>,
    pub hashes: Vec<u64>,
}

/// Reads a snapshot for the first time.
pub struct Survey {
    key: Key,
    lexer: Lexer,
    found: Finder,
}

impl Survey {
    #[must_use]
    pub fn new(key: Key) -> Self {
        Self {
            key,
            lexer: Lexer::new(key),
            found: Finder::default(),
        }
    }

    /// Reads on.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        self.lexer.feed(bytes, &mut self.found)
    }

    /// Ready for the second reading.
    pub fn finish(mut self) -> Result<Redactor, Malformed> {
        self.lexer.finish()?;
        if !self.found.seen {
            return Err(self.lexer.missing("\"strings\""));
        }
        Ok(Redactor::new(self.key, mem::take(&mut self.found.strings)))
    }
}

#[derive(Default)]
struct Finder {
    strings: Strings,
    seen: bool,
}

impl Reader for Finder {
    fn key(&mut self, key: &str) -> Result<Value, Wrong> {
        if key != "strings" {
            return Ok(Value::Ignored);
        }
        if mem::replace(&mut self.seen, true) {
            return wrong("one list of strings", "another");
        }
        Ok(Value::Strings)
    }

    fn string(&mut self, string: &Text) -> Result<(), Wrong> {
        if self.strings.traits.len() == MAX_STRINGS {
            return wrong("at most 2^30 strings", "more");
        }
        self.strings.traits.push(string.whole().map_or(Trait::Other, Trait::of));
        self.strings.hashes.push(string.hash);
        Ok(())
    }

    fn header(&mut self, _json: &[u8]) -> Result<(), Wrong> {
        Ok(())
    }

    fn number(&mut self, _number: u64) -> Result<(), Wrong> {
        Ok(())
    }

    fn tree(&mut self, _bytes: &[u8]) -> Result<(), Wrong> {
        Ok(())
    }

    fn end(&mut self) -> Result<(), Wrong> {
        Ok(())
    }
}
