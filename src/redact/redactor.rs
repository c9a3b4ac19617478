//! The second reading: every reference to a string becomes one to the form that suits it, and every string is
//! written in both forms.

use std::collections::{HashSet, VecDeque};
use std::hash::Hasher;
use std::mem;

use super::evidence::{Program, Role, mark};
use super::header::{self, EdgeKind, Field, NodeKind, Schema};
use super::lexer::{Lexer, Reader, Text, Value, Wrong, wrong};
use super::survey::Strings;
use super::tag;
use super::words::{Pair, Trait, Wrapped, query};
use super::{Failure, Key, Malformed};

/// Text is handed over in pieces of about this size.
const PIECE_BYTES: usize = 64 << 10;
/// An object with more edges is a dictionary: that a constant is a key of it does not make it a name.
const MAX_MEMBERS: u32 = 256;
/// Indices of an array are its own; those of a sparse object are data from here on, and are numbered instead.
const DENSE: u64 = 1024;

/// What came of the strings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub nodes: u64,
    /// Contents that were replaced.
    pub contents: u64,
    /// Names that were kept, and such that may be data and were replaced.
    pub names_kept: u64,
    pub names_replaced: u64,
}

/// Reads a snapshot for the second time, and writes it anew.
pub struct Redactor {
    lexer: Lexer,
    rewriter: Rewriter,
}

impl Redactor {
    pub(super) fn new(key: Key, strings: Strings) -> Self {
        Self {
            lexer: Lexer::new(key),
            rewriter: Rewriter::new(key, strings),
        }
    }

    /// Reads on, and hands what is ready to `sink`.
    pub fn feed<E>(&mut self, bytes: &[u8], sink: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), Failure<E>> {
        let Self { lexer, rewriter } = self;
        pass(rewriter, sink, |pass| lexer.feed(bytes, pass))
    }

    /// Nothing more will come: hands the rest over.
    pub fn finish<E>(mut self, sink: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<Figures, Failure<E>> {
        self.lexer.finish()?;
        self.rewriter.out.extend_from_slice(b"}\n");
        sink(&self.rewriter.out).map_err(Failure::Sink)?;
        Ok(self.rewriter.figures)
    }
}

/// Lets `read` hand over to `sink`, whose refusal is the outcome.
fn pass<E>(
    rewriter: &mut Rewriter,
    sink: &mut impl FnMut(&[u8]) -> Result<(), E>,
    read: impl FnOnce(&mut Pass<'_>) -> Result<(), Malformed>,
) -> Result<(), Failure<E>> {
    let mut refusal = None;
    let mut take = |bytes: &[u8]| match sink(bytes) {
        Ok(()) => true,
        Err(error) => {
            refusal = Some(error);
            false
        }
    };
    let outcome = read(&mut Pass {
        rewriter,
        sink: &mut take,
    });
    match refusal {
        Some(error) => Err(Failure::Sink(error)),
        None => Ok(outcome?),
    }
}

struct Pass<'a> {
    rewriter: &'a mut Rewriter,
    /// False when it takes no more.
    sink: &'a mut dyn FnMut(&[u8]) -> bool,
}

impl Pass<'_> {
    /// Hands over what is ready, if that is worth the while.
    fn hand_over(&mut self) -> Result<(), Wrong> {
        if self.rewriter.out.len() < PIECE_BYTES {
            return Ok(());
        }
        let taken = (self.sink)(&self.rewriter.out);
        self.rewriter.out.clear();
        if taken { Ok(()) } else { wrong("a taker", "none") }
    }
}

/// What a section is, and in which order they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Header,
    Nodes,
    Edges,
    Functions,
    Tree,
    Samples,
    Locations,
    Strings,
}

const SECTIONS: [(&str, Section, Value); 8] = [
    ("snapshot", Section::Header, Value::Header),
    ("nodes", Section::Nodes, Value::Numbers),
    ("edges", Section::Edges, Value::Numbers),
    ("trace_function_infos", Section::Functions, Value::Numbers),
    ("trace_tree", Section::Tree, Value::Tree),
    ("samples", Section::Samples, Value::Numbers),
    ("locations", Section::Locations, Value::Numbers),
    ("strings", Section::Strings, Value::Strings),
];

/// In which form a string is referred to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Name,
    Content,
}

struct Rewriter {
    key: Key,
    strings: Strings,
    marks: Vec<u8>,
    schema: Schema,
    section: Section,
    seen: u16,
    /// Values of the row so far.
    row: Vec<u64>,
    rows: u64,
    /// Index of each node's name.
    names: Vec<u32>,
    roles: Vec<Role>,
    edge_counts: EdgeCounts,
    /// The node whose edges are being read: how many it has, and how many are still to come.
    source: u32,
    own_edges: u32,
    edges_left: u32,
    program: Program,
    /// Hashes of the words and paths that are shown.
    shown: HashSet<u64>,
    next_string: u32,
    figures: Figures,
    out: Vec<u8>,
}

/// Most nodes have few edges.
#[derive(Default)]
struct EdgeCounts {
    narrow: Vec<u8>,
    wide: VecDeque<u32>,
}

impl EdgeCounts {
    fn push(&mut self, count: u32) {
        match u8::try_from(count) {
            Ok(count) if count < u8::MAX => self.narrow.push(count),
            _ => {
                self.narrow.push(u8::MAX);
                self.wide.push_back(count);
            }
        }
    }

    /// In the order of the nodes, each once.
    fn take(&mut self, node: u32) -> Option<u32> {
        match *self.narrow.get(node as usize)? {
            u8::MAX => self.wide.pop_front(),
            count => Some(count.into()),
        }
    }
}

impl Reader for Pass<'_> {
    fn key(&mut self, key: &str) -> Result<Value, Wrong> {
        self.rewriter.begin(key)
    }

    fn header(&mut self, json: &[u8]) -> Result<(), Wrong> {
        let (schema, header) = header::read(json)?;
        self.rewriter.schema = schema;
        self.rewriter.out.extend_from_slice(&header);
        Ok(())
    }

    fn number(&mut self, number: u64) -> Result<(), Wrong> {
        let rewriter = &mut *self.rewriter;
        rewriter.row.push(number);
        if rewriter.row.len() < rewriter.fields().len() {
            return Ok(());
        }
        let mut row = mem::take(&mut rewriter.row);
        rewriter.rewrite(&mut row)?;
        rewriter.write_row(&row);
        row.clear();
        rewriter.row = row;
        self.hand_over()
    }

    fn tree(&mut self, bytes: &[u8]) -> Result<(), Wrong> {
        self.rewriter.out.extend_from_slice(bytes);
        self.hand_over()
    }

    fn string(&mut self, string: &Text) -> Result<(), Wrong> {
        let rewriter = &mut *self.rewriter;
        let index = rewriter.next_string as usize;
        if rewriter.strings.hashes.get(index) != Some(&string.hash) {
            return wrong("the strings that were there before", "others");
        }
        rewriter.next_string += 1;
        for form in [Form::Name, Form::Content] {
            let separator: &[u8] = if index == 0 && form == Form::Name {
                b"\""
            } else {
                b",\n\""
            };
            self.rewriter.out.extend_from_slice(separator);
            self.form(index, form, string)?;
            self.rewriter.out.push(b'"');
        }
        self.hand_over()
    }

    fn end(&mut self) -> Result<(), Wrong> {
        self.rewriter.end()
    }
}

impl Rewriter {
    fn new(key: Key, strings: Strings) -> Self {
        Self {
            key,
            marks: vec![0; strings.traits.len()],
            strings,
            schema: Schema::default(),
            section: Section::Header,
            seen: 0,
            row: Vec::new(),
            rows: 0,
            names: Vec::new(),
            roles: Vec::new(),
            edge_counts: EdgeCounts::default(),
            source: 0,
            own_edges: 0,
            edges_left: 0,
            program: Program::default(),
            shown: HashSet::new(),
            next_string: 0,
            figures: Figures::default(),
            out: b"{".to_vec(),
        }
    }

    fn begin(&mut self, key: &str) -> Result<Value, Wrong> {
        let Some((name, section, value)) = SECTIONS.iter().find(|(name, ..)| *name == key) else {
            // Nobody knows what is in it.
            return Ok(Value::Ignored);
        };
        // Rows can be understood behind the header only, edges behind their nodes, and strings when all is known.
        let has = |section: Section| self.seen & (1 << section as u16) != 0;
        if has(*section) {
            return wrong("each section once", format!("\"{name}\" again"));
        }
        let missing = match section {
            Section::Header if self.seen == 0 => None,
            Section::Header => Some("\"snapshot\" at the beginning"),
            Section::Edges if !has(Section::Nodes) => Some("\"nodes\""),
            Section::Strings if !has(Section::Edges) => Some("\"edges\""),
            _ if !has(Section::Header) => Some("\"snapshot\""),
            Section::Functions | Section::Nodes if has(Section::Strings) => Some("\"strings\" at the end"),
            _ => None,
        };
        if let Some(missing) = missing {
            return wrong(missing, format!("\"{name}\""));
        }
        self.seen |= 1 << *section as u16;
        self.section = *section;
        if *value == Value::Numbers && self.fields().is_empty() {
            // The header does not say what they are.
            return Ok(Value::Ignored);
        }
        if *section != Section::Header {
            self.out.extend_from_slice(b",\n");
        }
        self.out.extend_from_slice(format!("\"{name}\":").as_bytes());
        if matches!(value, Value::Numbers | Value::Strings) {
            self.out.push(b'[');
        }
        self.row.clear();
        self.rows = 0;
        match section {
            Section::Edges => self.next_source(0),
            Section::Strings => self.settle(),
            _ => {}
        }
        Ok(*value)
    }

    fn fields(&self) -> &[Field] {
        match self.section {
            Section::Nodes => &self.schema.node_fields,
            Section::Edges => &self.schema.edge_fields,
            Section::Functions => &self.schema.function_fields,
            Section::Samples => &self.schema.sample_fields,
            _ => &self.schema.location_fields,
        }
    }

    fn end(&mut self) -> Result<(), Wrong> {
        if !self.row.is_empty() {
            return wrong("whole rows", "a part of one");
        }
        if self.section == Section::Edges && (self.source as usize) < self.names.len() {
            return wrong("as many edges as the nodes have", "fewer");
        }
        if self.section == Section::Strings && (self.next_string as usize) < self.marks.len() {
            return wrong("the strings that were there before", "fewer");
        }
        self.out.extend_from_slice(b"]");
        Ok(())
    }

    fn rewrite(&mut self, row: &mut [u64]) -> Result<(), Wrong> {
        match self.section {
            Section::Nodes => self.node(row)?,
            Section::Edges => self.edge(row)?,
            Section::Functions => self.function(row)?,
            _ => {}
        }
        for (number, field) in row.iter_mut().zip(self.fields()) {
            if *field == Field::Drop {
                *number = 0;
            }
        }
        Ok(())
    }

    fn write_row(&mut self, row: &[u64]) {
        if self.rows > 0 {
            self.out.push(b',');
        }
        self.rows += 1;
        for (at, number) in row.iter().enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            write_number(&mut self.out, *number);
        }
        self.out.push(b'\n');
    }

    /// The index of a string, and what that can be.
    fn string(&self, number: u64) -> Result<(usize, Trait), Wrong> {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        match self.strings.traits.get(index) {
            Some(is) => Ok((index, *is)),
            None => wrong("the index of a string", "a larger number"),
        }
    }

    /// Refers to a string in one of its forms.
    fn refer(&mut self, index: usize, form: Form) -> u64 {
        self.marks[index] |= match form {
            Form::Name => mark::AS_NAME,
            Form::Content => mark::AS_CONTENT,
        };
        2 * index as u64 + u64::from(form == Form::Content)
    }

    fn node(&mut self, row: &mut [u64]) -> Result<(), Wrong> {
        let at = |field| position(&self.schema.node_fields, field);
        let (name_at, count_at) = (at(Field::Name), at(Field::EdgeCount));
        let kind = usize::try_from(row[at(Field::Type)]).unwrap_or(usize::MAX);
        let kind = self.schema.node_kinds.get(kind).copied().unwrap_or(NodeKind::Engine);
        let (index, is) = self.string(row[name_at])?;
        let Ok(edges) = u32::try_from(row[count_at]) else {
            return wrong("at most 2^32 edges", "more");
        };
        let Ok(node) = u32::try_from(self.names.len()) else {
            return wrong("at most 2^32 nodes", "more");
        };
        let (form, marks) = node_form(kind, is);
        self.marks[index] |= marks;
        row[name_at] = self.refer(index, form);
        let role = role(kind, is);
        if role == Role::Function {
            self.program.mention(node, index as u32);
        }
        self.names.push(index as u32);
        self.roles.push(role);
        self.edge_counts.push(edges);
        Ok(())
    }

    /// Goes to the first node from this one on that has edges.
    fn next_source(&mut self, from: u32) {
        self.source = from;
        while let Some(count) = self.edge_counts.take(self.source) {
            if count > 0 {
                self.own_edges = count;
                self.edges_left = count;
                return;
            }
            self.source += 1;
        }
    }

    fn edge(&mut self, row: &mut [u64]) -> Result<(), Wrong> {
        let at = |field| position(&self.schema.edge_fields, field);
        let (name_at, target_at) = (at(Field::Name), at(Field::Target));
        let kind = usize::try_from(row[at(Field::Type)]).unwrap_or(usize::MAX);
        let kind = self.schema.edge_kinds.get(kind).copied().unwrap_or(EdgeKind::Other);
        if self.edges_left == 0 {
            return wrong("no more edges than the nodes have", "another");
        }
        let width = self.schema.node_fields.len() as u64;
        let target = row[target_at] / width;
        if target >= self.names.len() as u64 || !row[target_at].is_multiple_of(width) {
            return wrong("the index of a node", "another number");
        }
        let mut is = Trait::Other;
        match kind {
            EdgeKind::Hidden => {}
            EdgeKind::Element => {
                let dense = DENSE + 4 * u64::from(self.own_edges);
                if row[name_at] > dense {
                    row[name_at] = dense + u64::from(self.own_edges - self.edges_left);
                }
            }
            _ => {
                let (index, its) = self.string(row[name_at])?;
                is = its;
                let of_global = self.roles[self.source as usize] == Role::Global;
                let (form, marks) = edge_form(kind, is, of_global || self.own_edges <= MAX_MEMBERS);
                self.marks[index] |= marks;
                if of_global && kind == EdgeKind::Property {
                    self.marks[index] |= mark::VARIABLE;
                }
                row[name_at] = self.refer(index, form);
            }
        }
        if self.roles[self.source as usize].is_code() {
            self.code(target as u32, is);
        }
        self.edges_left -= 1;
        if self.edges_left == 0 {
            self.next_source(self.source + 1);
        }
        Ok(())
    }

    /// A part of code refers to a node.
    fn code(&mut self, target: u32, edge: Trait) {
        let source = self.source;
        let role = |node: u32| self.roles[node as usize];
        match (role(source), role(target)) {
            (_, Role::Code | Role::Function) if edge == Trait::ScriptEdge => self.program.made(source, target),
            // Its own name is known; what else a function holds may be what it met.
            (Role::Function, Role::String) => {}
            (_, Role::String) => self.program.mention(source, self.names[target as usize]),
            (Role::Scope, Role::Scope) => self.program.nest(source, target),
            (_, to) if to.is_code() => self.program.link(source, target),
            _ => {}
        }
    }

    /// A function that allocated.
    fn function(&mut self, row: &mut [u64]) -> Result<(), Wrong> {
        for (at, number) in row.iter_mut().enumerate() {
            let field = self.schema.function_fields[at];
            if !matches!(field, Field::Name | Field::Address) {
                continue;
            }
            let (index, is) = self.string(*number)?;
            let form = if field == Field::Address && is == Trait::Path {
                self.marks[index] |= mark::NAME;
                Form::Name
            } else if is.is_known() || matches!(is, Trait::Word | Trait::Wrapped) {
                Form::Name
            } else {
                Form::Content
            };
            *number = self.refer(index, form);
        }
        Ok(())
    }

    /// All references are there: which words are names?
    fn settle(&mut self) {
        self.program.settle(&self.roles, &mut self.marks);
        self.figures.nodes = self.names.len() as u64;
        self.names = Vec::new();
        self.roles = Vec::new();
        self.edge_counts = EdgeCounts::default();
        let shown = |index: &usize| {
            matches!(self.strings.traits[*index], Trait::Word | Trait::Path) && shows(self.marks[*index])
        };
        self.shown = (0..self.marks.len())
            .filter(shown)
            .map(|index| self.strings.hashes[index])
            .collect();
    }
}

/// Whether what looks like a name is one.
fn shows(marks: u8) -> bool {
    marks & mark::NAME != 0 || marks & (mark::CONSTANT | mark::MEMBER) == mark::CONSTANT | mark::MEMBER
}

fn position(fields: &[Field], wanted: Field) -> usize {
    // There is one: the header was checked.
    fields.iter().position(|field| *field == wanted).unwrap_or(0)
}

/// How a node refers to its name, and what that says of the name.
fn node_form(kind: NodeKind, is: Trait) -> (Form, u8) {
    let name_if = |fits: bool, marks: u8| if fits { (Form::Name, marks) } else { (Form::Content, 0) };
    let engines = matches!(is, Trait::Label | Trait::Wrapped);
    let marks = if is == Trait::Label { mark::NAME } else { 0 };
    match kind {
        NodeKind::String | NodeKind::Primitive => name_if(is == Trait::Unnamed, 0),
        NodeKind::RegExp => (Form::Content, 0),
        NodeKind::Object => name_if(is.is_known() || is == Trait::Word, mark::MEMBER),
        NodeKind::Closure => name_if(is.is_known() || matches!(is, Trait::Word | Trait::Wrapped), 0),
        NodeKind::Code => match is {
            Trait::Path => (Form::Name, mark::NAME),
            _ => name_if(is.is_known() || engines || is == Trait::Word, marks),
        },
        // Native code names its classes in its text.
        NodeKind::Native if is == Trait::Word => (Form::Name, mark::NAME),
        NodeKind::Native | NodeKind::Engine => name_if(is.is_known() || engines, marks),
    }
}

/// Likewise for an edge; `member` of an object that is no dictionary.
fn edge_form(kind: EdgeKind, is: Trait, member: bool) -> (Form, u8) {
    let fits = match kind {
        EdgeKind::Property => is.is_known() || matches!(is, Trait::Word | Trait::Wrapped | Trait::Path),
        EdgeKind::Context => is.is_known() || is == Trait::Word,
        EdgeKind::Engine => is.is_known() || !matches!(is, Trait::Other | Trait::Path),
        _ => is.is_known(),
    };
    let marks = match (kind, is) {
        (EdgeKind::Property, _) if member => mark::MEMBER,
        // The engine names its slots in its text.
        (EdgeKind::Engine, Trait::Word | Trait::Index | Trait::Label) => mark::NAME,
        _ => 0,
    };
    if fits { (Form::Name, marks) } else { (Form::Content, 0) }
}

fn role(kind: NodeKind, is: Trait) -> Role {
    match (kind, is) {
        (NodeKind::String, _) => Role::String,
        (NodeKind::Code, Trait::Path) => Role::Script,
        (NodeKind::Code | NodeKind::Engine, Trait::Bytecode) => Role::Bytecode,
        (NodeKind::Code | NodeKind::Engine, Trait::ConstantPool | Trait::Boilerplate) => Role::Constants,
        (NodeKind::Code | NodeKind::Engine, Trait::ScopeInfo | Trait::ScopeNames) => Role::Scope,
        (NodeKind::Code | NodeKind::Engine, Trait::Template) => Role::Template,
        (
            NodeKind::Code,
            Trait::FunctionInfo | Trait::Word | Trait::Wrapped | Trait::Known | Trait::Global | Trait::Empty,
        ) => Role::Function,
        (NodeKind::Object, Trait::Global) => Role::Global,
        (NodeKind::Code, _) => Role::Code,
        _ => Role::None,
    }
}

impl Pass<'_> {
    /// Writes one form of a string, where it is referred to.
    fn form(&mut self, index: usize, form: Form, string: &Text) -> Result<(), Wrong> {
        let marks = self.rewriter.marks[index];
        let is = self.rewriter.strings.traits[index];
        let used = match form {
            Form::Name => mark::AS_NAME,
            Form::Content => mark::AS_CONTENT,
        };
        if marks & used == 0 {
            return Ok(());
        }
        let Some(units) = string.whole() else {
            return self.tag(string.hash, string.units);
        };
        let plain = match (form, is) {
            // A module's file, which is its script's path, is told by the path.
            (_, Trait::Path) if marks & mark::NAME != 0 => {
                let (path, query) = units.split_at(query(units));
                self.rewriter.plain(path);
                return self.piece_tag(query);
            }
            (Form::Content, Trait::Word | Trait::Known | Trait::Global) => marks & mark::VARIABLE != 0 && shows(marks),
            (Form::Content, _) => false,
            (Form::Name, Trait::Word) => shows(marks),
            (Form::Name, Trait::Index | Trait::Label) => marks & mark::NAME != 0,
            (Form::Name, Trait::Wrapped) if marks & mark::NAME == 0 => {
                let Some(Wrapped { before, name, after }) = Wrapped::of(units) else {
                    return self.tag(string.hash, string.units);
                };
                self.rewriter.plain(before);
                self.piece(name)?;
                self.rewriter.plain(after);
                return Ok(());
            }
            (Form::Name, Trait::Pair) => {
                let Some(pair) = Pair::of(units) else {
                    return self.tag(string.hash, string.units);
                };
                for (at, part) in pair.parts.into_iter().enumerate() {
                    if at % 2 == 0 {
                        self.rewriter.plain(part);
                    } else {
                        self.piece(part)?;
                    }
                }
                return Ok(());
            }
            (Form::Name, Trait::Wrapped) => true,
            (Form::Name, is) => is.is_known(),
        };
        let figures = &mut self.rewriter.figures;
        *match (plain, form) {
            (true, _) => &mut figures.names_kept,
            (false, Form::Name) => &mut figures.names_replaced,
            (false, Form::Content) => &mut figures.contents,
        } += 1;
        if plain {
            self.rewriter.plain(units);
            Ok(())
        } else {
            self.tag(string.hash, string.units)
        }
    }

    /// A name within a longer text.
    fn piece(&mut self, units: &[u16]) -> Result<(), Wrong> {
        let is = Trait::of(units);
        let shown = match is {
            Trait::Word | Trait::Path => self.rewriter.shown.contains(&self.rewriter.hash(units)),
            is => is.is_known(),
        };
        if shown {
            self.rewriter.plain(units);
            return Ok(());
        }
        self.piece_tag(units)
    }

    fn piece_tag(&mut self, units: &[u16]) -> Result<(), Wrong> {
        self.tag(self.rewriter.hash(units), units.len() as u64)
    }

    fn tag(&mut self, hash: u64, units: u64) -> Result<(), Wrong> {
        tag::write(hash, units, |bytes| {
            self.rewriter.out.extend_from_slice(bytes);
            self.hand_over()
        })
    }
}

impl Rewriter {
    fn hash(&self, units: &[u16]) -> u64 {
        let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let mut hasher = self.key.hasher();
        hasher.write(&bytes);
        hasher.finish()
    }

    /// Writes a text as it is.
    fn plain(&mut self, units: &[u16]) {
        for unit in units {
            match u8::try_from(*unit) {
                Ok(byte @ (b'"' | b'\\')) => self.out.extend_from_slice(&[b'\\', byte]),
                Ok(byte @ b' '..=b'~') => self.out.push(byte),
                _ => self.out.extend_from_slice(format!("\\u{unit:04x}").as_bytes()),
            }
        }
    }
}

/// Appends a number in digits.
fn write_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}
