//! The invariants of ARCHITECTURE.md, as far as a look at the source can tell.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Every Rust file below `src`, with its path from there.
fn sources() -> Vec<(String, String)> {
    fn walk(directory: &Path, root: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(directory).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, root, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &root, &mut found);
    found
}

fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim_start).filter(|line| !line.starts_with("//"))
}

/// The modules of the crate that a file names: `a`, `b` and `c` in `crate::a::x` and `use crate::{b, c::{d, e}}`.
fn modules(text: &str) -> BTreeSet<String> {
    let code: Vec<&str> = code_lines(text).collect();
    let code = code.join("\n");
    let name = |text: &str| -> String {
        text.trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let mut found = BTreeSet::new();
    for (at, path) in code.match_indices("crate::") {
        let rest = &code[at + path.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            found.insert(name(rest));
            continue;
        };
        found.insert(name(list));
        let mut depth = 1;
        for (at, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => {
                    found.insert(name(&list[at + 1..]));
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}

#[test]
fn modules_are_found_in_every_form_of_an_import() {
    let text = "use crate::a::x;\nuse crate::{b, c::{d, e}};\nuse crate::f;\n// crate::g::h\ncrate::i::j();\nuse crate::{\n    k,\n    l::m,\n};";
    let expected = ["a", "b", "c", "f", "i", "k", "l", ""];
    assert_eq!(modules(text), expected.map(str::to_owned).into());
}

#[test]
fn node_api_types_are_in_api_alone() {
    for (name, text) in sources() {
        if !name.starts_with("api/") {
            let found = code_lines(&text).find(|line| line.contains("napi"));
            assert_eq!(found, None, "{name}");
        }
    }
}

#[test]
fn unsafe_code_is_on_its_islands_and_each_says_why() {
    const ISLANDS: [&str; 18] = [
        "attach/interrupt.rs",
        "capture/live/child.rs",
        "capture/live/contain.rs",
        "capture/live/mappings.rs",
        "capture/live/page.rs",
        "capture/memory/libuv.rs",
        "capture/platform.rs",
        "snapshot/numbers.rs",
        "trigger/near_limit.rs",
        "trigger/signal.rs",
        "trigger/stderr.rs",
        "trigger/threads.rs",
        "trigger/watch/gauge.rs",
        "v8/abi.rs",
        "v8/hooks.rs",
        "v8/line_ends.rs",
        "v8/platform_vtable.rs",
        "v8/symbols.rs",
    ];
    for (name, text) in sources() {
        // What is opened must say so at its head, where the next reader looks.
        let opened = text.contains("unsafe_code, reason =") || text.contains("unsafe_code,\n    reason =");
        let allowed = ISLANDS.contains(&name.as_str()) || name == "v8/mod.rs";
        assert!(!opened || allowed, "{name} opens unsafe code");
        assert!(!allowed || opened, "{name} need not be an island");
    }
}

#[test]
fn looking_at_other_processes_is_beside_reading_and_above_capturing() {
    for (name, text) in sources() {
        let named = modules(&text);
        let uses = |module: &str| named.contains(module);
        if name.starts_with("attach/") {
            for above in ["api", "cli", "files", "report", "analysis", "graph", "snapshot"] {
                assert!(!uses(above), "{name} uses {above}");
            }
        }
        if ["trigger/", "capture/", "v8/", "analysis/", "graph/", "snapshot/"]
            .iter()
            .any(|layer| name.starts_with(layer))
        {
            assert!(!uses("attach"), "{name} uses attach");
        }
    }
}

#[test]
fn calls_go_one_way() {
    // Nobody imports what stands before it in its column, nor anything of the other but its first.
    const CAPTURE: &[&str] = &["api", "trigger", "capture", "v8"];
    const READING: &[&str] = &["api", "cli", "files", "report", "analysis", "graph", "snapshot"];
    for (column, other) in [(CAPTURE, READING), (READING, CAPTURE)] {
        for (at, layer) in column.iter().enumerate().skip(1) {
            let forbidden: Vec<&str> = column[..at].iter().chain(&other[1..]).copied().collect();
            for (name, text) in sources()
                .iter()
                .filter(|(name, _)| name.starts_with(&format!("{layer}/")))
            {
                let used = modules(text);
                let found = forbidden.iter().find(|module| used.contains(**module));
                assert_eq!(found, None, "{name}");
            }
        }
    }
}

#[test]
fn reading_touches_no_clock_environment_or_network() {
    const FORBIDDEN: [&str; 6] = ["std::env", "env::", "std::time", "std::net", "::now()", "getrandom"];
    for (name, text) in sources() {
        if !["snapshot/", "graph/", "analysis/", "report/"]
            .iter()
            .any(|layer| name.starts_with(layer))
        {
            continue;
        }
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        for line in code_lines(product).filter(|line| !line.starts_with("//")) {
            let touched = FORBIDDEN.into_iter().find(|forbidden| line.contains(forbidden));
            assert_eq!(touched, None, "{name}: {line}");
        }
    }
}

#[test]
fn redaction_is_a_leaf_without_files_or_clocks_and_draws_nothing_but_keys() {
    const FORBIDDEN: [&str; 6] = ["std::fs", "std::env", "std::time", "std::net", "getrandom", "chrono"];
    for (name, text) in sources().iter().filter(|(name, _)| name.starts_with("redact/")) {
        for line in code_lines(text).filter(|line| !line.starts_with("//")) {
            let foreign = line.contains("crate::") && !line.contains("crate::error::");
            assert!(!foreign, "{name}: {line}");
            let draws_a_key = name == "redact/mod.rs" && line == "getrandom::fill(&mut bytes)";
            let touched = FORBIDDEN.into_iter().find(|forbidden| line.contains(forbidden));
            assert!(touched.is_none() || draws_a_key, "{name}: {line}");
        }
    }
}

#[test]
fn compression_knows_nothing_of_what_is_in_a_file() {
    let sources = sources();
    let (_, text) = sources.iter().find(|(name, _)| name == "compression.rs").unwrap();
    assert_eq!(code_lines(text).find(|line| line.contains("crate::")), None);
}
