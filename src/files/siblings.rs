//! Which function uses a variable that another one keeps.
//!
//! V8 gives all functions made in one call one shared context, which has every variable that any of them mentions.
//! A snapshot shows who keeps the context; who mentions the variable stands in the source alone. So it is parsed
//! (oxc), the function is found by its place, its variables by JavaScript's rules of scope, and the functions with
//! references to them are named.
//!
//! # What this refuses
//!
//! Files larger than [`MAX_BYTES`], files that do not parse, and places where no function stands: `None`. The
//! parser recurses, so it gets a thread whose stack fits whatever nesting a text of that length can have.

use std::path::Path;
use std::thread;

use oxc_allocator::Allocator;
use oxc_ast::AstKind;
use oxc_parser::{ParseOptions, Parser};
use oxc_semantic::{AstNodes, NodeId, ScopeId, Semantic, SemanticBuilder};
use oxc_span::{GetSpan, SourceType, Span};

/// Larger files are bundles.
const MAX_BYTES: usize = 256 << 10;
/// A level of nesting takes a byte of text, and no more of the stack than this.
const STACK_BYTES_A_LEVEL: usize = 8 << 10;
/// Whatever the text.
const LEAST_STACK_BYTES: usize = 4 << 20;
/// Functions named for a variable.
const MAX_FUNCTIONS: usize = 4;

/// A function of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    /// As it is called, or what it is assigned to; empty if neither.
    pub name: String,
    /// From 1.
    pub line: u32,
    /// From 1, in UTF-16 units.
    pub column: u32,
}

/// Who uses a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Uses {
    pub variable: String,
    /// Whether the function at the place does.
    pub by_keeper: bool,
    /// Functions beside it that do.
    pub by_others: Vec<Function>,
}

/// Who uses these variables of the function at a line and column (from 1, as V8 counts).
pub(crate) fn uses(path: &Path, text: &str, place: (u32, u32), variables: &[String]) -> Option<Vec<Uses>> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let stack_bytes = (text.len() * STACK_BYTES_A_LEVEL).max(LEAST_STACK_BYTES);
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(stack_bytes);
        let parsing = thread.spawn_scoped(scope, || parse(path, text, place, variables));
        // A panic of the parser's is a file that does not parse.
        parsing.ok()?.join().ok()?
    })
}

fn parse(path: &Path, text: &str, place: (u32, u32), variables: &[String]) -> Option<Vec<Uses>> {
    let offset = offset_of(text, place)?;
    let allocator = Allocator::default();
    // What Node runs as a script may be a module's syntax as well.
    let source_type = SourceType::from_path(path).unwrap_or_else(|_| SourceType::unambiguous());
    let options = ParseOptions {
        allow_return_outside_function: true,
        ..ParseOptions::default()
    };
    let parsed = Parser::new(&allocator, text, source_type).with_options(options).parse();
    if parsed.panicked {
        return None;
    }
    let semantic = SemanticBuilder::new().build(&parsed.program).semantic;
    let (keeper, scope) = function_at(semantic.nodes(), offset)?;
    let uses = variables
        .iter()
        .filter_map(|variable| uses_of(&semantic, text, keeper, scope, variable));
    Some(uses.collect())
}

/// The position in the text of a line and column.
fn offset_of(text: &str, (line, column): (u32, u32)) -> Option<u32> {
    let start = match line.checked_sub(1)? as usize {
        0 => 0,
        lines => {
            text.bytes()
                .enumerate()
                .filter(|(_, byte)| *byte == b'\n')
                .nth(lines - 1)?
                .0
                + 1
        }
    };
    let mut units = column.checked_sub(1)? as usize;
    for (at, character) in text[start..].char_indices() {
        if units == 0 {
            return Some((start + at) as u32);
        }
        units = units.checked_sub(character.len_utf16())?;
    }
    None
}

/// Line and column of a position.
fn place_of(text: &str, offset: u32) -> (u32, u32) {
    let before = &text[..offset as usize];
    let line = before.bytes().filter(|byte| *byte == b'\n').count();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (line as u32 + 1, before[start..].encode_utf16().count() as u32 + 1)
}

/// A function's head, where V8's place is (at its name, its parameters, or before), and the scope it opens.
fn head(kind: AstKind<'_>) -> Option<(Span, ScopeId)> {
    match kind {
        AstKind::Function(function) => {
            let end = function.body.as_ref()?.span.start;
            Some((Span::new(function.span.start, end), function.scope_id()))
        }
        AstKind::ArrowFunctionExpression(arrow) => {
            let end = arrow.body.span.start;
            Some((Span::new(arrow.span.start, end), arrow.scope_id()))
        }
        _ => None,
    }
}

/// The innermost function whose head is at a position.
fn function_at(nodes: &AstNodes<'_>, offset: u32) -> Option<(NodeId, ScopeId)> {
    let heads = nodes.iter().filter_map(|node| {
        let (head, scope) = head(node.kind())?;
        (head.start <= offset && offset < head.end).then_some((head.size(), node.id(), scope))
    });
    heads
        .min_by_key(|(size, ..)| *size)
        .map(|(_, node, scope)| (node, scope))
}

/// Who uses the variable of this name that is in sight around a function.
fn uses_of(semantic: &Semantic<'_>, text: &str, keeper: NodeId, scope: ScopeId, variable: &str) -> Option<Uses> {
    let (scoping, nodes) = (semantic.scoping(), semantic.nodes());
    let mut around = scoping.scope_ancestors(scope).skip(1);
    let symbol = around.find_map(|scope| scoping.get_binding(scope, variable))?;
    let declared_in = scoping.symbol_scope_id(symbol);
    let mut uses = Uses {
        variable: variable.to_owned(),
        by_keeper: false,
        by_others: Vec::new(),
    };
    for reference in scoping.get_resolved_references(symbol) {
        if nodes.ancestor_ids(reference.node_id()).any(|node| node == keeper) {
            uses.by_keeper = true;
            continue;
        }
        // The outermost function around the reference, within the scope that has the variable.
        let functions = nodes.ancestor_ids(reference.node_id()).filter(|node| {
            head(nodes.kind(*node))
                .is_some_and(|(_, opens)| scoping.scope_ancestors(opens).skip(1).any(|scope| scope == declared_in))
        });
        let Some(function) = functions.last() else { continue };
        let function = function_of(nodes, text, function);
        if uses.by_others.len() < MAX_FUNCTIONS && !uses.by_others.contains(&function) {
            uses.by_others.push(function);
        }
    }
    Some(uses)
}

/// What a function is called, and where it stands.
fn function_of(nodes: &AstNodes<'_>, text: &str, node: NodeId) -> Function {
    let own = match nodes.kind(node) {
        AstKind::Function(function) => function.id.as_ref().map(|id| id.name.to_string()),
        _ => None,
    };
    let name = own.or_else(|| match nodes.parent_kind(node) {
        AstKind::VariableDeclarator(declarator) => declarator.id.get_identifier_name().map(|name| name.to_string()),
        AstKind::ObjectProperty(property) => property.key.static_name().map(|name| name.to_string()),
        AstKind::MethodDefinition(method) => method.key.static_name().map(|name| name.to_string()),
        AstKind::PropertyDefinition(property) => property.key.static_name().map(|name| name.to_string()),
        AstKind::AssignmentExpression(assignment) => {
            let target = assignment.left.span();
            Some(text[target.start as usize..target.end as usize].to_owned())
        }
        _ => None,
    });
    let (line, column) = place_of(text, nodes.kind(node).span().start);
    Function {
        name: name.unwrap_or_default(),
        line,
        column,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks for the function after the mark, without the mark.
    fn who(text: &str, variable: &str) -> Option<(bool, Vec<String>)> {
        let at = text.find('§').unwrap() as u32;
        let text = text.replace('§', "");
        let found = uses("app.js".as_ref(), &text, place_of(&text, at), &[variable.to_owned()])?;
        let [used] = found.as_slice() else { return None };
        let names = used.by_others.iter().map(|function| function.name.clone());
        Some((used.by_keeper, names.collect()))
    }

    #[test]
    fn the_sibling_that_uses_the_variable_is_named() {
        let others = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        for (text, variable, expected) in [
            // The puzzle: the listener keeps what another function uses.
            (
                "function run3() { const innerData = Buffer.alloc(100); const outClosure3 = function () { void innerData }\n\
                 test.on('error', §() => { console.log('error') }); outClosure3() }",
                "innerData",
                Some((false, others(&["outClosure3"]))),
            ),
            (
                "function out() { let big; inner = function §() { void big } }",
                "big",
                Some((true, others(&[]))),
            ),
            (
                "function f() { let a; function used() { return () => a } return { keep: §x => x, other() { return a } } }",
                "a",
                Some((false, others(&["used", "other"]))),
            ),
            (
                "function f(a) { function g() { on(§() => a) } }",
                "a",
                Some((true, others(&[]))),
            ),
            // Another variable of the same name is another variable.
            (
                "function f() { let a; function g() { let a; return () => a } on(§() => 1); return () => a }",
                "a",
                Some((false, others(&[""]))),
            ),
            (
                "class K { start(a) { this.stop = () => a; on(§function () {}) } }",
                "a",
                Some((false, others(&["this.stop"]))),
            ),
            (
                "return void function () { let ü = '😀', a; on(§() => 1); b = () => a }",
                "a",
                Some((false, others(&["b"]))),
            ),
            // Nothing of the kind.
            ("function f() { on(§() => 1) }", "gone", None),
            ("const §a = 1", "a", None),
            ("function f( { on(§() => 1) }", "a", None),
        ] {
            assert_eq!(who(text, variable), expected, "{text}");
        }
    }

    #[test]
    fn typescript_is_read() {
        let text = "function f(): void {\n  const data: number[] = []\n  bus.on('x', (): void => {})\n  const g = (): number[] => data as number[]\n}";
        let found = uses("app.ts".as_ref(), text, (3, 15), &["data".to_owned()]).unwrap();
        assert_eq!(found[0].by_others[0].name, "g");
    }

    #[test]
    fn no_nesting_is_too_deep() {
        for text in [
            "(".repeat(20_000),
            "!".repeat(100_000) + "a",
            "a+".repeat(50_000) + "a",
            "[".repeat(20_000) + &"]".repeat(20_000),
            "if(a){}else ".repeat(10_000) + "{}",
            "a=>".repeat(30_000) + "a",
            "`${".repeat(10_000) + "a",
        ] {
            let _ = uses("app.js".as_ref(), &text, (1, 1), &["a".to_owned()]);
        }
    }

    #[test]
    fn places_are_found_again() {
        let text = "a\n  ü😀 b\n";
        for (offset, character) in text.char_indices().filter(|(_, character)| *character != '\n') {
            let place = place_of(text, offset as u32);
            assert_eq!(offset_of(text, place), Some(offset as u32), "{character}");
        }
        assert_eq!(offset_of(text, (9, 1)), None);
        assert_eq!(offset_of(text, (0, 0)), None);
    }
}
