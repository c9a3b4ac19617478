//! Where a class or an object comes from, ready to be shown.

use std::collections::HashMap;

use serde::Serialize;

use super::text;
use crate::analysis::Sources;
use crate::snapshot::{NodeIndex, Place, Snapshot};

/// A place in a script; line and column count from 1.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Script {
    /// Path or URL; `None` if no closure of the script is left to tell.
    pub file: Option<String>,
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
}

impl Script {
    /// The place in this file; in the snapshot lines and columns count from 0.
    #[must_use]
    pub fn new(file: Option<String>, place: Place) -> Self {
        Self {
            file,
            line: place.line.saturating_add(1),
            column: place.column.saturating_add(1),
        }
    }

    /// `/srv/app/cache.js:12:9`
    pub(super) fn text(&self) -> String {
        let file = self.file.as_deref().unwrap_or("(unknown script)");
        let file = file.strip_prefix("file://").unwrap_or(file);
        format!("{}:{}:{}", text::shown(file), self.line, self.column)
    }
}

/// The files of a snapshot's scripts, by the script's number.
#[derive(Clone, Debug, Default)]
pub struct Scripts(HashMap<u32, String>);

impl Scripts {
    /// Finds the file of every script that has a closure.
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Self {
        Self::from_sources(&Sources::build(snapshot), snapshot)
    }

    /// With what was found when the names of edges were at hand (see [`Heap`](crate::graph::Heap)).
    pub(super) fn from_sources(sources: &Sources, snapshot: &Snapshot) -> Self {
        Self(sources.files(snapshot))
    }

    /// The place, with its file.
    #[must_use]
    pub fn locate(&self, place: Place) -> Script {
        Script::new(self.0.get(&place.script_id).cloned(), place)
    }

    /// Where a closure, or an object's constructor, stands.
    #[must_use]
    pub fn of_node(&self, snapshot: &Snapshot, node: NodeIndex) -> Option<Script> {
        let place = snapshot.locations().of(node)?;
        Some(self.locate(snapshot.locations().place(place)))
    }
}
