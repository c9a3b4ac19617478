//! `retainers`: why an object, or the objects of a class, are still there.
//!
//! # Objects of a class
//!
//! Most objects of a class are kept in the same way: their paths differ in indices and ids alone. So some of
//! them are looked at, spread over the class, and paths of one shape are shown once, with how many they
//! stand for. The largest object is always among them.
//!
//! # Long paths
//!
//! A list is a path as long as itself. Of a long path the middle is left out, and what is shown of it does not
//! depend on its length.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt::Write;

use serde::Serialize;

use super::object::{Object, Objects};
use super::table::{Column, Label, Span, Table};
use super::{DIM, HEADING, Page, Report, SnapshotFacts, text};
use crate::analysis::{Aggregate, ClassIndex, Classes, Path, Paths, Step, summarize};
use crate::snapshot::{EdgeKind, NodeIndex};

/// Objects of a class that are looked at.
const MAX_SAMPLES: usize = 64;
/// Steps that make up the shape of a path, from its end.
const SHAPE_STEPS: usize = 24;
/// Paths of one object of a class that are looked for.
const MAX_FURTHER: usize = 16;
/// Steps of a path in JSON.
const MAX_STEPS: usize = 400;
/// Lines of a path on a terminal are fewer.
const MAX_LINES: usize = 40;
/// So many steps of one edge name and class are shown by the first and the last of them.
const MIN_RUN: usize = 4;

/// The objects of the classes of one name.
#[derive(Clone, Debug)]
pub struct ClassObjects {
    name: String,
    nodes: Vec<NodeIndex>,
    shallow_bytes: u64,
    retained_bytes: u64,
}

/// Whose retainers are asked for.
#[derive(Clone, Debug)]
pub enum Target {
    /// One object.
    Object(NodeIndex),
    /// All objects of a class, of which there is at least one.
    Class(ClassObjects),
}

impl Target {
    /// The objects of the classes of this name; `None` if there are none.
    #[must_use]
    pub fn class(objects: &Objects<'_>, classes: &Classes, name: &str) -> Option<Self> {
        let heap = objects.heap();
        let indices = (0..classes.len() as u32).map(ClassIndex);
        let wanted: Vec<bool> = indices.map(|class| classes.key(class).name() == name).collect();
        let is_wanted = |class: ClassIndex| wanted[class.0 as usize];
        let counted = heap
            .snapshot()
            .nodes()
            .filter(|node| !heap.shallow_sizes().is_zero(*node));
        let nodes: Vec<NodeIndex> = counted.filter(|node| is_wanted(classes.of(*node))).collect();
        if nodes.is_empty() {
            return None;
        }
        let rows = summarize(heap, classes).into_iter().filter(|row| is_wanted(row.class));
        let add = |(shallow, retained): (u64, u64), row: Aggregate| {
            (
                shallow.saturating_add(row.shallow_bytes),
                retained.saturating_add(row.retained_bytes),
            )
        };
        let (shallow_bytes, retained_bytes) = rows.fold((0, 0), add);
        Some(Self::Class(ClassObjects {
            name: name.to_owned(),
            nodes,
            shallow_bytes,
            retained_bytes,
        }))
    }
}

/// What is asked about.
#[derive(Clone, Debug, Serialize)]
struct Asked {
    class: Option<String>,
    count: u64,
    /// How many were looked at.
    sampled: u64,
    shallow_bytes: u64,
    retained_bytes: u64,
    /// The object, or the largest one.
    object: Object,
}

/// A step of a path.
#[derive(Clone, Debug, Serialize)]
struct Stop {
    /// How the object before refers to it; null where that is V8's own counting.
    edge: Option<String>,
    node: String,
    class: String,
    /// Whether all paths to the object pass through here.
    sole: bool,
    #[serde(flatten)]
    object: Object,
}

/// Paths of one shape.
#[derive(Clone, Debug, Serialize)]
struct Way {
    /// How many of the objects looked at are kept like this; 0 for a further path of the example.
    objects: u64,
    /// One of them.
    example: u32,
    /// Steps left out of the middle.
    omitted: u64,
    path: Vec<Stop>,
}

/// Why something is still there.
#[derive(Clone, Debug, Serialize)]
pub struct Retainers {
    snapshot: SnapshotFacts,
    target: Asked,
    kept_only_by: Option<Object>,
    paths: Vec<Way>,
}

impl Retainers {
    /// Up to `top` paths that differ.
    #[must_use]
    pub fn build(file: &str, objects: &Objects<'_>, classes: &Classes, target: &Target, top: usize) -> Self {
        let finder = Finder {
            objects,
            classes,
            paths: Paths::build(objects.heap()),
        };
        let (main, asked, ways) = match target {
            Target::Object(node) => (*node, finder.object(*node), finder.ways_to(*node, top)),
            Target::Class(class) => {
                let samples = finder.samples(&class.nodes);
                (
                    samples[0],
                    finder.class(class, &samples),
                    finder.ways_to_any(&samples, top),
                )
            }
        };
        Self {
            snapshot: SnapshotFacts::of_heap(file, objects.heap()),
            target: asked,
            kept_only_by: finder.paths.kept_only_by(main).map(|node| objects.describe(node)),
            paths: ways,
        }
    }

    fn heading(&self, page: &Page) -> String {
        let Asked {
            class,
            count,
            sampled,
            shallow_bytes,
            retained_bytes,
            object,
        } = &self.target;
        let place = object.script.as_ref().map(super::Script::text);
        let name = match class {
            Some(class) => format!("{} {}", text::count(*count), super::summary::class_name(class)),
            None => object.short(),
        };
        let mut label = Label::new(&name, place);
        label.name.style = HEADING;
        let mut out: String = label
            .fit(page.width)
            .iter()
            .map(|span| page.paint(span.style, &span.text))
            .collect();
        let _ = write!(
            out,
            "\n{} shallow, {} retained",
            text::size(*shallow_bytes),
            text::size(*retained_bytes)
        );
        if let Some(keeper) = &self.kept_only_by {
            let whom = if class.is_some() {
                format!("{} is kept", object.short())
            } else {
                "kept".to_owned()
            };
            let _ = write!(out, "\n{whom} only by {}", keeper.short());
        }
        if *sampled < *count {
            let _ = write!(out, "\n{} of them looked at", text::count(*sampled));
        }
        out + "\n"
    }

    fn way(&self, page: &Page, at: usize, way: &Way) -> String {
        let mut title = format!("path {} of {}", at + 1, self.paths.len());
        let Way { objects, example, .. } = way;
        let _ = match (&self.target.class, objects) {
            (None, _) => Ok(()),
            (Some(_), 0) => write!(title, ": also to @{example}"),
            (Some(_), _) => write!(title, ": {objects} of {}, such as @{example}", self.target.sampled),
        };
        let columns = vec![Column::new("Retained", Column::ALWAYS), Column::new("Dist", 1)];
        let mut table = Table::new(columns, "From the roots down");
        for line in lines(way) {
            match line {
                Line::Stop(stop) => stop.row(&mut table),
                Line::Gap(steps) => {
                    let remark = format!("… {} …", text::counted(steps, "more step", "more steps"));
                    let blank = vec![Span::plain(""), Span::plain("")];
                    table.row(blank, Label::remark("  ".to_owned(), remark));
                }
            }
        }
        format!("\n{}\n{}", page.paint(HEADING, &title), table.render(page))
    }

    /// What the keeper holds besides, or who holds the most at all.
    fn next(&self, page: &Page) -> String {
        let file = text::shell_word(&self.snapshot.file).unwrap_or_else(|| "FILE".to_owned());
        match &self.kept_only_by {
            Some(keeper) => page.next(&format!("dominators {file} --id {}", keeper.id)),
            None => page.next(&format!("dominators {file}")),
        }
    }
}

impl Stop {
    fn is_like(&self, other: &Self) -> bool {
        self.edge == other.edge && self.class == other.class
    }

    fn row(&self, table: &mut Table) {
        let distance = self
            .object
            .distance
            .map_or_else(|| "-".to_owned(), |distance| distance.to_string());
        let numbers = vec![
            Span::plain(text::size(self.object.retained_bytes)),
            Span::new(distance, DIM),
        ];
        let mark = if self.sole { "● " } else { "  " };
        table.row(numbers, self.object.label(mark.to_owned(), self.edge.as_deref()));
    }
}

impl Report for Retainers {
    fn text(&self, page: &Page) -> String {
        let mut out = self.heading(page);
        for (at, way) in self.paths.iter().enumerate() {
            out += &self.way(page, at, way);
        }
        let legend = match self.paths.len() {
            0 => "no path from the roots: only weak references lead here, or none",
            _ => "● all paths pass through here",
        };
        let _ = writeln!(out, "\n{}", page.paint(DIM, legend));
        out + &self.next(page)
    }
}

/// A line of a path.
#[derive(Clone, Copy)]
enum Line<'w> {
    Stop(&'w Stop),
    /// So many steps are not shown.
    Gap(u64),
}

impl Line<'_> {
    fn steps(&self) -> u64 {
        match self {
            Line::Stop(_) => 1,
            Line::Gap(steps) => *steps,
        }
    }
}

/// A path as it is shown: of steps that are alike the first and the last, and never more than fit a page.
fn lines(way: &Way) -> Vec<Line<'_>> {
    let gap = (way.omitted > 0).then_some(Line::Gap(way.omitted));
    let middle = if gap.is_some() { way.path.len() / 2 } else { 0 };
    let (head, tail) = way.path.split_at(middle);
    let is_within_run = matches!((head.last(), tail.first()), (Some(a), Some(b)) if a.is_like(b));
    let (head, tail) = (head.iter().map(Line::Stop), tail.iter().map(Line::Stop));
    let all: Vec<Line<'_>> = head.chain(gap).chain(tail).collect();
    let runs = all.chunk_by(|a, b| match (a, b) {
        (Line::Stop(a), Line::Stop(b)) => a.is_like(b),
        _ => is_within_run,
    });
    let short: Vec<Line<'_>> = runs.flat_map(|run| fold(run, MIN_RUN, 1)).collect();
    fold(&short, MAX_LINES, MAX_LINES / 2 - 1)
}

/// The first and last `ends` lines and a gap, if there are `too_many`.
fn fold<'w>(lines: &[Line<'w>], too_many: usize, ends: usize) -> Vec<Line<'w>> {
    if lines.len() < too_many {
        return lines.to_vec();
    }
    let hidden = &lines[ends..lines.len() - ends];
    let gap = Line::Gap(hidden.iter().map(Line::steps).sum());
    [&lines[..ends], &[gap], &lines[lines.len() - ends..]].concat()
}

struct Finder<'h, 'a> {
    objects: &'a Objects<'h>,
    classes: &'a Classes,
    paths: Paths<'h>,
}

impl Finder<'_, '_> {
    fn object(&self, node: NodeIndex) -> Asked {
        let object = self.objects.describe(node);
        let Object {
            shallow_bytes,
            retained_bytes,
            ..
        } = object;
        Asked {
            class: None,
            count: 1,
            sampled: 1,
            shallow_bytes,
            retained_bytes,
            object,
        }
    }

    fn class(&self, class: &ClassObjects, samples: &[NodeIndex]) -> Asked {
        Asked {
            class: Some(class.name.clone()),
            count: class.nodes.len() as u64,
            sampled: samples.len() as u64,
            shallow_bytes: class.shallow_bytes,
            retained_bytes: class.retained_bytes,
            object: self.objects.describe(samples[0]),
        }
    }

    fn largest(&self, nodes: &[NodeIndex]) -> NodeIndex {
        let size = |node: &&NodeIndex| self.objects.heap().retained_size(**node);
        nodes
            .iter()
            .max_by_key(size)
            .copied()
            .unwrap_or(self.objects.heap().snapshot().root())
    }

    /// The largest one, and others spread evenly.
    fn samples(&self, nodes: &[NodeIndex]) -> Vec<NodeIndex> {
        let largest = self.largest(nodes);
        let others = nodes.iter().copied().filter(|node| *node != largest);
        let step = nodes.len().div_ceil(MAX_SAMPLES);
        std::iter::once(largest)
            .chain(others.step_by(step.max(1)))
            .take(MAX_SAMPLES)
            .collect()
    }

    fn ways_to(&self, node: NodeIndex, top: usize) -> Vec<Way> {
        self.paths
            .to(node, top)
            .iter()
            .map(|path| self.way(1, node, path))
            .collect()
    }

    /// One path of each sample, those of one shape together, the most frequent first; then others of the first.
    fn ways_to_any(&self, samples: &[NodeIndex], top: usize) -> Vec<Way> {
        let mut shapes: Vec<(u64, NodeIndex, Path)> = Vec::new();
        let mut known: HashMap<Vec<(u32, u32)>, usize> = HashMap::new();
        for &node in samples {
            let Some(path) = self.paths.to(node, 1).pop() else {
                continue;
            };
            let at = *known.entry(self.shape(&path)).or_insert(shapes.len());
            match shapes.get_mut(at) {
                Some((count, ..)) => *count += 1,
                None => shapes.push((1, node, path)),
            }
        }
        shapes.sort_by_key(|(count, ..)| Reverse(*count));
        let ways = shapes
            .iter()
            .take(top)
            .map(|(count, node, path)| self.way(*count, *node, path));
        let mut ways: Vec<Way> = ways.collect();
        // What else keeps the first one.
        if ways.len() < top {
            let further = self.paths.to(samples[0], top.min(MAX_FURTHER)).into_iter().skip(1);
            let new = further.filter(|path| !known.contains_key(&self.shape(path)));
            ways.extend(new.take(top - ways.len()).map(|path| self.way(0, samples[0], &path)));
        }
        ways
    }

    /// What a path is like, whatever the indices in it: edge and class of each step, repeated ones once.
    fn shape(&self, path: &Path) -> Vec<(u32, u32)> {
        let snapshot = self.objects.heap().snapshot();
        let last = path.steps.len().saturating_sub(SHAPE_STEPS);
        let mut shape: Vec<(u32, u32)> = path.steps[last..]
            .iter()
            .map(|step| {
                let edge = snapshot.edge(step.edge);
                let anonymous = edge.link.kind().is_indexed() || edge.link.is(EdgeKind::Internal);
                let name = if anonymous { u32::MAX } else { edge.name_or_index };
                (name, self.classes.of(step.node).0)
            })
            .collect();
        shape.dedup();
        shape
    }

    fn way(&self, objects: u64, node: NodeIndex, path: &Path) -> Way {
        let steps = &path.steps;
        let omitted = steps.len().saturating_sub(MAX_STEPS);
        let (head, tail) = match omitted {
            0 => (steps.as_slice(), &[][..]),
            _ => (&steps[..MAX_STEPS / 2], &steps[steps.len() - MAX_STEPS / 2..]),
        };
        Way {
            objects,
            example: self.objects.heap().snapshot().id(node).0,
            omitted: omitted as u64,
            path: head.iter().chain(tail).map(|step| self.stop(step)).collect(),
        }
    }

    fn stop(&self, step: &Step) -> Stop {
        let snapshot = self.objects.heap().snapshot();
        let object = self.objects.describe(step.node);
        Stop {
            edge: self.objects.edge(step.source, snapshot.edge(step.edge)),
            node: object.name.clone(),
            class: self.classes.key(self.classes.of(step.node)).name(),
            sole: step.sole,
            object,
        }
    }
}
