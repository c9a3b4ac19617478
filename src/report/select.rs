//! Which rows of a report are shown: those that match, in an order, and no more than so many.

use std::cmp::Ordering;

use super::Script;

/// Filter, order and limit.
#[derive(Clone, Debug)]
pub struct Selection<K> {
    /// What rows are ordered by.
    pub sort: K,
    /// At most so many rows; `None` for all.
    pub top: Option<usize>,
    /// Only rows that contain this text, in either case.
    pub filter: Option<String>,
}

impl<K> Selection<K> {
    /// Applies the selection; returns how many rows found.
    pub(super) fn apply<R>(
        &self,
        rows: &mut Vec<R>,
        matches: impl Fn(&R, &Filter) -> bool,
        order: impl Fn(&R, &R) -> Ordering,
    ) -> usize {
        if let Some(filter) = self.filter.as_deref().map(Filter::new) {
            rows.retain(|row| matches(row, &filter));
        }
        rows.sort_by(order);
        let found = rows.len();
        rows.truncate(self.top.unwrap_or(usize::MAX));
        found
    }
}

/// Text looked for, in either case.
pub(super) struct Filter(String);

impl Filter {
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_lowercase())
    }

    /// Whether it is in a class's name or place.
    pub(super) fn is_in_class(&self, name: &str, script: Option<&Script>) -> bool {
        self.is_in(name) || script.is_some_and(|script| self.is_in(&script.text()))
    }

    pub(super) fn is_in(&self, text: &str) -> bool {
        text.to_lowercase().contains(&self.0)
    }
}
