//! The report as one page of HTML, which needs nothing else: no network, no server, no permission.
//!
//! The page is made beforehand, by `scripts/page.mjs` from `page/`, and is embedded here; what remains is to
//! put the data into it, as JSON: `{"version": 1, "title", "generated_by", "leaks", "diff", "owners"}`, where `leaks`
//! and `diff` are what those commands write with `--json`, and an owner is `{"name", "rank"?, "bytes", "children"}`.
//!
//! # Hostile names
//!
//! What comes from a heap is data and stays data. In the file it is JSON in a block that no browser executes, where
//! `<`, `>` and `&` are escaped, so that no name can end the block; so is all that [`shown`](super::shown) spells out. In the
//! browser the script makes text nodes of it, and the page's own policy allows no other script, no markup
//! from strings and no request.
//!
//! # Bounds
//!
//! The page has at most [`MOST_BYTES`]. Lists keep their first [`Limits::rows`] entries, and text its beginning; where that
//! is not enough, less. What is missing is said on the page: totals are those of everything.

mod bounds;
mod owners;
mod written;

pub use written::PageWritten;

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use self::bounds::Limits;
use self::owners::Owner;
use super::json::{VERSION, Versioned, write_escaped};
use super::{Diff, LeakReport, text};

/// The page without its data.
const TEMPLATE: &str = include_str!("../../../page/dist/page.html");
/// What stands in its place.
const DATA: &str = "{{data}}";
/// Of the whole page.
const MOST_BYTES: usize = 1_900_000;
/// Classes on the page; a caller need not select more.
pub const MOST_CLASSES: usize = Limits::WIDEST.rows;

#[derive(Serialize)]
struct Data<'a, L, D> {
    version: u32,
    title: &'a str,
    generated_by: &'a str,
    leaks: Versioned<'a, L>,
    diff: Versioned<'a, D>,
    owners: &'a [Owner],
}

/// Writes what was found in a series of snapshots, with the classes that changed between its first and its last.
///
/// # Errors
/// Those of the writer.
pub fn write_page(leaks: &LeakReport, diff: &Diff, out: impl Write) -> io::Result<()> {
    let title = match leaks.suspects.first() {
        Some(suspect) => format!("{} grows", suspect.owner),
        None => "Nothing grows without end".to_owned(),
    };
    let data = Data {
        version: VERSION,
        title: &title,
        generated_by: concat!("rs-heapdump ", env!("CARGO_PKG_VERSION")),
        leaks: Versioned::new(leaks),
        diff: Versioned::new(diff),
        owners: &owners::of(leaks),
    };
    write(&data, out)
}

/// The page with this data, which is made to fit.
fn write(data: &impl Serialize, mut out: impl Write) -> io::Result<()> {
    let data = serde_json::to_value(data)?;
    let (head, tail) = TEMPLATE.split_once(DATA).ok_or_else(no_place)?;
    out.write_all(head.as_bytes())?;
    out.write_all(&fitting(data, MOST_BYTES.saturating_sub(TEMPLATE.len()))?)?;
    out.write_all(tail.as_bytes())
}

/// The data as JSON, of no more than so many bytes: the widest limits that allow it.
fn fitting(mut data: Value, most: usize) -> io::Result<Vec<u8>> {
    let mut limits = Limits::WIDEST;
    loop {
        bounds::apply(&mut data, limits);
        let mut json = Vec::new();
        write_escaped(&data, &mut json, is_special)?;
        match limits.narrower() {
            Some(narrower) if json.len() > most => limits = narrower,
            _ => return Ok(json),
        }
    }
}

/// What could mean something to HTML, to a terminal or to an editor.
fn is_special(character: char) -> bool {
    matches!(character, '<' | '>' | '&') || text::is_hostile(character)
}

fn no_place() -> io::Error {
    io::Error::other("the embedded page has no place for data")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page(leaks: &Value, diff: &Value) -> String {
        let owners = [Owner {
            name: "<b>".to_owned(),
            rank: None,
            bytes: vec![1, 2],
            children: Vec::new(),
        }];
        let data = Data {
            version: VERSION,
            title: "</title>",
            generated_by: "a test",
            leaks: Versioned::new(leaks),
            diff: Versioned::new(diff),
            owners: &owners,
        };
        let mut html = Vec::new();
        write(&data, &mut html).unwrap();
        String::from_utf8(html).unwrap()
    }

    /// What stands between the tags.
    fn data(html: &str) -> &str {
        let (_, rest) = html
            .split_once(r#"<script type="application/json" id="data">"#)
            .unwrap();
        rest.split_once("</script>").unwrap().0
    }

    #[test]
    fn names_stay_data_and_come_back_the_same() {
        let name = "</script><!-- &amp; <img src=x onerror=alert(1)> {{data}} \u{202e}\u{2028}\0\u{1b}";
        let html = page(&json!({"suspects": [{"owner": name}]}), &json!({"classes": []}));
        let data = data(&html);
        assert!(!data.contains(['<', '>', '&', '\u{202e}', '\u{2028}', '\0', '\u{1b}']));
        let back: Value = serde_json::from_str(data).unwrap();
        assert_eq!(back["leaks"]["suspects"][0]["owner"], name);
        assert_eq!(back["leaks"]["version"], 1);
        assert_eq!(back["owners"][0]["name"], "<b>");
        let without = |html: &str, data: &str| html.len() - data.len();
        assert_eq!(without(&html, data), TEMPLATE.len() - DATA.len());
    }

    #[test]
    fn lists_and_text_are_cut_to_a_page_of_bounded_size() {
        let row = |at: usize| json!({"name": "<".repeat(500) + &at.to_string(), "counts": [1, 2, 3]});
        let rows: Vec<Value> = (0..5000).map(row).collect();
        let diff = json!({"totals": {"classes": 5000}, "classes": rows});
        let html = page(&json!({"suspects": []}), &diff);
        assert!(html.len() <= MOST_BYTES, "{} bytes", html.len());
        let back: Value = serde_json::from_str(data(&html)).unwrap();
        let left = back["diff"]["classes"].as_array().unwrap().len();
        assert!((100..=MOST_CLASSES).contains(&left), "{left} classes");
        assert_eq!(back["diff"]["totals"]["classes"], 5000);
    }

    #[test]
    fn ordinary_names_are_kept_whole() {
        let rows: Vec<Value> = (0..3000)
            .map(|at| json!({"name": format!("Class{at}"), "script": {"file": "/srv/app/index.js", "line": 1, "column": 1}, "counts": [1, 2, 3]}))
            .collect();
        let html = page(&json!({"suspects": []}), &json!({"classes": rows}));
        let back: Value = serde_json::from_str(data(&html)).unwrap();
        assert_eq!(back["diff"]["classes"].as_array().unwrap().len(), MOST_CLASSES);
        assert_eq!(back["diff"]["classes"][1999]["name"], "Class1999");
    }

    #[test]
    fn the_embedded_page_has_one_place_for_data_and_a_strict_policy() {
        assert_eq!(TEMPLATE.matches(DATA).count(), 1);
        assert!(TEMPLATE.contains(r#"content="default-src 'none'; script-src 'sha256-"#));
        assert!(!TEMPLATE.contains("unsafe-"));
    }
}
