//! `dominators`: what holds the most, as a tree of who holds it.
//!
//! # Which nodes are shown
//!
//! Not so many of every node's children, which is a screen of noise beside the one branch that matters: the
//! largest node that is known but not yet opened is opened next, until there are as many rows as were asked
//! for. So the tree is deep where the memory is, and shallow elsewhere. Of a list (a node that dominates one of
//! its own name, that one another, and so on) only the first and the last are shown.
//!
//! On a terminal, an only child stands under its parent without a level of its own.
//!
//! # Cost
//!
//! 8 bytes a node for the children of every node, sorted only where a node is opened.

mod branches;
mod opening;

use std::fmt::Write;

use serde::Serialize;

use super::object::{Object, Objects};
use super::select::Filter;
use super::summary::is_own;
use super::table::{Column, Label, Span, Table};
use super::{DIM, PLAIN, Page, Report, SnapshotFacts, text};
use crate::snapshot::NodeIndex;
use branches::{Row, branches};
use opening::Opening;

/// What of the tree is shown.
#[derive(Clone, Debug)]
pub struct TreeOptions {
    /// Rows at most.
    pub top: usize,
    /// Levels below the node at the top.
    pub depth: usize,
    /// Only branches that lead to a name with this text, in either case.
    pub filter: Option<String>,
    /// By shallow size, not by retained size.
    pub by_shallow: bool,
}

/// A row says what is not listed of an opened node's children, from one part in so many of the heap on.
const SHOW_MORE_FROM: u64 = 100;
/// Dominators named above the node at the top.
const MAX_ABOVE: usize = 16;

/// A row of the tree.
#[derive(Clone, Debug, Serialize)]
struct TreeNode {
    #[serde(flatten)]
    object: Object,
    depth: usize,
    parent: Option<u32>,
    /// How its parent refers to it, if it does so itself.
    edge: Option<String>,
    /// Nodes of the same name between its parent and this one, each dominating the next.
    skipped: u64,
    /// Nodes it dominates directly that are not listed.
    more_count: u64,
    /// What they retain.
    more_bytes: u64,
}

/// A part of the dominator tree.
#[derive(Clone, Debug, Serialize)]
pub struct Dominators {
    snapshot: SnapshotFacts,
    dominated_by: Vec<Object>,
    nodes: Vec<TreeNode>,
    #[serde(skip)]
    depth_limit: usize,
}

impl Dominators {
    /// The tree below `top`.
    #[must_use]
    pub fn build(file: &str, objects: &Objects<'_>, top: NodeIndex, options: &TreeOptions) -> Self {
        let heap = objects.heap();
        let above = |node: &NodeIndex| Some(heap.dominator(*node)).filter(|dominator| dominator != node);
        let dominated_by = std::iter::successors(above(&top), above).take(MAX_ABOVE);
        let mut nodes = Opening::run(heap, top, options).list(objects);
        if let Some(filter) = &options.filter {
            keep_branches(&mut nodes, &Filter::new(filter));
        }
        Self {
            snapshot: SnapshotFacts::of_heap(file, heap),
            dominated_by: dominated_by.map(|node| objects.describe(node)).collect(),
            nodes,
            depth_limit: options.depth,
        }
    }

    fn table(&self) -> Table {
        let columns = vec![
            Column::new("Retained", Column::ALWAYS),
            Column::new("%", 2),
            Column::new("Shallow", 3),
        ];
        let mut table = Table::new(columns, "Object");
        let total = self.snapshot.bytes;
        let size = |bytes, style| Span::new(text::size(bytes), style);
        let share = |bytes| Span::new(text::percent(bytes, total), DIM);
        for (lead, row) in branches(&self.nodes, total / SHOW_MORE_FROM) {
            let (numbers, label) = match row {
                Row::Node(node) => {
                    let object = &node.object;
                    let shallow = Span::plain(text::size(object.shallow_bytes));
                    let numbers = [
                        size(object.retained_bytes, PLAIN),
                        share(object.retained_bytes),
                        shallow,
                    ];
                    (numbers, object.label(lead, node.edge.as_deref()))
                }
                Row::Skipped(node) => {
                    let remark = format!("… {} more like this …", text::count(node.skipped));
                    ([(); 3].map(|()| Span::plain("")), Label::remark(lead, remark))
                }
                Row::More(node) => {
                    let remark = format!("… {} more", text::count(node.more_count));
                    let numbers = [size(node.more_bytes, DIM), share(node.more_bytes), Span::plain("")];
                    (numbers, Label::remark(lead, remark))
                }
            };
            table.row(numbers.to_vec(), label);
        }
        table
    }

    /// Why the largest object of the program's own is kept, or the largest that is not at the very top.
    fn next(&self, page: &Page) -> String {
        let file = text::shell_word(&self.snapshot.file).unwrap_or_else(|| "FILE".to_owned());
        let listed = || {
            self.nodes
                .iter()
                .filter(|node| node.depth > 0 && node.object.kind != "synthetic")
        };
        let largest = |wanted: &dyn Fn(&TreeNode) -> bool| {
            listed()
                .filter(|node| wanted(node))
                .max_by_key(|node| node.object.retained_bytes)
        };
        let own = largest(&|node| is_own(&node.object.name, node.object.script.as_ref()));
        let chosen = own
            .or_else(|| largest(&|node| node.depth > 1))
            .or_else(|| largest(&|_| true));
        match chosen.or(self.nodes.first()) {
            Some(node) => page.next(&format!("retainers {file} --id {}", node.object.id)),
            None => page.next(&format!("summary {file}")),
        }
    }
}

impl Report for Dominators {
    fn text(&self, page: &Page) -> String {
        let mut out = self.snapshot.heading(page);
        if !self.dominated_by.is_empty() {
            let names: Vec<String> = self.dominated_by.iter().map(Object::short).collect();
            let line = text::cut_end(&format!("dominated by {}", names.join(" ← ")), page.width);
            out += &(page.paint(DIM, &line) + "\n");
        }
        out += "\n";
        out += &self.table().render(page);
        if self
            .nodes
            .iter()
            .any(|node| node.depth == self.depth_limit && node.more_count > 0)
        {
            let deeper = format!("cut at {} levels; --depth or --id N shows more", self.depth_limit);
            let _ = writeln!(out, "\n{}", page.paint(DIM, &deeper));
        } else {
            out += "\n";
        }
        out + &self.next(page)
    }
}

/// Keeps nodes whose name or place matches, and the nodes above them; others count as not listed.
fn keep_branches(nodes: &mut Vec<TreeNode>, filter: &Filter) {
    let matches = |node: &TreeNode| filter.is_in_class(&node.object.name, node.object.script.as_ref());
    let mut keep: Vec<bool> = nodes.iter().map(matches).collect();
    // In preorder backwards, a node comes after all that is below it.
    let mut below: Vec<bool> = Vec::new();
    for (at, node) in nodes.iter().enumerate().rev() {
        below.resize(below.len().max(node.depth + 2), false);
        keep[at] |= below[node.depth + 1] || node.depth == 0;
        below[node.depth + 1] = false;
        below[node.depth] |= keep[at];
    }
    let mut path: Vec<usize> = Vec::new();
    for at in 0..nodes.len() {
        path.truncate(nodes[at].depth);
        if let Some(&parent) = path.last().filter(|parent| keep[**parent] && !keep[at]) {
            let bytes = nodes[at].object.retained_bytes;
            nodes[parent].more_count += 1;
            nodes[parent].more_bytes = nodes[parent].more_bytes.saturating_add(bytes);
        }
        path.push(at);
    }
    let mut keep = keep.into_iter();
    nodes.retain(|_| keep.next().unwrap_or(false));
}
