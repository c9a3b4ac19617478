//! `dominators`: the tree below the root or an object.

use std::path::Path;

use super::super::args::{Reading, Shown, TreeKey, limit};
use super::super::failure::Failure;
use super::super::progress::Progress;
use super::{build, find, name, open, show};
use crate::report::{Dominators, Objects, TreeOptions};

pub(super) fn options(depth: u64, sort: TreeKey, top: usize, filter: Option<String>) -> TreeOptions {
    TreeOptions {
        top: limit(top).unwrap_or(usize::MAX),
        depth: depth as usize,
        filter,
        by_shallow: sort == TreeKey::Shallow,
    }
}

pub(super) fn run(
    file: &Path,
    reading: Reading,
    id: Option<u32>,
    options: &TreeOptions,
    shown: Shown,
) -> Result<(), Failure> {
    let progress = Progress::new();
    let snapshot = open(file, reading, &progress)?;
    let top = match id {
        Some(id) => find(&snapshot, file, id)?,
        None => snapshot.root(),
    };
    let heap = build(snapshot, &progress);
    let dominators = Dominators::build(&name(file), &Objects::new(&heap), top, options);
    drop(progress);
    show(&dominators, shown)
}
