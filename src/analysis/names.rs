//! Names as JavaScript has them, in UTF-16, and how DevTools writes them.

use std::collections::HashMap;

use crate::snapshot::{Snapshot, StringIndex};

/// UTF-16, lone surrogates included.
pub(crate) type Text = [u16];

/// Names without repetition: equal names have equal numbers.
#[derive(Debug, Default)]
pub(crate) struct Names {
    texts: Vec<Box<Text>>,
    numbers: HashMap<Box<Text>, u32>,
    by_string: HashMap<StringIndex, u32>,
}

impl Names {
    pub(crate) fn number(&mut self, text: &Text) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.texts.len() as u32;
        self.texts.push(text.into());
        self.numbers.insert(text.into(), number);
        number
    }

    /// The number of a string of the file, changed to what a class is called.
    pub(crate) fn class_number(&mut self, snapshot: &Snapshot, string: StringIndex) -> u32 {
        if let Some(number) = self.by_string.get(&string) {
            return *number;
        }
        let text = snapshot.strings().utf16(string);
        let number = self.number(&without_attributes(text));
        self.by_string.insert(string, number);
        number
    }

    /// Likewise, for a detached node.
    pub(crate) fn detached_number(&mut self, snapshot: &Snapshot, string: StringIndex) -> u32 {
        let mut text: Vec<u16> = "Detached ".encode_utf16().collect();
        text.extend(snapshot.strings().utf16(string));
        self.number(&without_attributes(text))
    }

    pub(crate) fn into_names(self) -> Vec<Box<Text>> {
        self.texts
    }
}

/// `<div id="a">` is of class `<div>`.
fn without_attributes(mut text: Vec<u16>) -> Vec<u16> {
    let starts_with = |prefix: &str| prefix.encode_utf16().eq(text.iter().copied().take(prefix.len()));
    let from = if starts_with("<") {
        0
    } else if starts_with("Detached <") {
        10
    } else {
        return text;
    };
    if let Some(space) = text.iter().skip(from).position(|unit| *unit == u16::from(b' ')) {
        text.truncate(from + space);
        text.push(u16::from(b'>'));
    }
    text
}

/// A property's name as JSON, where it has characters that would be confusing in `{a, b}`.
pub(crate) fn quoted(name: &Text) -> Option<Box<Text>> {
    let confusing = b",'\"{}".map(u16::from);
    if !name.iter().any(|unit| confusing.contains(unit)) {
        return None;
    }
    let mut json: Vec<u16> = vec![u16::from(b'"')];
    for (at, &unit) in name.iter().enumerate() {
        match unit {
            0x22 => json.extend("\\\"".encode_utf16()),
            0x5c => json.extend("\\\\".encode_utf16()),
            0x08 => json.extend("\\b".encode_utf16()),
            0x0c => json.extend("\\f".encode_utf16()),
            0x0a => json.extend("\\n".encode_utf16()),
            0x0d => json.extend("\\r".encode_utf16()),
            0x09 => json.extend("\\t".encode_utf16()),
            unit if unit < 0x20 || is_lone(name, at) => {
                json.extend(format!("\\u{unit:04x}").encode_utf16());
            }
            unit => json.push(unit),
        }
    }
    json.push(u16::from(b'"'));
    Some(json.into())
}

/// Whether the unit is a surrogate without its other half.
fn is_lone(text: &Text, at: usize) -> bool {
    let high = |unit: Option<&u16>| unit.is_some_and(|unit| (0xd800..0xdc00).contains(unit));
    let low = |unit: Option<&u16>| unit.is_some_and(|unit| (0xdc00..0xe000).contains(unit));
    let before = at.checked_sub(1).and_then(|at| text.get(at));
    (high(text.get(at)) && !low(text.get(at + 1))) || (low(text.get(at)) && !high(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    #[test]
    fn classes_of_elements_have_no_attributes() {
        for (name, class) in [
            ("<div id=\"a b\">", "<div>"),
            ("<div>", "<div>"),
            ("Detached <p class=x>", "Detached <p>"),
            ("Object", "Object"),
            ("", ""),
        ] {
            assert_eq!(without_attributes(utf16(name)), utf16(class), "{name}");
        }
    }

    #[test]
    fn confusing_names_are_quoted_as_json() {
        assert_eq!(quoted(&utf16("plain name")), None);
        assert_eq!(
            quoted(&utf16("a,\n\"b\"")).as_deref(),
            Some(&utf16("\"a,\\n\\\"b\\\"\"")[..])
        );
        let mut lone = utf16("{");
        lone.push(0xd83d);
        assert_eq!(quoted(&lone).as_deref(), Some(&utf16("\"{\\ud83d\"")[..]));
        assert_eq!(
            quoted(&utf16("{\u{1f600}")).as_deref(),
            Some(&utf16("\"{\u{1f600}\"")[..])
        );
    }
}
