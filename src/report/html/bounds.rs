//! How much of a report goes into a page.

use serde_json::Value;

/// The most of anything.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Entries of a list, whichever.
    pub rows: usize,
    /// Characters of a text.
    text: usize,
}

impl Limits {
    /// What an ordinary report keeps within.
    pub(super) const WIDEST: Self = Self { rows: 2000, text: 1000 };

    /// The next that are worth a try: text first, since long names tell least by their ends.
    pub(super) fn narrower(self) -> Option<Self> {
        match self {
            Self { rows, text } if text > 125 => Some(Self { rows, text: text / 2 }),
            Self { rows, text } if rows > 7 => Some(Self { rows: rows / 2, text }),
            _ => None,
        }
    }
}

/// Cuts lists and text, at any depth; a report is a few levels deep, and never as deep as a heap.
pub(super) fn apply(value: &mut Value, limits: Limits) {
    match value {
        Value::String(text) => {
            if let Some((at, _)) = text.char_indices().nth(limits.text) {
                text.truncate(at);
                text.push('…');
            }
        }
        Value::Array(items) => {
            items.truncate(limits.rows);
            for item in items {
                apply(item, limits);
            }
        }
        Value::Object(fields) => {
            for field in fields.values_mut() {
                apply(field, limits);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_is_cut_between_characters_and_lists_at_their_ends() {
        let mut value = json!({"a": ["日本語", "ab"], "n": 1});
        apply(&mut value, Limits { rows: 1, text: 2 });
        assert_eq!(value, json!({"a": ["日本…"], "n": 1}));
        apply(&mut value, Limits { rows: 1, text: 2 });
        assert_eq!(value, json!({"a": ["日本…"], "n": 1}));
    }

    #[test]
    fn limits_come_to_an_end() {
        let steps = std::iter::successors(Some(Limits::WIDEST), |limits| limits.narrower());
        assert!(steps.count() < 20);
    }
}
