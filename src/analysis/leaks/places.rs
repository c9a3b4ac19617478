//! Lines: the closure or constructor that makes what leaks, and the function whose variables hold the owner.

use std::collections::{HashMap, HashSet, VecDeque};

use super::naming::{Anchor, Named, module_source};
use super::scene::{Hop, Scene, is_user};
use crate::analysis::Source;
use crate::snapshot::{EdgeKind, NodeIndex, NodeKind};

/// Objects around a sample that are looked at for a line of the program's.
const MAX_LOOKED_AT: usize = 400;

/// Closures by the context they hold.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    closures: HashMap<NodeIndex, Vec<NodeIndex>>,
    /// Contexts that closures hold, ascending.
    contexts: Vec<NodeIndex>,
    /// Closures by what describes the scope they open.
    opening: HashMap<NodeIndex, NodeIndex>,
}

impl Scopes {
    /// Looks at all closures once.
    pub(super) fn build(scene: &Scene<'_>) -> Self {
        let snapshot = scene.snapshot();
        let mut scopes = Self::default();
        let (context_name, shared_name) = (snapshot.strings().known("context"), snapshot.strings().known("shared"));
        for (closure, _) in snapshot.locations().rows() {
            if scene.kind(closure) != NodeKind::Closure {
                continue;
            }
            for edge in snapshot.edges(closure).filter(|edge| edge.link.is(EdgeKind::Internal)) {
                let Some(name) = edge.string() else { continue };
                if context_name.contains(&name) {
                    // Scopes of calls that are over since are what grows, not what holds it.
                    if scene.is_newest(edge.link.target()) {
                        continue;
                    }
                    scopes.closures.entry(edge.link.target()).or_default().push(closure);
                } else if shared_name.contains(&name) {
                    // What describes the scope is the function's first edge.
                    let scope = snapshot.links(edge.link.target()).next();
                    if let Some(scope) = scope.filter(|scope| scene.kind(scope.target()) == NodeKind::Code) {
                        scopes.opening.entry(scope.target()).or_insert(closure);
                    }
                }
            }
        }
        scopes.contexts = scopes.closures.keys().copied().collect();
        scopes.contexts.sort_unstable();
        scopes
    }

    /// Closures that hold a context.
    pub(super) fn closures(&self, context: NodeIndex) -> &[NodeIndex] {
        self.closures.get(&context).map_or(&[], Vec::as_slice)
    }

    /// A variable of the program's that holds an object, where only exports lead to it by name.
    pub(super) fn variable(&self, scene: &Scene<'_>, node: NodeIndex) -> Option<Hop> {
        let snapshot = scene.snapshot();
        let mut contexts = self.contexts.iter().copied().filter(|context| !scene.is_new(*context));
        contexts.find_map(|context| {
            let mut edges = snapshot.edges(context);
            let edge = edges.find(|edge| edge.link.is(EdgeKind::Context) && edge.link.target() == node)?;
            self.function(scene, context)?;
            Some(Hop {
                source: context,
                edge: edge.index,
                node,
            })
        })
    }

    /// A line of the program's that a step of a path leads to: of the function whose variables it holds, or its own.
    fn line(&self, scene: &Scene<'_>, node: NodeIndex) -> Option<Source> {
        let function = || self.function(scene, node);
        let of_context = scene.is_context(node).then(function).flatten();
        of_context.or_else(|| scene.user_source(node))
    }

    /// The function whose variables a context holds, or another one that tells the file.
    fn function(&self, scene: &Scene<'_>, context: NodeIndex) -> Option<Source> {
        let scope = scene.internal(context, "scope_info");
        let opener = scope.and_then(|scope| self.opening.get(&scope)).copied();
        let inner = self.closures(context).iter().copied();
        opener
            .into_iter()
            .chain(inner)
            .find_map(|closure| scene.user_source(closure))
    }
}

/// The function or module whose context holds the owner.
pub(super) fn holder(scene: &Scene<'_>, scopes: &Scopes, named: &Named, path: &[Hop]) -> Option<Source> {
    let of_anchor = match &named.anchor {
        Anchor::Variable { context } => scopes.function(scene, *context),
        Anchor::Export { module } => module_source(scene, *module),
        Anchor::Function { closure } => scene.user_source(*closure),
        Anchor::Global(name) => mentions(scene, scopes, name),
        Anchor::Object => None,
    };
    let holder = of_anchor.or_else(|| {
        // The nearest line of the program's on the way.
        path.iter().rev().find_map(|hop| {
            let module = || module_source(scene, hop.node).filter(|_| scene.is_a(hop.node, &["Module"]));
            scopes.line(scene, hop.node).or_else(module)
        })
    });
    match (holder, path.last()) {
        (Some(holder), Some(owner)) if !is_of_program(&holder) => {
            let nearest = || {
                let mut steps = path.iter().rev().filter(|hop| !scene.is_new(hop.node));
                steps.find_map(|hop| scopes.line(scene, hop.node).filter(is_of_program))
            };
            variable_above(scene, scopes, owner.node)
                .or_else(nearest)
                .or(Some(holder))
        }
        (holder, _) => holder,
    }
}

/// Whether a place is in a file of the program itself, not in a package that it uses.
fn is_of_program(source: &Source) -> bool {
    let file = source.file.as_deref().unwrap_or_default();
    !file.contains("/node_modules/") && !file.contains("\\node_modules\\")
}

/// The nearest function or module of the program itself that has the owner, or what it is part of, in a variable.
fn variable_above(scene: &Scene<'_>, scopes: &Scopes, owner: NodeIndex) -> Option<Source> {
    let snapshot = scene.snapshot();
    let mut seen = HashSet::from([owner]);
    let mut queue = VecDeque::from([owner]);
    while let Some(node) = queue.pop_front() {
        for retainer in scene.paths.retainers().of(snapshot, node).take(MAX_LOOKED_AT) {
            let edge = snapshot.edge(retainer.edge);
            let above = retainer.node;
            if scene.is_context(above) {
                let function = scopes.function(scene, above).filter(is_of_program);
                if function.is_some() && !scene.is_new(above) {
                    return function;
                }
                continue; // a variable of somebody else's
            }
            let is_part = match edge.link.kind() {
                EdgeKind::Property => !is_lineage(&scene.edge_name(edge)),
                EdgeKind::Internal => !is_machinery(&scene.edge_name(edge)) && scene.edge_name(edge) != "context",
                EdgeKind::Element | EdgeKind::Hidden | EdgeKind::WeakMapKey => true,
                _ => false,
            };
            if is_part && !scene.weights.is_engine(above) && seen.len() < MAX_LOOKED_AT && seen.insert(above) {
                queue.push_back(above);
            }
        }
    }
    None
}

/// Under these names objects keep functions that they will call.
const CALLBACKS: [&str; 6] = ["_onTimeout", "_onImmediate", "listener", "callback", "handler", "fn"];

/// A function of the program's that will be called for the sake of what came, however old the function is.
pub(super) fn callback(scene: &Scene<'_>, owner: NodeIndex) -> Option<Source> {
    let callback_of = |node: NodeIndex| {
        let mut functions = CALLBACKS.iter().filter_map(|name| scene.property(node, name));
        functions.find_map(|function| scene.user_source(function))
    };
    let found = scene.nearest(owner, MAX_LOOKED_AT, |node| callback_of(node).is_some())?;
    callback_of(found)
}

/// A function of the program's whose code mentions a name: it is among the constants of its bytecode, or in one of
/// its variables.
fn mentions(scene: &Scene<'_>, scopes: &Scopes, name: &str) -> Option<Source> {
    let snapshot = scene.snapshot();
    let wanted: HashSet<NodeIndex> = snapshot
        .nodes()
        .filter(|node| scene.kind(*node) == NodeKind::String && snapshot.strings().is(snapshot.name(*node), name))
        .collect();
    let closures = snapshot.locations().rows().map(|(node, _)| node);
    let mut closures = closures.filter(|node| scene.is_closure(*node) && scene.user_source(*node).is_some());
    let by_code = closures.find(|closure| {
        let Some(shared) = scene.internal(*closure, "shared") else {
            return false;
        };
        let mut seen = HashSet::from([shared]);
        let mut queue = VecDeque::from([(shared, 0)]);
        while let Some((node, depth)) = queue.pop_front() {
            for link in snapshot.links(node) {
                let target = link.target();
                if wanted.contains(&target) && depth > 0 {
                    return true;
                }
                let is_code = scene.kind(target) == NodeKind::Code && !link.is(EdgeKind::Weak);
                if is_code && depth < CODE_DEPTH && seen.len() < MAX_LOOKED_AT && seen.insert(target) {
                    queue.push_back((target, depth + 1));
                }
            }
        }
        false
    });
    by_code.and_then(|closure| scene.user_source(closure)).or_else(|| {
        let mut holding = scopes.contexts.iter().filter(|context| {
            let mut links = snapshot.links(**context);
            links.any(|link| wanted.contains(&link.target()))
        });
        holding.find_map(|context| scopes.function(scene, *context))
    })
}

/// From what a function shares to the constants of its bytecode, and of that of functions within it.
const CODE_DEPTH: usize = 8;

/// The nearest line of the program's from an object down: its own, or of what it holds.
pub(super) fn source(scene: &Scene<'_>, sample: NodeIndex, beyond: &HashSet<NodeIndex>) -> Option<Source> {
    let snapshot = scene.snapshot();
    let mut seen = HashSet::from([sample]);
    let mut queue = VecDeque::from([sample]);
    while let Some(node) = queue.pop_front() {
        if let Some(source) = scene.sources.of(snapshot, node).filter(is_user) {
            return Some(source);
        }
        for edge in snapshot.edges(node) {
            let target = edge.link.target();
            let is_telling = match edge.link.kind() {
                EdgeKind::Property => !is_lineage(&scene.edge_name(edge)),
                EdgeKind::Internal => !is_machinery(&scene.edge_name(edge)),
                EdgeKind::Context | EdgeKind::Element | EdgeKind::Hidden => true,
                _ => false,
            };
            let is_new = scene.is_new(target) || scene.censuses.is_empty();
            if is_telling && is_new && !beyond.contains(&target) && seen.len() < MAX_LOOKED_AT && seen.insert(target) {
                queue.push_back(target);
            }
        }
    }
    None
}

fn is_lineage(name: &str) -> bool {
    matches!(
        name,
        "__proto__" | "constructor" | "prototype" | "_idleNext" | "_idlePrev"
    )
}

fn is_machinery(name: &str) -> bool {
    matches!(
        name,
        "map" | "shared" | "feedback_cell" | "code" | "previous" | "scope_info" | "native_context"
    )
}
