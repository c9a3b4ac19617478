//! JSON on one line, under its version. What could disturb a terminal is escaped, which JSON allows anywhere
//! in a string.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};

use super::text;

/// Of all JSON that reports write.
pub(super) const VERSION: u32 = 1;

/// A report under the version of its JSON.
#[derive(Serialize)]
pub(super) struct Versioned<'r, R> {
    version: u32,
    #[serde(flatten)]
    report: &'r R,
}

impl<'r, R> Versioned<'r, R> {
    pub(super) fn new(report: &'r R) -> Self {
        Self {
            version: VERSION,
            report,
        }
    }
}

/// Writes a report, and a line end.
///
/// # Errors
/// Those of the writer.
pub fn write<R: Serialize>(report: &R, mut out: impl Write) -> io::Result<()> {
    write_escaped(&Versioned::new(report), &mut out, text::is_hostile)?;
    out.write_all(b"\n")
}

/// Writes a value, with escapes in strings wherever a character `is_special`.
pub(super) fn write_escaped<R: Serialize>(
    value: &R,
    out: &mut impl Write,
    is_special: fn(char) -> bool,
) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(out, Escaping(is_special));
    Ok(value.serialize(&mut serializer)?)
}

/// Compact, and escapes in strings for more than JSON demands.
struct Escaping(fn(char) -> bool);

impl Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, hostile)) = rest.char_indices().find(|(_, character)| self.0(*character)) {
            CompactFormatter.write_string_fragment(writer, &rest[..at])?;
            writer.write_all(text::escape(hostile).as_bytes())?;
            rest = &rest[at + hostile.len_utf8()..];
        }
        CompactFormatter.write_string_fragment(writer, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_strings_are_escaped_and_come_back_the_same() {
        #[derive(Serialize)]
        struct One {
            name: &'static str,
        }
        let name = "a\u{202e}\x1b\u{9b}\"b\\ é \u{e0041}";
        let mut bytes = Vec::new();
        write(&One { name }, &mut bytes).unwrap();
        let line = String::from_utf8(bytes).unwrap();
        assert_eq!(
            line,
            "{\"version\":1,\"name\":\"a\\u202e\\u001b\\u009b\\\"b\\\\ é \\udb40\\udc41\"}\n"
        );
        let back: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(back["name"], name);
    }
}
