//! Text that is safe and fits: names from a heap, cut to size; numbers as people write them.

use std::fmt::Write;

pub(super) use crate::hostile::is_hostile;
use humansize::{BINARY, format_size};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What stands for a part that was cut out.
const CUT: &str = "…";

/// A string from the heap, with everything spelt out that could move the cursor, reorder the line or hide.
#[must_use]
pub fn shown(text: &str) -> String {
    if !text.contains(is_hostile) {
        return text.to_owned();
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            hostile if is_hostile(hostile) => safe.push_str(&escape(hostile)),
            harmless => safe.push(harmless),
        }
    }
    safe
}

/// As JavaScript and JSON write it.
pub(super) fn escape(character: char) -> String {
    let mut escaped = String::new();
    for unit in character.encode_utf16(&mut [0; 2]) {
        let _ = write!(escaped, "\\u{unit:04x}");
    }
    escaped
}

/// Columns on a terminal.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// The beginning, as much as fits.
pub(super) fn cut_end(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |character: &char| {
        used += character.width().unwrap_or(0);
        used <= room
    };
    let head: String = text.chars().take_while(fits).collect();
    // A list that was cut already is not cut twice.
    let head = head.trim_end_matches([' ', ',', '…']);
    if room == 0 {
        String::new()
    } else {
        head.to_owned() + CUT
    }
}

/// The end of a path, as much as fits, from a separator on if there is one.
pub(super) fn cut_start(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |(_, character): &(usize, char)| {
        used += character.width().unwrap_or(0);
        used <= room
    };
    let start = text
        .char_indices()
        .rev()
        .take_while(fits)
        .last()
        .map_or(text.len(), |(at, _)| at);
    let tail = &text[start..];
    let tail = tail.find(['/', '\\']).map_or(tail, |separator| &tail[separator..]);
    if room == 0 {
        String::new()
    } else {
        CUT.to_owned() + tail
    }
}

/// `1.5 MiB`
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        ..1024 => format!("{bytes} B"),
        _ => format_size(bytes, BINARY.decimal_places(1).decimal_zeroes(1)),
    }
}

/// `+1.5 MiB`
pub(super) fn size_delta(bytes: i64) -> String {
    sign(bytes).to_owned() + &size(bytes.unsigned_abs())
}

/// `1,234,567`
pub(super) fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `+1,234`
pub(super) fn count_delta(delta: i64) -> String {
    sign(delta).to_owned() + &count(delta.unsigned_abs())
}

/// `1 object`, `2 objects`
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

fn sign(delta: i64) -> &'static str {
    match delta {
        0 => "",
        1.. => "+",
        _ => "-",
    }
}

/// A share, in percent with one decimal.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let tenths = (u128::from(part) * 1000 + u128::from(whole / 2)) / u128::from(whole.max(1));
    format!("{}.{}%", tenths / 10, tenths % 10)
}

/// As one would type it into a shell; `None` if it cannot be typed.
#[must_use]
pub fn shell_word(text: &str) -> Option<String> {
    let plain = |c: char| c.is_alphanumeric() || "_-./:@%+=,".contains(c);
    match text {
        "" => None,
        text if text.contains(is_hostile) || text.contains('\u{fffd}') => None,
        text if text.chars().all(plain) => Some(text.to_owned()),
        text => Some(format!("'{}'", text.replace('\'', r"'\''"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_characters_are_spelt_out() {
        for (text, safe) in [
            ("plain {a, b} é 日本", "plain {a, b} é 日本"),
            ("\x1b[31mred", "\\u001b[31mred"),
            ("line\nend\ttab\r", "line\\nend\\ttab\\r"),
            ("\u{202e}gnp.exe", "\\u202egnp.exe"),
            ("\u{9b}2J\u{7f}", "\\u009b2J\\u007f"),
            ("zero\u{200b}width", "zero\\u200bwidth"),
            ("tag\u{e0041}", "tag\\udb40\\udc41"),
        ] {
            assert_eq!(shown(text), safe);
        }
    }

    #[test]
    fn long_text_is_cut_to_the_columns_there_are() {
        assert_eq!(cut_end("Session", 7), "Session");
        assert_eq!(cut_end("Session", 6), "Sessi…");
        assert_eq!(cut_end("日本語", 5), "日本…");
        assert_eq!(cut_end("日本語", 4), "日…");
        assert_eq!(cut_end("Session", 0), "");
        assert_eq!(cut_start("/srv/app/lib/cache.js:1:2", 25), "/srv/app/lib/cache.js:1:2");
        assert_eq!(cut_start("/srv/app/lib/cache.js:1:2", 20), "…/lib/cache.js:1:2");
        assert_eq!(cut_start("/srv/app/lib/cache.js:1:2", 10), "…he.js:1:2");
    }

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(1 << 20), "1.0 MiB");
        assert_eq!(size_delta(-1536), "-1.5 KiB");
        assert_eq!(size_delta(i64::MIN), "-8.0 EiB");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(123), "123");
        assert_eq!(count_delta(1000), "+1,000");
        assert_eq!(percent(1, 3), "33.3%");
        assert_eq!(percent(1, 0), "100.0%");
        assert_eq!(percent(u64::MAX, u64::MAX), "100.0%");
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(shell_word("Session").as_deref(), Some("Session"));
        assert_eq!(shell_word("{a, b}").as_deref(), Some("'{a, b}'"));
        assert_eq!(shell_word("it's").as_deref(), Some(r"'it'\''s'"));
        assert_eq!(shell_word("\x1b"), None);
    }
}
