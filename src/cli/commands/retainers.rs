//! `retainers`: paths from the roots to an object, or to the objects of a class.

use std::path::Path;

use super::super::args::{Reading, Shown, Wanted, limit};
use super::super::failure::Failure;
use super::super::progress::Progress;
use super::{build, find, name, open, show};
use crate::analysis::{ClassIndex, Classes, Interfaces};
use crate::report::{self, Objects, Retainers, Target};

pub(super) fn run(file: &Path, reading: Reading, wanted: &Wanted, top: usize, how: Shown) -> Result<(), Failure> {
    let progress = Progress::new();
    let snapshot = open(file, reading, &progress)?;
    let object = wanted.id.map(|id| find(&snapshot, file, id)).transpose()?;
    progress.step("classes");
    let interfaces = Interfaces::infer(&snapshot);
    let classes = Classes::build(&snapshot, &interfaces);
    let heap = build(snapshot, &progress);
    let objects = Objects::new(&heap);
    let target = match (object, &wanted.class) {
        (Some(node), _) => Target::Object(node),
        (None, Some(class)) => {
            Target::class(&objects, &classes, class).ok_or_else(|| unknown(file, &classes, class))?
        }
        (None, None) => return Err(Failure::argument("neither an id nor a class was given")),
    };
    progress.step("paths from the roots");
    let retainers = Retainers::build(
        &name(file),
        &objects,
        &classes,
        &target,
        limit(top).unwrap_or(usize::MAX),
    );
    drop(progress);
    show(&retainers, how)
}

/// There is no such class: which one may have been meant?
fn unknown(file: &Path, classes: &Classes, class: &str) -> Failure {
    let file = name(file);
    let fact = format!(
        "no objects of class '{}' in '{}'",
        report::shown(class),
        report::shown(&file)
    );
    let wanted = class.to_lowercase();
    let names = (0..classes.len() as u32).map(|index| classes.key(ClassIndex(index)).name());
    let alike = names
        .filter(|name| name.to_lowercase().contains(&wanted))
        .min_by_key(String::len);
    let hint = match alike.and_then(|name| report::shell_word(&name)) {
        Some(name) => format!("there is --class {name}"),
        None => format!("rs-heapdump summary {} lists classes", report::shown(&file)),
    };
    Failure::argument(fact).with_hint(hint)
}
