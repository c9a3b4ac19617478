//! The command line as a user meets it: tables, JSON, errors, exit codes, pipes.
//!
//! Tables are compared with `tests/goldens`; `UPDATE_GOLDENS=1 cargo test --test cli` writes them anew, and
//! `git diff` shows whether the change is one for the better.

#![allow(missing_docs)]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use rs_heapdump::cli::{self, ExitStatus};
use serde_json::{Value, json};

/// Writes small snapshots: nodes with edges by position.
#[derive(Default)]
struct Tiny {
    nodes: Vec<Node>,
    locations: Vec<[u32; 4]>,
    provenance: Option<Value>,
}

struct Node {
    kind: &'static str,
    name: String,
    id: u32,
    size: u32,
    edges: Vec<(&'static str, String, usize)>,
}

const NODE_TYPES: [&str; 8] = [
    "hidden",
    "array",
    "string",
    "object",
    "code",
    "closure",
    "native",
    "synthetic",
];
const EDGE_TYPES: [&str; 7] = [
    "context", "element", "property", "internal", "hidden", "shortcut", "weak",
];

impl Tiny {
    /// The ids of the nodes with this name.
    fn id_range(&self, name: &str) -> (u32, u32) {
        let ids = || self.nodes.iter().filter(|node| node.name == name).map(|node| node.id);
        (ids().min().unwrap(), ids().max().unwrap())
    }

    fn shift_ids(&mut self, name: &str, by: u32) {
        for node in self.nodes.iter_mut().filter(|node| node.name == name) {
            node.id += by;
        }
    }

    fn node(&mut self, kind: &'static str, name: &str, size: u32) -> usize {
        let id = 2 * self.nodes.len() as u32 + 1;
        self.nodes.push(Node {
            kind,
            name: name.to_owned(),
            id,
            size,
            edges: Vec::new(),
        });
        self.nodes.len() - 1
    }

    fn edge(&mut self, from: usize, kind: &'static str, name: &str, to: usize) {
        self.nodes[from].edges.push((kind, name.to_owned(), to));
    }

    fn child(&mut self, from: usize, edge: (&'static str, &str), kind: &'static str, name: &str, size: u32) -> usize {
        let node = self.node(kind, name, size);
        self.edge(from, edge.0, edge.1, node);
        node
    }

    fn locate(&mut self, node: usize, script: u32, line: u32, column: u32) {
        self.locations.push([node as u32 * 6, script, line, column]);
    }

    fn write(&self, path: &Path) {
        let mut strings: Vec<&str> = vec!["<dummy>"];
        let mut string = |text| {
            strings.iter().position(|known| *known == text).unwrap_or_else(|| {
                strings.push(text);
                strings.len() - 1
            })
        };
        let (mut nodes, mut edges) = (Vec::new(), Vec::new());
        for node in &self.nodes {
            let kind = NODE_TYPES.iter().position(|known| *known == node.kind).unwrap();
            let (id, size) = (node.id as usize, node.size as usize);
            nodes.extend([kind, string(&node.name), id, size, node.edges.len(), 0]);
            for (kind, name, target) in &node.edges {
                let code = EDGE_TYPES.iter().position(|known| known == kind).unwrap();
                let name = if matches!(*kind, "element" | "hidden") {
                    name.parse().unwrap()
                } else {
                    string(name)
                };
                edges.extend([code, name, target * 6]);
            }
        }
        let mut header = json!({
            "meta": {
                "node_fields": ["type", "name", "id", "self_size", "edge_count", "detachedness"],
                "node_types": [NODE_TYPES, "string", "number", "number", "number", "number"],
                "edge_fields": ["type", "name_or_index", "to_node"],
                "edge_types": [EDGE_TYPES, "string_or_number", "node"],
                "location_fields": ["object_index", "script_id", "line", "column"],
            },
            "node_count": self.nodes.len(), "edge_count": edges.len() / 3, "trace_function_count": 0,
        });
        if let Some(provenance) = &self.provenance {
            header["rs_heapdump"] = provenance.clone();
        }
        // The order of the parts is V8's.
        let locations: Vec<u32> = self.locations.concat();
        let text = format!(
            "{{\"snapshot\":{header},\"nodes\":{},\"edges\":{},\"locations\":{},\"strings\":{}}}",
            json!(nodes),
            json!(edges),
            json!(locations),
            json!(strings)
        );
        fs::write(path, text).unwrap();
    }
}

/// A server that keeps its sessions in a Map; the constructor's script is known by a closure.
fn server(sessions: usize, class: &str) -> Tiny {
    let mut tiny = Tiny::default();
    let root = tiny.node("synthetic", "", 0);
    let global = tiny.child(root, ("shortcut", "global"), "object", "global", 400);
    let gc_roots = tiny.child(root, ("element", "1"), "synthetic", "(GC roots)", 0);
    tiny.child(gc_roots, ("element", "1"), "synthetic", "(Stack roots)", 0);
    let handler = tiny.child(global, ("property", "onRequest"), "closure", "onRequest", 64);
    tiny.locate(handler, 7, 11, 8);
    let shared = tiny.child(handler, ("internal", "shared"), "code", "onRequest", 80);
    tiny.child(
        shared,
        ("internal", "script"),
        "code",
        "/srv/shop/lib/session-cache.js",
        120,
    );
    let context = tiny.child(handler, ("internal", "context"), "object", "system / Context", 40);
    let cache = tiny.child(context, ("context", "sessions"), "object", "Map", 16);
    let table = tiny.child(cache, ("internal", "table"), "array", "", 2048);
    // A common object first, so that its id is the same in all snapshots.
    let settings = tiny.child(global, ("property", "settings"), "object", "Settings", 96);
    tiny.child(
        settings,
        ("property", "motd"),
        "string",
        "hello \u{65e5}\u{672c}, a message of the day",
        1 << 20,
    );
    for number in 0..sessions {
        let session = tiny.child(table, ("internal", &(3 * number + 4).to_string()), "object", class, 48);
        tiny.locate(session, 7, 2, 17);
        tiny.child(session, ("property", "user"), "string", &format!("user {number}"), 24);
        tiny.child(session, ("property", "cart"), "array", "", 100_000);
    }
    tiny
}

/// A directory of a test's own.
fn directory(test: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    directory
}

fn three_snapshots(test: &str) -> PathBuf {
    let directory = directory(test);
    for (name, sessions) in [("a", 2), ("b", 5), ("c", 12), ("d", 40), ("e", 160)] {
        server(sessions, "Session").write(&directory.join(format!("{name}.heapsnapshot")));
    }
    directory
}

/// The example that is nothing but the command line, built by the cargo that runs this test.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let profile: &[&str] = if cfg!(debug_assertions) { &[] } else { &["--release"] };
        let mut build = Command::new(cargo);
        build
            .args(["build", "--quiet", "--example", "cli"])
            .args(profile)
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(build.status().unwrap().success(), "the example is built");
        // target/debug/deps/cli-0123 beside target/debug/examples/cli
        let test = std::env::current_exe().unwrap();
        test.ancestors()
            .nth(2)
            .unwrap()
            .join("examples")
            .join("cli")
            .with_extension(std::env::consts::EXE_EXTENSION)
    })
}

fn command(directory: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(args).current_dir(directory).stdin(Stdio::null());
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"] {
        command.env_remove(variable);
    }
    command
}

fn run(directory: &Path, args: &[&str]) -> Output {
    command(directory, args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Standard output of a run that must go well and quietly.
fn done(directory: &Path, args: &[&str]) -> String {
    let output = run(directory, args);
    assert_eq!(text(&output.stderr), "", "{args:?}");
    assert_eq!(output.status.code(), Some(0), "{args:?}");
    text(&output.stdout)
}

fn parsed(directory: &Path, args: &[&str]) -> Value {
    let line = done(directory, args);
    assert_eq!(line.matches('\n').count(), 1, "one line");
    serde_json::from_str(&line).unwrap()
}

const TABLES: [(&str, &[&str]); 10] = [
    ("info", &["info", "b.heapsnapshot"]),
    ("summary", &["summary", "b.heapsnapshot"]),
    (
        "summary-top",
        &["summary", "b.heapsnapshot", "--top", "3", "--sort", "count"],
    ),
    (
        "summary-filter",
        &["summary", "b.heapsnapshot", "--filter", "SESSION-CACHE"],
    ),
    ("diff", &["diff", "a.heapsnapshot", "b.heapsnapshot"]),
    (
        "diff-three",
        &["diff", "a.heapsnapshot", "b.heapsnapshot", "c.heapsnapshot"],
    ),
    ("dominators", &["dominators", "b.heapsnapshot", "--top", "12"]),
    (
        "retainers-class",
        &["retainers", "b.heapsnapshot", "--class", "Session"],
    ),
    (
        "leaks",
        &["leaks", "c.heapsnapshot", "d.heapsnapshot", "e.heapsnapshot"],
    ),
    ("retainers-id", &["retainers", "b.heapsnapshot", "--id", "@25"]),
];

#[test]
fn tables_are_what_they_were() {
    let directory = three_snapshots("goldens");
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens");
    for width in ["80", "120"] {
        for (name, args) in TABLES {
            let output = command(&directory, args).env("COLUMNS", width).output().unwrap();
            let actual = text(&output.stdout);
            assert_eq!(text(&output.stderr), "", "{name}");
            let golden = goldens.join(format!("{name}-{width}.txt"));
            if std::env::var_os("UPDATE_GOLDENS").is_some() {
                fs::write(&golden, &actual).unwrap();
            }
            let expected = fs::read_to_string(&golden).unwrap_or_default();
            assert_eq!(actual, expected, "{}", golden.display());
        }
    }
}

#[test]
fn a_leak_is_a_failure_where_that_is_asked_for() {
    let directory = three_snapshots("fail-on-leak");
    let status = |args: &[&str]| run(&directory, args).status.code();
    let leaking = ["leaks", "c.heapsnapshot", "d.heapsnapshot", "e.heapsnapshot"];
    let steady = ["leaks", "d.heapsnapshot", "d.heapsnapshot", "d.heapsnapshot"];
    assert_eq!(status(&leaking), Some(0));
    assert_eq!(status(&[&leaking[..], &["--fail-on-leak"]].concat()), Some(1));
    assert_eq!(status(&[&steady[..], &["--fail-on-leak"]].concat()), Some(0));
    assert_eq!(
        status(&[&leaking[..], &["--fail-on-leak", "--filter", "elsewhere"]].concat()),
        Some(0)
    );
    assert_eq!(status(&["leaks", "c.heapsnapshot"]), Some(2));
    let found = parsed(&directory, &[&leaking[..], &["--json"]].concat());
    let suspect = &found["suspects"][0];
    assert_eq!(
        (&suspect["owner"], &suspect["cause"], &suspect["counts"]),
        (&json!("sessions"), &json!("map-cache"), &json!([12, 40, 160]))
    );
    assert_eq!(suspect["holder"]["file"], "/srv/shop/lib/session-cache.js");
    assert_eq!(found["growth"]["bytes"].as_array().unwrap().len(), 3);
}

#[test]
fn no_line_is_wider_than_the_page() {
    let directory = directory("width");
    let class = "AnIncrediblyLongConstructorNameThatSomeFrameworkMadeUpFromOtherNames\u{65e5}\u{672c}".repeat(9);
    server(3, &class).write(&directory.join("a.heapsnapshot"));
    server(90, &class).write(&directory.join("b.heapsnapshot"));
    let b = "b.heapsnapshot";
    let commands: [&[&str]; 6] = [
        &["info", b],
        &["leaks", "a.heapsnapshot", b],
        &["summary", b],
        &["diff", "a.heapsnapshot", b],
        &["dominators", b],
        &["retainers", b, "--id", "25"],
    ];
    for width in [60, 80, 120] {
        for args in commands {
            let output = command(&directory, args)
                .env("COLUMNS", width.to_string())
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(0), "{args:?}");
            let shown = text(&output.stdout);
            // What is to be typed next is not cut.
            for line in shown.lines().filter(|line| !line.starts_with("next:")) {
                assert!(
                    unicode_width::UnicodeWidthStr::width(line) <= width,
                    "{args:?} at {width}: {line}"
                );
            }
        }
    }
}

#[test]
fn every_text_ends_with_the_next_command_and_json_does_not() {
    let directory = three_snapshots("next");
    for (name, args) in TABLES {
        let shown = done(&directory, args);
        assert!(
            shown.lines().last().unwrap().starts_with("next: rs-heapdump "),
            "{name}"
        );
        let json = done(&directory, &[args, &["--json"]].concat());
        assert!(!json.contains("next"), "{name}");
    }
}

#[test]
fn the_next_command_can_be_run() {
    let directory = three_snapshots("next-runs");
    for (name, args) in TABLES {
        let shown = done(&directory, args);
        let next = shown
            .lines()
            .last()
            .unwrap()
            .strip_prefix("next: rs-heapdump ")
            .unwrap()
            .to_owned();
        let words: Vec<&str> = next.split(' ').collect();
        assert!(!done(&directory, &words).is_empty(), "{name}: {next}");
    }
}

#[test]
fn json_of_info() {
    let directory = directory("json-info");
    let mut tiny = server(2, "Session");
    tiny.provenance = Some(json!({
        "pid": 4711, "thread_id": 0, "process_start_time": "2026-01-02T03:00:00.000Z", "node_version": "v24.1.0",
        "time": "2026-01-02T03:04:05.678Z", "trigger": "signal", "mode": "in-process", "ids": "comparable",
        "memory": {"rss_bytes": 50_000_000, "heap_used_bytes": 20_000_000, "heap_total_bytes": 30_000_000},
    }));
    tiny.write(&directory.join("a.heapsnapshot"));
    let info = parsed(&directory, &["info", "a.heapsnapshot", "--json"]);
    assert_eq!(info["version"], 1);
    assert_eq!(info["compression"], "none");
    assert_eq!(info["nodes"], tiny.nodes.len());
    assert_eq!(info["provenance"]["pid"], 4711);
    assert_eq!(info["provenance"]["memory"]["heap_used_bytes"], 20_000_000);
    assert!(info["analysis_memory_bytes"]["summary"].is_u64());
    let shown = done(&directory, &["info", "a.heapsnapshot"]);
    assert!(
        shown.contains("2026-01-02 03:04:05 UTC, by signal, in-process"),
        "{shown}"
    );
    assert!(shown.contains("Node v24.1.0, pid 4711, main thread"), "{shown}");
}

#[test]
fn json_of_summary() {
    let directory = three_snapshots("json-summary");
    let summary = parsed(&directory, &["summary", "b.heapsnapshot", "--json"]);
    assert_eq!(summary["version"], 1);
    assert_eq!(summary["snapshot"]["file"], "b.heapsnapshot");
    assert_eq!(summary["totals"]["shallow_bytes"], summary["snapshot"]["bytes"]);
    let classes = summary["classes"].as_array().unwrap();
    assert_eq!(summary["totals"]["classes"], classes.len());
    let session = classes.iter().find(|class| class["name"] == "Session").unwrap();
    assert_eq!(
        *session,
        json!({
            "name": "Session",
            "script": {"file": "/srv/shop/lib/session-cache.js", "line": 3, "column": 18},
            "count": 5, "shallow_bytes": 5 * 100_048, "retained_bytes": 5 * 100_072, "distance": 6,
        })
    );
    let top = parsed(&directory, &["--json", "summary", "b.heapsnapshot", "--top", "2"]);
    assert_eq!(top["classes"].as_array().unwrap().len(), 2);
}

#[test]
fn json_of_diff() {
    let directory = three_snapshots("json-diff");
    let files = ["a.heapsnapshot", "b.heapsnapshot", "c.heapsnapshot"];
    let diff = parsed(&directory, &["diff", files[0], files[1], files[2], "--json"]);
    assert_eq!(diff["version"], 1);
    assert_eq!(diff["ids"], "comparable");
    let names: Vec<_> = diff["snapshots"]
        .as_array()
        .unwrap()
        .iter()
        .map(|snapshot| &snapshot["file"])
        .collect();
    assert_eq!(names, files);
    let classes = diff["classes"].as_array().unwrap();
    let session = classes.iter().find(|class| class["name"] == "Session").unwrap();
    assert_eq!(session["counts"], json!([2, 5, 12]));
    assert_eq!(
        session["script"],
        json!({"file": "/srv/shop/lib/session-cache.js", "line": 3, "column": 18})
    );
    let numbers = [
        "added",
        "removed",
        "delta",
        "added_bytes",
        "removed_bytes",
        "delta_bytes",
    ];
    let numbers: Vec<_> = numbers.iter().map(|key| session[key].as_i64().unwrap()).collect();
    assert_eq!(numbers, [10, 0, 10, 1_000_480, 0, 1_000_480]);
    assert_eq!(session["samples"].as_array().unwrap().len(), 8);
}

#[test]
fn json_of_dominators() {
    let directory = three_snapshots("json-dominators");
    let tree = parsed(&directory, &["dominators", "b.heapsnapshot", "--json", "--top", "4"]);
    assert_eq!(tree["version"], 1);
    let nodes = tree["nodes"].as_array().unwrap();
    let brief: Vec<_> = nodes
        .iter()
        .map(|node| (node["name"].as_str().unwrap(), node["depth"].as_u64().unwrap()))
        .collect();
    assert_eq!(
        brief,
        [
            ("(root)", 0),
            ("global", 1),
            ("Settings", 2),
            ("\"hello 日本, a message of the day\"", 3)
        ]
    );
    assert_eq!(nodes[2]["edge"], ".settings");
    assert_eq!(nodes[2]["parent"], nodes[1]["id"]);
    assert_eq!(nodes[1]["more_count"], 1);
    let below = parsed(
        &directory,
        &["dominators", "b.heapsnapshot", "--id", "25", "--json", "--depth", "1"],
    );
    assert_eq!(
        below["dominated_by"].as_array().unwrap().last().unwrap()["name"],
        "(root)"
    );
}

#[test]
fn json_of_retainers() {
    let directory = three_snapshots("json-retainers");
    let retainers = parsed(
        &directory,
        &["retainers", "c.heapsnapshot", "--class", "Session", "--json"],
    );
    assert_eq!(retainers["version"], 1);
    assert_eq!(retainers["target"]["class"], "Session");
    assert_eq!(retainers["target"]["count"], 12);
    assert_eq!(retainers["kept_only_by"]["name"], "Map");
    let way = &retainers["paths"][0];
    assert_eq!(way["objects"], 12, "one shape for all");
    let path = way["path"].as_array().unwrap();
    let edges: Vec<_> = path.iter().map(|stop| stop["edge"].as_str().unwrap_or("")).collect();
    assert_eq!(
        edges[..edges.len() - 1],
        ["", ".onRequest", "{context}", "sessions (captured)", "{table}"]
    );
    assert_eq!(path.last().unwrap()["class"], "Session");
    assert_eq!(path[1]["script"]["line"], 12);
}

#[test]
fn a_long_list_is_shown_by_its_ends() {
    let directory = directory("list");
    let mut tiny = server(1, "Session");
    let mut last = tiny.child(1, ("property", "queue"), "object", "Item", 32);
    for _ in 1..5000 {
        last = tiny.child(last, ("property", "next"), "object", "Item", 32);
    }
    let end = tiny.nodes[last].id;
    tiny.write(&directory.join("a.heapsnapshot"));
    let tree = done(&directory, &["dominators", "a.heapsnapshot"]);
    assert!(
        tree.contains(".queue: Item @") && tree.contains("… 4,998 more like this …"),
        "{tree}"
    );
    let path = done(&directory, &["retainers", "a.heapsnapshot", "--id", &end.to_string()]);
    assert!(
        path.contains("… 4,997 more steps …") && path.lines().count() < 20,
        "{path}"
    );
    let json = parsed(
        &directory,
        &["retainers", "a.heapsnapshot", "--id", &end.to_string(), "--json"],
    );
    let way = &json["paths"][0];
    assert_eq!(
        way["path"].as_array().unwrap().len() as u64 + way["omitted"].as_u64().unwrap(),
        5001
    );
    let whole = parsed(
        &directory,
        &["dominators", "a.heapsnapshot", "--top", "0", "--depth", "100", "--json"],
    );
    assert!(
        whole["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .any(|node| node["skipped"] == 4998)
    );
}

#[test]
fn what_cannot_be_done_is_an_error_with_a_code() {
    let directory = three_snapshots("errors");
    fs::write(directory.join("text.js"), "console.log()").unwrap();
    let whole = fs::read(directory.join("a.heapsnapshot")).unwrap();
    let nodes = String::from_utf8_lossy(&whole).find("\"nodes\":[").unwrap();
    fs::write(directory.join("cut.heapsnapshot"), &whole[..nodes + 30]).unwrap();
    let a = "a.heapsnapshot";
    let cases: [(&[&str], &str); 14] = [
        (
            &[],
            "error: no command was given [ERR_HEAPDUMP_ARGUMENT]\nhint: rs-heapdump --help",
        ),
        (&["sumary", a], "hint: a similar subcommand exists: 'summary'"),
        (
            &["summary"],
            "error: the following required arguments were not provided: <FILE> [ERR_HEAPDUMP_ARGUMENT]",
        ),
        (
            &["summary", a, "--sort", "colour"],
            "[possible values: retained, shallow, count, distance, name]",
        ),
        (
            &["summary", "none"],
            "error: ENOENT: no such file or directory, open 'none' [ERR_HEAPDUMP_IO]",
        ),
        (
            &["summary", "."],
            "error: EISDIR: is a directory, open '.' [ERR_HEAPDUMP_IO]",
        ),
        (
            &["info", "text.js"],
            "error: 'text.js' is no heap snapshot: expected '{'",
        ),
        (
            &["summary", "cut.heapsnapshot"],
            "error: 'cut.heapsnapshot' ends inside nodes at byte",
        ),
        (
            &["diff", a, "cut.heapsnapshot"],
            "hint: the process was probably killed while writing",
        ),
        (&["diff", a], "[ERR_HEAPDUMP_ARGUMENT]"),
        (&["diff", a, "none"], "error: ENOENT"),
        (&["retainers", a], "hint: rs-heapdump retainers"),
        (
            &["retainers", a, "--id", "99999"],
            "error: no object with id @99999 in 'a.heapsnapshot'",
        ),
        (&["retainers", a, "--class", "sess"], "hint: there is --class Session"),
    ];
    for (args, expected) in cases {
        let output = run(&directory, args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert_eq!(text(&output.stdout), "", "{args:?}");
        assert!(
            text(&output.stderr).contains(expected),
            "{args:?}: {}",
            text(&output.stderr)
        );
    }
}

#[test]
fn a_file_that_is_cut_off_in_its_strings_can_be_salvaged() {
    let directory = three_snapshots("salvage");
    let whole = fs::read(directory.join("a.heapsnapshot")).unwrap();
    fs::write(directory.join("cut.heapsnapshot"), &whole[..whole.len() - 40]).unwrap();
    let refused = run(&directory, &["summary", "cut.heapsnapshot"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("hint: its graph is whole: --salvage"));
    let salvaged = run(&directory, &["summary", "cut.heapsnapshot", "--salvage"]);
    assert_eq!(salvaged.status.code(), Some(0));
    assert!(text(&salvaged.stderr).starts_with("warning: 'cut.heapsnapshot' ends inside"));
    assert!(text(&salvaged.stdout).contains("1.2 MiB in 18 nodes"));
}

#[test]
fn help_and_version_are_results() {
    let directory = directory("help");
    for args in [
        &["--help"][..],
        &["summary", "--help"],
        &["--version"],
        &["help", "diff"],
    ] {
        let shown = done(&directory, args);
        assert!(shown.contains("rs-heapdump"), "{args:?}: {shown}");
        assert!(!shown.contains('\x1b'), "{args:?}");
    }
}

#[test]
fn colours_are_for_terminals_unless_asked_for() {
    let directory = three_snapshots("colours");
    let summary = ["summary", "a.heapsnapshot"];
    let plain = done(&directory, &summary);
    assert!(!plain.contains('\x1b'));
    let painted = done(&directory, &[&summary[..], &["--color", "always"]].concat());
    assert!(painted.contains("\x1b[1mConstructor\x1b[0m"));
    let forced = command(&directory, &summary)
        .env("CLICOLOR_FORCE", "1")
        .output()
        .unwrap();
    assert!(text(&forced.stdout).contains('\x1b'));
    let both = command(&directory, &summary)
        .env("CLICOLOR_FORCE", "1")
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    assert_eq!(text(&both.stdout), plain);
    let never = command(&directory, &[&summary[..], &["--color=never"]].concat())
        .env("CLICOLOR_FORCE", "1")
        .output();
    assert_eq!(text(&never.unwrap().stdout), plain);
    let error = run(&directory, &["summary", "none", "--color", "always"]);
    assert!(
        text(&error.stderr).starts_with("\x1b[1m\x1b[31merror\x1b[0m: "),
        "{}",
        text(&error.stderr)
    );
}

#[test]
fn hostile_names_do_nothing_to_a_terminal() {
    let directory = directory("hostile");
    let class = "\x1b]0;owned\x07\u{202e}evil\u{9b}2J\r\n\u{200b}";
    let mut tiny = server(2, class);
    tiny.provenance = Some(json!({"node_version": "v1\x1b[2J", "time": "\u{202e}now", "ids": "\x07"}));
    tiny.write(&directory.join("a.heapsnapshot"));
    let mut more = server(7, class);
    let global = 1;
    more.child(
        global,
        ("property", "\x1b[31m\u{2066}"),
        "object",
        "\u{2028}Evil\t",
        1 << 22,
    );
    more.write(&directory.join("b.heapsnapshot"));
    let commands: [&[&str]; 6] = [
        &["info", "a.heapsnapshot"],
        &["summary", "b.heapsnapshot"],
        &["diff", "a.heapsnapshot", "b.heapsnapshot"],
        &["dominators", "b.heapsnapshot"],
        &["retainers", "b.heapsnapshot", "--class", class],
        &["retainers", "b.heapsnapshot", "--class", "\x1b[2J"],
    ];
    for args in commands {
        for json in [&[][..], &["--json"]] {
            let output = run(&directory, &[args, json].concat());
            for stream in [text(&output.stdout), text(&output.stderr)] {
                let bad = |c: &char| (c.is_control() && *c != '\n') || "\u{202e}\u{2066}\u{200b}\u{2028}".contains(*c);
                assert_eq!(stream.chars().find(bad), None, "{args:?}: {stream}");
            }
        }
    }
    let summary = parsed(&directory, &["summary", "b.heapsnapshot", "--json"]);
    let names = summary["classes"].as_array().unwrap().iter();
    assert_eq!(
        names.filter(|row| row["name"] == class).count(),
        1,
        "JSON gives the very name back"
    );
}

#[test]
fn live_captures_are_compared_by_ids_as_far_as_these_are_the_objects_own() {
    let directory = directory("live");
    let row = |diff: &Value| {
        let rows = diff["classes"].as_array().unwrap();
        let row = rows.iter().find(|row| row["name"] == "Session").cloned();
        row.map(|row| [row["added"].as_u64().unwrap(), row["removed"].as_u64().unwrap()])
    };
    // The same five objects, whose ids in `b` are others, as a child would have given them.
    let mut a = server(5, "Session");
    let (smallest, largest) = a.id_range("Session");
    let shift = largest - smallest + 2;
    for (limit, expected) in [
        (largest + shift, [5, 5]), // taken for their own, they are five other objects
        (smallest, [1, 1]),        // one of them is, and the others are as many
        (smallest - 1, [0, 0]),    // none of them is
    ] {
        let header = |seconds: u32| {
            Some(json!({
                "pid": 1, "process_start_time": "2026-01-02T03:00:00Z", "thread_id": 0, "ids": "live",
                "ids_stable_up_to": limit, "time": format!("2026-01-02T03:00:0{seconds}Z"),
            }))
        };
        let mut b = server(5, "Session");
        b.shift_ids("Session", shift);
        (a.provenance, b.provenance) = (header(1), header(2));
        a.write(&directory.join("a"));
        b.write(&directory.join("b"));
        let output = run(&directory, &["diff", "a", "b", "--json"]);
        let diff: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(diff["ids"], "partly");
        assert!(
            text(&output.stderr).contains(&format!("ids above {limit}")),
            "{}",
            text(&output.stderr)
        );
        assert_eq!(row(&diff).unwrap_or_default(), expected, "up to {limit}");
    }
}

#[test]
fn other_processes_and_made_up_ids_are_compared_by_counts_with_a_warning() {
    let directory = directory("processes");
    let process = |pid: u32, ids: &str, time: &str| {
        Some(
            json!({"pid": pid, "process_start_time": "2026-01-02T03:00:00Z", "thread_id": 0, "ids": ids, "time": time}),
        )
    };
    let cases = [
        ("a", 2, process(1, "comparable", "2026-01-02T03:00:01Z")),
        ("b", 5, process(2, "comparable", "2026-01-02T03:00:02Z")),
        ("c", 7, process(1, "unstable", "2026-01-02T03:00:03Z")),
        ("d", 7, process(1, "live", "2026-01-02T03:00:04Z")),
    ];
    for (name, sessions, provenance) in cases {
        let mut tiny = server(sessions, "Session");
        tiny.provenance = provenance;
        tiny.write(&directory.join(name));
    }
    for (last, ids, warning) in [
        ("b", "different-process", "are of different processes"),
        ("c", "unstable", "do not compare"),
        ("d", "unstable", "do not compare"), // a live capture that does not say which ids are the objects' own
    ] {
        let output = run(&directory, &["diff", "a", last, "--json"]);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stderr).contains(warning), "{}", text(&output.stderr));
        let diff: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(diff["ids"], ids);
    }
    let backwards = run(&directory, &["diff", "b", "a"]);
    assert!(
        text(&backwards.stderr).contains("warning: 'b' was taken after 'a'"),
        "{}",
        text(&backwards.stderr)
    );
}

#[test]
fn mutated_files_are_errors_or_answers() {
    let directory = three_snapshots("mutated");
    let whole = fs::read(directory.join("b.heapsnapshot")).unwrap();
    let mut state = 0x9e37_79b9_u32;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as usize % below
    };
    // Digits in the arrays: most mutations that leave a snapshot a snapshot.
    let start = whole.windows(9).position(|window| window == b"\"nodes\":[").unwrap();
    let digits: Vec<usize> = (start..whole.len()).filter(|at| whole[*at].is_ascii_digit()).collect();
    for round in 0..60 {
        let mut bytes = whole.clone();
        for _ in 0..=random(4) {
            bytes[digits[random(digits.len())]] = b'0' + random(10) as u8;
        }
        fs::write(directory.join("m"), &bytes).unwrap();
        let commands: [&[&str]; 4] = [
            &["summary", "m"],
            &["diff", "a.heapsnapshot", "m", "--json"],
            &["dominators", "m", "--top", "0"],
            &["retainers", "m", "--class", "Session", "--top", "0"],
        ];
        let args = commands[round % commands.len()];
        let output = run(&directory, args);
        let complaint = text(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 2)), "{args:?} in round {round}");
        assert!(
            !complaint.contains("ERR_HEAPDUMP_ABORTED"),
            "{args:?} in round {round}: {complaint}"
        );
    }
}

/// A heap of which even the Summary is too long for a pipe's buffer.
fn many_classes(path: &Path) {
    let mut tiny = server(1, "Session");
    for number in 0..6000 {
        tiny.child(
            1,
            ("property", "x"),
            "object",
            &format!("SomeClassWithALongName{number}"),
            64,
        );
    }
    tiny.write(path);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let directory = directory("closed-pipe");
    many_classes(&directory.join("a.heapsnapshot"));
    for json in [&[][..], &["--json"]] {
        let args = [&["summary", "a.heapsnapshot", "--top", "0"], json].concat();
        let mut child = command(&directory, &args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert_eq!(text(&output.stderr), "", "{args:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_slow_reader_of_a_pipe_that_does_not_block_gets_everything() {
    use std::io::Read;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    let directory = directory("slow-pipe");
    many_classes(&directory.join("a.heapsnapshot"));
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    theirs.set_nonblocking(true).unwrap();
    let args = ["summary", "a.heapsnapshot", "--json"];
    let mut child = command(&directory, &args)
        .stdout(OwnedFd::from(theirs))
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    let mut line = Vec::new();
    ours.read_to_end(&mut line).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let summary: Value = serde_json::from_slice(&line).unwrap();
    assert!(summary["classes"].as_array().unwrap().len() > 6000);
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_is_an_error() {
    let directory = three_snapshots("full");
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command(&directory, &["summary", "a.heapsnapshot"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        "error: ENOSPC: no space left on device, write 'standard output' [ERR_HEAPDUMP_IO]\n"
    );
}

#[cfg(unix)]
#[test]
fn an_interrupt_has_its_default_effect() {
    use std::os::unix::process::ExitStatusExt;
    let directory = directory("interrupt");
    assert!(
        Command::new("mkfifo")
            .arg(directory.join("fifo"))
            .status()
            .unwrap()
            .success()
    );
    let mut child = command(&directory, &["summary", "fifo"]).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(
        Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    // A shell reports it as 128 + 2.
    assert_eq!(child.wait().unwrap().signal(), Some(2));
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupt_leaves_no_part_of_a_file() {
    use std::os::unix::process::ExitStatusExt;
    let directory = directory("interrupted-redact");
    let made = Command::new("mkfifo").arg(directory.join("fifo")).status().unwrap();
    assert!(made.success());
    let mut child = command(&directory, &["redact", "fifo", "out.heapsnapshot"])
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
    assert_eq!(child.wait().unwrap().signal(), Some(2));
    let left: Vec<_> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["fifo"]);
}

#[test]
fn run_returns_and_does_not_end_the_process() {
    let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
    assert_eq!(
        cli::run(words(&["no-such-command"]), "addon".as_ref()),
        ExitStatus::ERROR
    );
    assert_eq!(
        cli::run(words(&["summary", "/no/such/file"]), "addon".as_ref()),
        ExitStatus::ERROR
    );
    assert_eq!(cli::run(words(&[]), "addon".as_ref()), ExitStatus::ERROR);
}

#[test]
fn compressed_files_and_pipes_are_read_as_well() {
    let directory = three_snapshots("compressed");
    let plain = fs::read(directory.join("b.heapsnapshot")).unwrap();
    let packed = fs::File::create(directory.join("b.heapsnapshot.gz")).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(packed, flate2::Compression::default());
    std::io::copy(&mut plain.as_slice(), &mut encoder).unwrap();
    encoder.finish().unwrap();
    let rows = |file| parsed(&directory, &["summary", file, "--json"])["classes"].clone();
    assert_eq!(rows("b.heapsnapshot.gz"), rows("b.heapsnapshot"));
    let info = parsed(&directory, &["info", "b.heapsnapshot.gz", "--json"]);
    assert_eq!(info["compression"], "gzip");
}

const PROGRAM: &str = "
const { writeHeapSnapshot } = require('node:v8');
class Session { constructor(user) { this.user = { user, since: 1 }; } }
const sessions = new Map();
globalThis.login = function login(user) { sessions.set(user, new Session(user)); };
for (let i = 0; i < 100; i++) login('user ' + i);
writeHeapSnapshot('a.heapsnapshot');
for (let i = 100; i < 350; i++) login('user ' + i);
writeHeapSnapshot('b.heapsnapshot');
";

#[test]
fn a_real_program_is_found_out() {
    let directory = directory("real");
    fs::write(directory.join("server.js"), PROGRAM).unwrap();
    match Command::new("node").arg("server.js").current_dir(&directory).status() {
        Ok(status) => assert!(status.success()),
        Err(_) => return, // no Node here
    }
    let diff = parsed(&directory, &["diff", "a.heapsnapshot", "b.heapsnapshot", "--json"]);
    assert_eq!(diff["ids"], "comparable");
    let session = diff["classes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == "Session")
        .unwrap();
    assert_eq!(
        (&session["added"], &session["removed"], &session["counts"]),
        (&json!(250), &json!(0), &json!([100, 350]))
    );
    assert!(session["script"]["file"].as_str().unwrap().ends_with("server.js"));
    assert_eq!(session["script"]["line"], 3);
    let shown = done(&directory, &["retainers", "b.heapsnapshot", "--class", "Session"]);
    assert!(shown.contains("sessions (captured): Map @"), "{shown}");
    assert!(shown.contains(".login: login() @"), "{shown}");
}
