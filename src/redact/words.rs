//! What a text can be: an engine's label, a name of Node's or V8's, something that looks like a name.
//!
//! [`Trait::of`] judges by the text alone. Whether a word is a name of the program is decided elsewhere
//! (`evidence.rs`); what is no word here is never shown, wherever it stands.

use std::collections::HashSet;
use std::sync::LazyLock;

/// A name of a program has fewer; identifiers of data have more.
const MAX_DIGITS: usize = 4;
const MAX_NAME_UNITS: usize = 64;
/// As many as V8 keeps of a path.
const MAX_PATH_UNITS: usize = 1024;
/// Slots are numbered in few digits; telephone numbers are not.
const MAX_INDEX_UNITS: usize = 7;

/// Names that V8 and Node's own modules give to properties, symbols and classes: gathered from processes that have
/// loaded nothing else, by `scripts/known-names.mjs`.
const KNOWN: &str = include_str!("known.txt");

static KNOWN_NAMES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| KNOWN.lines().collect());

/// Reads the list, which takes a millisecond: a forked child must find it read.
pub(super) fn prepare() {
    LazyLock::force(&KNOWN_NAMES);
}

/// What a text can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Trait {
    /// Anything: never shown.
    Other,
    Empty,
    /// Looks like a name: shown where the file tells that it is one.
    Word,
    /// A name of Node's or V8's: shown where names stand.
    Known,
    /// A small number: shown where V8 numbers its slots.
    Index,
    /// An engine's own description, such as `system / Map`: shown where the engine writes those.
    Label,
    /// A name inside a few words of the engine's, such as `get size`.
    Wrapped,
    /// The edge of a `WeakMap`'s pair, which names both ends.
    Pair,
    /// Where a script comes from: shown where a script has that name.
    Path,
    // Labels that tell what a node is:
    Bytecode,
    ConstantPool,
    Boilerplate,
    ScopeInfo,
    ScopeNames,
    Template,
    FunctionInfo,
    /// What nodes without a name of their own are called: `heap number`.
    Unnamed,
    /// The edge from a function to its script.
    ScriptEdge,
    /// What V8 calls global objects.
    Global,
}

const TELLING: [(&str, Trait); 25] = [
    ("system / Context", Trait::Known),
    ("system / BytecodeArray", Trait::Bytecode),
    ("system / BytecodeWrapper", Trait::Bytecode),
    ("system / InterpreterData", Trait::Bytecode),
    ("system / SharedFunctionInfoWrapper", Trait::Bytecode),
    ("(constant pool)", Trait::ConstantPool),
    ("system / ObjectBoilerplateDescription", Trait::Boilerplate),
    ("system / ClassBoilerplate", Trait::Boilerplate),
    ("system / ScopeInfo", Trait::ScopeInfo),
    ("(context local names)", Trait::ScopeNames),
    ("system / FunctionTemplateInfo", Trait::Template),
    ("(shared function info)", Trait::FunctionInfo),
    ("heap number", Trait::Unnamed),
    ("smi number", Trait::Unnamed),
    ("bigint", Trait::Unnamed),
    ("symbol", Trait::Unnamed),
    ("private symbol", Trait::Unnamed),
    ("(concatenated string)", Trait::Unnamed),
    ("(sliced string)", Trait::Unnamed),
    ("(external string)", Trait::Unnamed),
    ("script", Trait::ScriptEdge),
    ("script_or_debug_info", Trait::ScriptEdge),
    ("global", Trait::Global),
    ("global (global)", Trait::Global),
    ("global (global*)", Trait::Global),
];

impl Trait {
    /// Judges a text.
    pub fn of(units: &[u16]) -> Self {
        if units.is_empty() {
            return Self::Empty;
        }
        let Some(text) = ascii(units) else {
            return if is_word(units) { Self::Word } else { Self::Other };
        };
        if let Some((_, telling)) = TELLING.iter().find(|(known, _)| *known == text) {
            return *telling;
        }
        if KNOWN_NAMES.contains(text.as_str()) {
            return Self::Known;
        }
        if text.len() <= MAX_INDEX_UNITS && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Self::Index;
        }
        if is_path(&text) {
            return Self::Path;
        }
        if Pair::of(units).is_some() {
            return Self::Pair;
        }
        if is_label(&text) {
            return Self::Label;
        }
        if Wrapped::of(units).is_some() {
            return Self::Wrapped;
        }
        if is_word(units) { Self::Word } else { Self::Other }
    }

    /// Whether the text may be shown wherever a name stands.
    pub fn is_known(self) -> bool {
        !matches!(
            self,
            Self::Other | Self::Word | Self::Index | Self::Label | Self::Wrapped | Self::Pair | Self::Path
        )
    }
}

fn ascii(units: &[u16]) -> Option<String> {
    units
        .iter()
        .map(|unit| u8::try_from(*unit).ok().filter(u8::is_ascii).map(char::from))
        .collect()
}

/// Letters, digits and what joins names, in the manner of identifiers, of events (`user:created`) and of headers
/// (`content-type`), with few digits.
fn is_word(units: &[u16]) -> bool {
    if units.len() > MAX_NAME_UNITS {
        return false;
    }
    let mut digits = 0;
    for (at, character) in char::decode_utf16(units.iter().copied()).enumerate() {
        let fits = match character {
            Ok(character) if character.is_alphabetic() => true,
            Ok('_' | '$') => true,
            Ok('#' | '.') if at == 0 => units.len() > 1,
            Ok('.' | '-' | ':') => at > 0,
            Ok('0'..='9') => {
                digits += 1;
                at > 0
            }
            _ => false,
        };
        if !fits || digits > MAX_DIGITS {
            return false;
        }
    }
    true
}

/// What scripts are called that come from files or from Node itself.
fn is_path(text: &str) -> bool {
    const INPUTS: [&str; 5] = [
        "[eval]",
        "[eval]-wrapper",
        "[stdin]",
        "[stdin]-wrapper",
        "[worker eval]",
    ];
    const SCHEMES: [&str; 5] = ["file:///", "node:", "internal/", "http://", "https://"];
    if text.len() > MAX_PATH_UNITS || text.bytes().any(|byte| byte.is_ascii_control()) {
        return false;
    }
    let is_drive = |text: &[u8]| text.len() > 3 && text[0].is_ascii_alphabetic() && &text[1..3] == b":\\";
    INPUTS.contains(&text)
        || text.len() > 1 && text.starts_with('/')
        || SCHEMES.iter().any(|scheme| text.starts_with(scheme))
        || is_drive(text.as_bytes())
}

/// `system / Map (OneByteString)`, `(GC roots)`, `Node / AsyncWrap`, `12 / BytecodeHandler`, `Detached Text`.
fn is_label(text: &str) -> bool {
    let plain = |text: &str, more: &[u8]| {
        text.len() <= 2 * MAX_NAME_UNITS
            && !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_ ".contains(&byte) || more.contains(&byte))
            && !text.contains(" for ")
    };
    let few_digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count() <= 2 * MAX_DIGITS;
    if let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        return plain(inner, b"-+*$/") && few_digits(text);
    }
    let Some((owner, name)) = text.split_once(" / ") else {
        return text
            .strip_prefix("Detached ")
            .is_some_and(|name| plain(name, b"") && few_digits(name));
    };
    let is_owner = matches!(owner, "system" | "Node")
        || owner.len() <= MAX_INDEX_UNITS && owner.bytes().all(|byte| byte.is_ascii_digit());
    is_owner && plain(name, b"()<>:*&,-+$") && few_digits(name)
}

/// A name within words of the engine's.
pub(super) struct Wrapped<'a> {
    pub before: &'a [u16],
    pub name: &'a [u16],
    pub after: &'a [u16],
}

impl<'a> Wrapped<'a> {
    /// `get NAME`, `set NAME`, `<symbol NAME>`, `(… for NAME)`.
    pub fn of(units: &'a [u16]) -> Option<Self> {
        let cut = |before: usize, after: usize| {
            (units.len() > before + after).then(|| Self {
                before: &units[..before],
                name: &units[before..units.len() - after],
                after: &units[units.len() - after..],
            })
        };
        if starts_with(units, "get ") || starts_with(units, "set ") {
            return cut(4, 0);
        }
        if starts_with(units, "<symbol ") && ends_with(units, ">") {
            return cut(8, 1);
        }
        if starts_with(units, "(") && ends_with(units, ")") {
            let at = find(units, " for ")?;
            let kind = ascii(&units[1..at])?;
            let is_kind = kind.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b' ');
            return is_kind.then(|| cut(at + 5, 1)).flatten();
        }
        None
    }
}

/// `N / part of key (NAME @ID) -> value (NAME @ID) pair in WeakMap (table @ID)`
pub(super) struct Pair<'a> {
    /// What is shown as it is, and names, in turns.
    pub parts: [&'a [u16]; 5],
}

impl<'a> Pair<'a> {
    pub fn of(units: &'a [u16]) -> Option<Self> {
        const HEAD: &str = " / part of key (";
        const MIDDLE: &str = ") -> value (";
        const TAIL: &str = ") pair in WeakMap (table @";
        let slot = digits(units);
        let head = slot + HEAD.len();
        if slot == 0 || !starts_with(&units[slot..], HEAD) || !ends_with(units, ")") {
            return None;
        }
        let tail = units.len() - 1 - digits_at_end(&units[..units.len() - 1]);
        let before_tail = tail.checked_sub(TAIL.len())?;
        if before_tail < head || !starts_with(&units[before_tail..], TAIL) {
            return None;
        }
        // The names may hold anything, the words between them too: then a name is taken for more than it is.
        let inner = &units[head..before_tail];
        let middle = find(inner, MIDDLE)?;
        let key = middle - id_at_end(&inner[..middle])?;
        let value = inner.len() - id_at_end(inner)?;
        let second = middle + MIDDLE.len();
        if second > value {
            return None;
        }
        Some(Self {
            parts: [
                &units[..head],
                &inner[..key],
                &inner[key..second],
                &inner[second..value],
                &units[head + value..],
            ],
        })
    }
}

/// Length of ` @ID` at the end.
fn id_at_end(units: &[u16]) -> Option<usize> {
    let digits = digits_at_end(units);
    (digits > 0 && ends_with(&units[..units.len() - digits], " @")).then_some(digits + 2)
}

fn is_digit(unit: u16) -> bool {
    (u16::from(b'0')..=u16::from(b'9')).contains(&unit)
}

fn digits(units: &[u16]) -> usize {
    units.iter().take(10).take_while(|unit| is_digit(**unit)).count()
}

fn digits_at_end(units: &[u16]) -> usize {
    units.iter().rev().take(10).take_while(|unit| is_digit(**unit)).count()
}

fn starts_with(units: &[u16], text: &str) -> bool {
    units.len() >= text.len()
        && units
            .iter()
            .zip(text.bytes())
            .all(|(unit, byte)| *unit == u16::from(byte))
}

fn ends_with(units: &[u16], text: &str) -> bool {
    units.len() >= text.len() && starts_with(&units[units.len() - text.len()..], text)
}

fn find(units: &[u16], text: &str) -> Option<usize> {
    (0..units.len()).find(|at| starts_with(&units[*at..], text))
}

/// Where the part of a script's address begins that is no path: its query, or its fragment.
pub(super) fn query(units: &[u16]) -> usize {
    let is_start = |unit: &u16| *unit == u16::from(b'?') || *unit == u16::from(b'#');
    units.iter().position(is_start).unwrap_or(units.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    #[test]
    fn texts_are_judged_by_their_form() {
        let cases = [
            ("", Trait::Empty),
            ("constructor", Trait::Known),
            ("_events", Trait::Known),
            ("sessionsByUser", Trait::Word),
            ("#balance", Trait::Word),
            ("größe", Trait::Word),
            ("user:created", Trait::Word),
            ("x-request-id", Trait::Word),
            ("alice@example.com", Trait::Other),
            ("two words", Trait::Other),
            ("tok_9f8a7b6c5d", Trait::Other),
            ("4111111111111111", Trait::Other),
            ("12", Trait::Index),
            ("5551234567", Trait::Other),
            ("system / Map", Trait::Label),
            ("system / Map (SeqOneByteString)", Trait::Label),
            ("(GC roots)", Trait::Label),
            ("(Abort builtin code)", Trait::Label),
            ("1049 / ArrayFromAsyncArrayLikeOnFulfilled", Trait::Label),
            ("(constant pool)", Trait::ConstantPool),
            ("(code for handler)", Trait::Wrapped),
            ("get secretly", Trait::Wrapped),
            ("<symbol tenant>", Trait::Wrapped),
            ("/srv/app/server.js", Trait::Path),
            ("file:///srv/app/server.mjs?x=1", Trait::Path),
            ("data:text/javascript,1", Trait::Other),
            ("evalmachine.<anonymous>", Trait::Other),
        ];
        for (text, expected) in cases {
            assert_eq!(Trait::of(&units(text)), expected, "{text:?}");
        }
    }

    #[test]
    fn a_pair_is_cut_where_its_names_are() {
        let cases = [
            (
                "3 / part of key (Session @12) -> value (a secret @345) pair in WeakMap (table @6)",
                Some(("Session", "a secret")),
            ),
            (
                "3 / part of key ( @1) -> value (x @2) -> value (y @3) pair in WeakMap (table @6)",
                Some(("", "x @2) -> value (y")),
            ),
            ("3 / part of key (Session @12) -> value (a sec", None),
            ("3 / part of key (x) -> value (y) pair in WeakMap (table @6)", None),
            (" / part of key (x @1) -> value (y @2) pair in WeakMap (table @6)", None),
            ("3 / part of key () pair in WeakMap (table @6)", None),
        ];
        for (text, expected) in cases {
            let text = units(text);
            let pair = Pair::of(&text);
            let names = pair.as_ref().map(|pair| (pair.parts[1], pair.parts[3]));
            let expected = expected.map(|(key, value)| (units(key), units(value)));
            assert_eq!(
                names,
                expected.as_ref().map(|(key, value)| (&key[..], &value[..])),
                "{text:?}"
            );
            if let Some(pair) = pair {
                assert_eq!(pair.parts.concat(), text);
            }
        }
    }
}
