//! Redaction of made-up snapshots: pieces of any size, what is not known, and what is no snapshot.

#![allow(missing_docs)]

use rs_heapdump::redact::{self, Key, Malformed};
use serde_json::Value;

/// A global object with a dictionary, a secret string, a function and its constants, and parts that nobody knows.
const SAMPLE: &str = r#"{"snapshot":{"title":"my secret title","meta":{"node_fields":["type","name","id","self_size","edge_count","mystery"],
"node_types":[["object","string","code","number","future"],"string","number","number","number","number"],
"edge_fields":["type","name_or_index","to_node"],"edge_types":[["property","element","internal","beyond"],"string_or_number","node"],
"location_fields":["object_index","script_id","line","column"],"notes":["a secret note"]},"node_count":6,"edge_count":7,"secret":"key"},
"nodes":[0,1,1,16,4,77
,1,2,3,24,0,77
,2,3,5,40,1,77
,1,4,7,24,0,77
,3,5,9,12,0,77
,4,6,11,8,2,77
],
"edges":[0,7,6
,0,8,18
,1,3,24
,1,987654321,24
,2,9,18
,3,6,6
,0,10,6
],
"secrets":{"all":["of","them"]},
"locations":[0,7,3,5],
"strings":["","Object","a secret text \ud83d\u0041 \"quoted\"","(constant pool)","sessionsByName","1234.5","a future name",
"alice@example.org","sessionsByName2","sessionsByName3","notInTheText"]}
"#;

fn redact(text: &[u8], piece: usize) -> Result<String, Malformed> {
    let redacted = redact::redact(Key::new([7; 16]), text.chunks(piece))?;
    Ok(String::from_utf8(redacted).expect("plain text"))
}

#[test]
fn how_the_bytes_arrive_makes_no_difference() {
    let whole = redact(SAMPLE.as_bytes(), SAMPLE.len()).unwrap();
    for piece in [1, 2, 3, 5, 7, 64, 1000] {
        assert_eq!(redact(SAMPLE.as_bytes(), piece).unwrap(), whole, "{piece}");
    }
}

#[test]
fn what_is_not_known_does_not_pass() {
    let redacted = redact(SAMPLE.as_bytes(), 4096).unwrap();
    for secret in [
        "secret",
        "alice",
        "example",
        "1234",
        "quoted",
        "987654321",
        "notInTheText",
        "future name",
        "of\"",
    ] {
        assert!(!redacted.contains(secret), "{secret}: {redacted}");
    }
    let json: Value = serde_json::from_str(&redacted).unwrap();
    assert_eq!(json["snapshot"]["rs_heapdump"]["redacted"], true);
    assert_eq!(json["snapshot"]["node_count"], 6);
    assert_eq!(json["locations"].as_array().unwrap().len(), 4);
    let strings: Vec<&str> = json["strings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s.as_str().unwrap())
        .collect();
    assert_eq!(strings.len(), 22);
    assert_eq!(strings[2], "Object");
    assert_eq!(strings[6], "(constant pool)");
    // 25 units, as in the file.
    assert_eq!((strings[5].len(), &strings[5][..1]), (25, "~"));
    assert_eq!(json["nodes"][5], 0, "a field that nobody knows");
    assert_eq!(json["nodes"][7], 5, "the content of the second string");
    assert_eq!(json["edges"][10], 1024 + 16 + 3, "numbered: {}", json["edges"]);
}

#[test]
fn constants_of_the_text_are_names_where_they_are_used_as_names() {
    // The pool holds `sessionsByName`; as a property it stays, as the content of a string it does not.
    let text = SAMPLE.replace("0,7,6\n", "0,4,6\n");
    let json: Value = serde_json::from_str(&redact(text.as_bytes(), 4096).unwrap()).unwrap();
    assert_eq!(json["strings"][8], "sessionsByName");
    assert!(json["strings"][9].as_str().unwrap().starts_with('~'));
}

#[test]
fn what_is_cut_off_or_no_snapshot_is_an_error_with_its_place() {
    let whole = SAMPLE.trim_end();
    for length in 0..whole.len() {
        let error = redact(&whole.as_bytes()[..length], 100).unwrap_err();
        assert!(error.offset <= length as u64, "{error}");
    }
    let cases = [
        ("[]", "'{'"),
        ("{}", "\"strings\""),
        (r#"{"nodes":[],"strings":[]}"#, "\"snapshot\""),
        (r#"{"snapshot":{},"strings":[]}"#, "meta"),
        (r#"{"snapshot":[],"strings":[]}"#, "header"),
    ];
    for (text, expected) in cases {
        let error = redact(text.as_bytes(), 100).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    let wrong = [
        ("\"nodes\":[0,1", "\"nodes\":[0,11", "index of a string"),
        ("2,9,18", "2,9,19", "index of a node"),
        ("0,10,6\n]", "0,10,6,0,10,6]", "no more edges"),
        ("0,7,6\n,", "", "as many edges"),
        ("18\n,1,3", "18\n,1,x", "a number"),
        ("\"edges\"", "\"nodes\"", "each section once"),
        (
            "\"locations\":[",
            "\"strings\":[\"\"],\"locations\":[",
            "one list of strings",
        ),
        ("0,7,3,5", "0,7,3", "whole rows"),
        ("[0,1,1", "[99999999999999999999999,1,1", "below 2^64"),
    ];
    for (from, to, expected) in wrong {
        let text = SAMPLE.replacen(from, to, 1);
        assert_ne!(text, SAMPLE, "{from}");
        let error = redact(text.as_bytes(), 100).unwrap_err().to_string();
        assert!(error.contains(expected), "{from} -> {to}: {error}");
        assert!(!error.contains("alice"), "{error}");
    }
}

#[test]
fn no_damage_makes_it_panic() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for _ in 0..4000 {
        let mut text = SAMPLE.as_bytes().to_vec();
        for _ in 0..=random(4) {
            let at = random(text.len());
            match random(3) {
                0 => text[at] = random(256) as u8,
                1 => drop(text.remove(at)),
                _ => text.insert(at, b"\"\\,[]{}019u"[random(11)]),
            }
        }
        let _ = redact(&text, 1 + random(64));
    }
}

#[test]
fn a_long_string_takes_no_room() {
    // As V8 writes them where it is told not to cut them.
    let long = "a secret ".repeat(400_000);
    let text = SAMPLE.replace("alice@example.org", &long);
    let json: Value = serde_json::from_str(&redact(text.as_bytes(), 10_000).unwrap()).unwrap();
    assert_eq!(json["strings"][15].as_str().unwrap().len(), long.len());
}
