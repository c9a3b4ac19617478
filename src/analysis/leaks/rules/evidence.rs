//! What rules look at: an accumulation point with its path, its name, and what came to it.

use std::collections::{HashSet, VecDeque};

use crate::analysis::leaks::Shared;
use crate::analysis::leaks::naming::{self, Anchor, Named};
use crate::analysis::leaks::scene::{Hop, Scene};
use crate::analysis::{Source, captured};
use crate::snapshot::{EdgeKind, NodeIndex, NodeKind};

/// New entries that are looked at.
const MAX_FRESH: usize = 64;
/// New entries that are weighed.
const FIRST_FRESH: usize = 16;
/// Objects around a sample that are looked at.
const MAX_AROUND: usize = 300;
/// Variables that are named.
const MAX_VARIABLES: usize = 4;

/// An accumulation point.
pub(in super::super) struct Evidence<'a> {
    pub scene: &'a Scene<'a>,
    pub owner: NodeIndex,
    /// From the root to the owner.
    pub path: &'a [Hop],
    pub named: &'a Named,
    /// What came after the first snapshot.
    pub fresh: &'a [NodeIndex],
    /// In each snapshot.
    pub counts: &'a [u64],
    /// Bytes that came since the first snapshot.
    pub grown_bytes: u64,
    /// Whether the owner's entries were counted.
    pub is_collection: bool,
    /// Owners of one make that grow together.
    pub alike: usize,
    /// The closure or constructor that makes what leaks.
    pub source: Option<&'a Source>,
}

impl Evidence<'_> {
    /// How many came since the first snapshot.
    pub fn added(&self) -> u64 {
        crate::analysis::leaks::growth::total(self.counts)
    }

    /// Where the part of the path begins that is the owner's own: after the last function or scope.
    fn own_part(&self) -> usize {
        let beyond = |hop: &Hop| self.scene.is_closure(hop.node) || self.scene.is_context(hop.node);
        self.path.iter().rposition(beyond).map_or(0, |at| at + 1)
    }

    /// The last step of the owner's own part of the path by a property with such a name.
    pub fn step(&self, is_wanted: impl Fn(&str) -> bool) -> Option<usize> {
        (self.own_part()..self.path.len()).rev().find(|at| {
            let edge = self.scene.edge(self.path[*at]);
            edge.link.is(EdgeKind::Property) && is_wanted(&self.scene.edge_name(edge))
        })
    }

    /// Whether the path passes an object of one of these classes.
    pub fn passes(&self, classes: &[&str]) -> bool {
        self.path[self.own_part()..]
            .iter()
            .any(|hop| self.scene.is_a(hop.source, classes))
    }

    /// The index or key by which the path enters an object of one of these classes.
    pub fn index_before(&self, classes: &[&str]) -> Option<String> {
        let hop = self.path.iter().rev().find(|hop| self.scene.is_a(hop.node, classes))?;
        Some(self.scene.edge_name(self.scene.edge(*hop))).filter(|name| name.parse::<u64>().is_ok())
    }

    /// The emitter whose listeners the path leads to, and the event.
    pub fn emitter(&self) -> Option<(NodeIndex, Option<String>)> {
        let at = self.step(|name| name == "_events")?;
        let event = self
            .path
            .get(at + 1)
            .map(|hop| self.scene.edge_name(self.scene.edge(*hop)));
        Some((self.path[at].source, event.map(|event| naming::quote(&event))))
    }

    /// Whether the name begins with something of the program's.
    pub fn is_of_program(&self) -> bool {
        self.named.anchor != Anchor::Object
    }

    fn sampled(&self) -> impl Iterator<Item = NodeIndex> + '_ {
        let step = self.fresh.len().div_ceil(MAX_FRESH).max(1);
        self.fresh.iter().copied().step_by(step)
    }

    /// The first few of what came, for rules that weigh what is behind it.
    pub fn first_fresh(&self) -> &[NodeIndex] {
        &self.fresh[..self.fresh.len().min(FIRST_FRESH)]
    }

    /// Bytes of the program's behind those few.
    pub fn first_fresh_bytes(&self) -> u64 {
        self.first_fresh()
            .iter()
            .map(|node| self.scene.weights.bytes(*node))
            .sum()
    }

    /// Whether most of what came, strings aside, is like this.
    pub fn most_fresh(&self, is_wanted: impl Fn(NodeIndex) -> bool) -> bool {
        let objects = || self.sampled().filter(|node| self.scene.kind(*node) != NodeKind::String);
        let wanted = objects().filter(|node| is_wanted(*node)).count();
        wanted > 0 && wanted * 2 > objects().count()
    }

    /// Whether most of what came is of one of these classes.
    pub fn fresh_are(&self, classes: &[&str]) -> bool {
        self.most_fresh(|node| self.scene.is_a(node, classes))
    }

    /// An object of one of these classes near what came.
    pub fn around(&self, classes: &[&str]) -> Option<NodeIndex> {
        self.around_any(|node| self.scene.is_a(node, classes))
    }

    /// An object like this near what came.
    pub fn around_any(&self, is_wanted: impl Fn(NodeIndex) -> bool) -> Option<NodeIndex> {
        let mut samples = self.sampled().take(8).chain([self.owner]);
        samples.find_map(|node| self.scene.nearest(node, MAX_AROUND, &is_wanted))
    }

    /// The variables that what came keeps, and the function through which.
    pub fn shared(&self) -> Option<Shared> {
        let scene = self.scene;
        let of_users = |node: NodeIndex| scene.user_source(node).filter(|_| scene.is_closure(node));
        let (closure, function) = self.sampled().find_map(|node| Some((node, of_users(node)?)))?;
        let context = scene
            .internal(closure, "context")
            .filter(|context| scene.is_context(*context))?;
        if !scene.is_new(context) {
            return None;
        }
        let mut variables: Vec<(u64, String)> = captured(scene.snapshot(), context)
            .into_iter()
            .filter(|variable| variable.names.len() == 1 && scene.is_new(variable.node))
            .map(|variable| (scene.weights.bytes(variable.node), variable.names[0].clone()))
            .collect();
        variables.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
        let variables: Vec<String> = variables
            .into_iter()
            .take(MAX_VARIABLES)
            .map(|(_, name)| name)
            .collect();
        (!variables.is_empty()).then_some(Shared { function, variables })
    }

    /// That what came keeps variables of a shared context, and which.
    pub fn shared_context(&self) -> Option<String> {
        let Shared { function, variables } = self.shared()?;
        let function = match function.function {
            name if name.is_empty() => "the function".to_owned(),
            name => format!("{name}()"),
        };
        Some(format!(
            " Each keeps {}: all functions made in one call share these variables, whether {function} uses them or \
             another one does.",
            variables.join(", ")
        ))
    }
}

impl Scene<'_> {
    /// The nearest object like this, from an object along what holds it alive; at most so many are looked at.
    pub fn nearest(&self, node: NodeIndex, at_most: usize, is_wanted: impl Fn(NodeIndex) -> bool) -> Option<NodeIndex> {
        let snapshot = self.snapshot();
        let mut seen = HashSet::from([node]);
        let mut queue = VecDeque::from([node]);
        while let Some(node) = queue.pop_front() {
            if is_wanted(node) {
                return Some(node);
            }
            for edge in snapshot.edges(node).filter(|edge| !edge.link.is(EdgeKind::Weak)) {
                let target = edge.link.target();
                let name = || self.edge_name(edge);
                let is_lineage = !edge.link.kind().is_indexed()
                    && matches!(
                        name().as_str(),
                        "__proto__" | "constructor" | "map" | "shared" | "previous" | "code"
                    );
                let is_within = self.is_new(target) && !self.weights.is_engine(target) && !is_lineage;
                if is_within && seen.len() < at_most && seen.insert(target) {
                    queue.push_back(target);
                }
            }
        }
        None
    }

    /// Whether a `Timeout` repeats. Its delay is a small integer, which has no edge; `null` has one.
    pub fn is_interval(&self, timer: NodeIndex) -> bool {
        self.is_a(timer, &["Timeout"]) && self.property(timer, "_repeat").is_none()
    }

    pub fn is_map(&self, node: NodeIndex) -> bool {
        self.is_collection_of(node, "Map")
    }

    pub fn is_set(&self, node: NodeIndex) -> bool {
        self.is_collection_of(node, "Set")
    }

    /// Whether an object with a table is such a collection, or of a class that extends it.
    fn is_collection_of(&self, node: NodeIndex, class: &str) -> bool {
        if self.internal(node, "table").is_none() {
            return false;
        }
        let mut at = node;
        for _ in 0..8 {
            let name = self.name(at);
            if name == class {
                return true;
            }
            let Some(parent) = self.property(at, "__proto__") else {
                break;
            };
            at = parent;
        }
        // Prototypes have no name of their own.
        !self.is_a(node, &["Map", "Set"]) && class == "Map"
    }

    /// Whether a node is an async function or a generator between two steps.
    pub fn is_suspended(&self, node: NodeIndex) -> bool {
        self.kind(node) == NodeKind::Object && self.internal(node, "parameters_and_registers").is_some()
    }

    /// Whether a function is one of those that settle a promise: without a place, its context holds the promise.
    pub fn settles(&self, node: NodeIndex) -> bool {
        self.is_closure(node)
            && self.snapshot().locations().of(node).is_none()
            && self.internal(node, "context").is_some_and(|context| {
                let mut links = self.snapshot().links(context);
                links.any(|link| self.is_a(link.target(), &["Promise"]))
            })
    }
}
