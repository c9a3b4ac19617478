//! Code frames: the lines around a place, read from the file that the snapshot names, where it is there.
//!
//! A snapshot holds paths and no text. What is on disk may have changed since: a file that is newer than the
//! snapshot is shown with a warning. Where a source map stands beside a file, or in it, the place is led back
//! to what was written. Whatever cannot be read is left out: a report never fails for want of a line.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::{Component, Path, PathBuf, Prefix};
use std::time::SystemTime;

use super::siblings;
use crate::analysis::leaks::Shared;
use crate::report::{CodeFrame, KeptVariable, LeakReport, Line};

/// Larger files are bundles, of which lines say nothing.
const MAX_FILE_BYTES: u64 = 16 << 20;
/// Lines before and after.
const LINES_AROUND: u32 = 2;
/// Longer lines are cut, in characters.
const MAX_LINE_CHARS: usize = 240;
/// Suspects that get frames.
const MAX_SUSPECTS: usize = 10;

/// Adds frames to the suspects of a report; `last` is the last snapshot's file.
pub fn attach(report: &mut LeakReport, last: &Path) {
    let taken = report
        .taken()
        .and_then(|time| chrono::DateTime::parse_from_rfc3339(time).ok());
    let taken = taken
        .map(SystemTime::from)
        .or_else(|| fs::metadata(last).ok()?.modified().ok());
    for suspect in report.suspects.iter_mut().take(MAX_SUSPECTS) {
        for (of, line) in [("source", &mut suspect.source), ("holder", &mut suspect.holder)] {
            if let Some(line) = line {
                suspect.frames.extend(frame(of, line, taken));
            }
        }
        if let Some(kept) = suspect.shared.as_ref().and_then(|shared| kept(shared, taken)) {
            suspect.explain(kept);
        }
    }
}

/// A file's text, and whether it is newer than the snapshot.
struct Text {
    path: PathBuf,
    content: String,
    is_newer: bool,
}

fn read(path: &Path, taken: Option<SystemTime>) -> Option<Text> {
    let (content, metadata) = content(path)?;
    let is_newer = matches!((metadata.modified().ok(), taken), (Some(changed), Some(taken)) if changed > taken);
    Some(Text {
        path: path.to_owned(),
        content: String::from_utf8_lossy(&content).into_owned(),
        is_newer,
    })
}

/// What is in a file, which anybody may have named: as much as it says that it has, so nothing of what the kernel makes
/// up as it is read (the files of /proc have a length of 0, and may go on for ever, or wait).
fn content(path: &Path) -> Option<(Vec<u8>, Metadata)> {
    let is_fit = |metadata: &Metadata| metadata.is_file() && (1..=MAX_FILE_BYTES).contains(&metadata.len());
    // Looked at first, because opening a pipe waits for its other end.
    fs::metadata(path).ok().filter(is_fit)?;
    let file = File::open(path).ok()?;
    let metadata = file.metadata().ok().filter(is_fit)?;
    let mut content = Vec::new();
    file.take(metadata.len()).read_to_end(&mut content).ok()?;
    Some((content, metadata))
}

/// The path of a file that a snapshot names; `None` for what is no file.
fn path_of(file: &str) -> Option<PathBuf> {
    let path = match file.strip_prefix("file://") {
        Some(path) => PathBuf::from(unescape(path)),
        None => PathBuf::from(file),
    };
    // Not to be fetched from another machine either (`\\\\server\\share` on Windows).
    let is_elsewhere = matches!(path.components().next(), Some(Component::Prefix(prefix))
        if !matches!(prefix.kind(), Prefix::Disk(_) | Prefix::VerbatimDisk(_)));
    (path.is_absolute() && !is_elsewhere).then_some(path)
}

/// Undoes a URL's escapes.
fn unescape(url: &str) -> String {
    let mut bytes = Vec::with_capacity(url.len());
    let mut rest = url.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn frame(of: &'static str, line: &mut Line, taken: Option<SystemTime>) -> Option<CodeFrame> {
    let ran = read(&path_of(line.file.as_deref()?)?, taken)?;
    let written = original(line, &ran, taken).unwrap_or(ran);
    let first = line.line.saturating_sub(LINES_AROUND).max(1);
    let count = line.line.saturating_add(LINES_AROUND + 1).saturating_sub(first) as usize;
    let lines: Vec<String> = written
        .content
        .lines()
        .skip(first as usize - 1)
        .take(count)
        .map(cut)
        .collect();
    if lines.len() <= (line.line - first) as usize {
        return None;
    }
    let warning = written
        .is_newer
        .then(|| "the file is newer than the snapshot: lines may have moved".to_owned());
    Some(CodeFrame {
        of,
        file: written.path.to_string_lossy().into_owned(),
        line: line.line,
        column: line.column,
        first_line: first,
        lines,
        warning,
    })
}

/// Who uses the variables that a function keeps, by the file that ran. What is newer than the snapshot says nothing.
fn kept(shared: &Shared, taken: Option<SystemTime>) -> Option<Vec<KeptVariable>> {
    let file = shared.function.file.as_deref()?;
    let ran = read(&path_of(file)?, taken).filter(|text| !text.is_newer)?;
    let place = (shared.function.line, shared.function.column);
    let uses = siblings::uses(&ran.path, &ran.content, place, &shared.variables)?;
    let written = source_map(&ran);
    let line = |function: siblings::Function| {
        let mut line = Line {
            file: Some(file.to_owned()),
            line: function.line,
            column: function.column,
            function: function.name,
            generated: None,
        };
        if let Some((map, directory)) = &written {
            lead_back(&mut line, map, directory);
        }
        line
    };
    let kept = uses.into_iter().map(|used| KeptVariable {
        name: used.variable,
        used_by_keeper: used.by_keeper,
        used_by: used.by_others.into_iter().map(line).collect(),
    });
    Some(kept.collect())
}

fn cut(line: &str) -> String {
    line.trim_end().chars().take(MAX_LINE_CHARS).collect()
}

/// Leads a place back to what was written, if there is a source map.
fn original(line: &mut Line, ran: &Text, taken: Option<SystemTime>) -> Option<Text> {
    let (map, directory) = source_map(ran)?;
    let (path, embedded) = lead_back(line, &map, &directory)?;
    read(&path, taken).or_else(|| {
        Some(Text {
            path,
            content: embedded?,
            is_newer: false,
        })
    })
}

/// … with this map. Returns the file, and its text if the map has it.
fn lead_back(line: &mut Line, map: &sourcemap::SourceMap, directory: &Path) -> Option<(PathBuf, Option<String>)> {
    let found = map.lookup_token(line.line.checked_sub(1)?, line.column.checked_sub(1)?)?;
    let source = found.get_source()?;
    let path = path_of(source).unwrap_or_else(|| directory.join(source));
    let embedded = map.get_source_contents(found.get_src_id()).map(str::to_owned);
    let function = found.get_name().map_or_else(|| line.function.clone(), str::to_owned);
    let place = Line {
        file: Some(path.to_string_lossy().into_owned()),
        line: found.get_src_line().saturating_add(1),
        column: found.get_src_col().saturating_add(1),
        function,
        generated: None,
    };
    let generated = std::mem::replace(line, place);
    line.generated = Some(Box::new(generated));
    Some((path, embedded))
}

/// The source map of a file, and the directory its sources are relative to.
fn source_map(ran: &Text) -> Option<(sourcemap::SourceMap, PathBuf)> {
    let directory = ran.path.parent()?.to_owned();
    let named = sourcemap::locate_sourcemap_reference_slice(ran.content.as_bytes())
        .ok()
        .flatten();
    if let Some(reference) = &named
        && let Ok(Some(map)) = reference.get_embedded_sourcemap()
    {
        return Some((flat(map)?, directory));
    }
    let beside = ran
        .path
        .with_file_name(format!("{}.map", ran.path.file_name()?.to_string_lossy()));
    let file = named.map_or(beside, |reference| directory.join(reference.get_url()));
    let map = sourcemap::decode_slice(&content(&file)?.0).ok()?;
    Some((flat(map)?, file.parent()?.to_owned()))
}

fn flat(map: sourcemap::DecodedMap) -> Option<sourcemap::SourceMap> {
    match map {
        sourcemap::DecodedMap::Regular(map) => Some(map),
        sourcemap::DecodedMap::Index(index) => index.flatten().ok(),
        sourcemap::DecodedMap::Hermes(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_snapshots_become_paths() {
        for (file, path) in [
            ("/srv/app/a.js", Some("/srv/app/a.js")),
            ("file:///srv/my%20app/a.mjs", Some("/srv/my app/a.mjs")),
            ("file:///srv/100%/a.mjs", Some("/srv/100%/a.mjs")),
            ("node:events", None),
            ("evalmachine.<anonymous>", None),
        ] {
            assert_eq!(path_of(file), path.map(PathBuf::from), "{file}");
        }
    }

    #[test]
    fn what_the_kernel_makes_up_is_not_read() {
        assert!(content(Path::new(file!())).is_some_and(|(content, _)| !content.is_empty()));
        for path in ["/proc/self/status", "/proc/self/pagemap", "/dev/zero", "/"] {
            assert!(content(Path::new(path)).is_none(), "{path}");
        }
    }
}
