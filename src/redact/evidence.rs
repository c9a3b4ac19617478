//! Which words are names of the program, as far as the file tells.
//!
//! V8 keeps the names that a program's text contains where its compiler put them: in the constant pools of
//! functions, in descriptions of object literals, in the lists of variables of scopes, and as names of functions.
//! A word that is found there was written by a programmer; one that came in with a request is not.
//!
//! Text that was made at run time (`eval`, `new Function`, `vm` and `data:` modules) is data itself. Its functions
//! belong to a script that has no path, and what hangs on them says nothing: [`Program::settle`] follows the
//! references between parts of code from those functions on, but not into what a file's text vouches for.
//!
//! Cost: 8 bytes for each reference from one part of code to another or to a string.

use std::collections::HashSet;

/// What a node has to say about the strings that it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Role {
    #[default]
    None,
    String,
    /// A script with a path.
    Script,
    /// Code of any other kind: as the script of a function, one without a path.
    Code,
    /// A function's facts: its own name is from the text.
    Function,
    /// Between a function and its constants.
    Bytecode,
    /// Names and strings that the text contains.
    Constants,
    /// Names of variables.
    Scope,
    /// Names that native code gave.
    Template,
    /// The object whose properties are the program's global variables.
    Global,
}

impl Role {
    pub fn is_code(self) -> bool {
        matches!(
            self,
            Self::Function | Self::Bytecode | Self::Constants | Self::Scope | Self::Template
        )
    }
}

/// What is known of a string.
pub(super) mod mark {
    /// Some reference is to the name form …
    pub const AS_NAME: u8 = 1;
    /// … or to the content form.
    pub const AS_CONTENT: u8 = 1 << 1;
    /// Certainly a name.
    pub const NAME: u8 = 1 << 2;
    /// A constant of the program's text: a name, if it is used as one …
    pub const CONSTANT: u8 = 1 << 3;
    /// … by an object that is no dictionary.
    pub const MEMBER: u8 = 1 << 4;
    /// A variable's or a global's: where it is shown, then as the content of a string as well, so that code that
    /// mentions the variable is found.
    pub const VARIABLE: u8 = 1 << 5;
}

/// The references from parts of code.
#[derive(Debug, Default)]
pub(super) struct Program {
    /// From one part to another.
    links: Vec<(u32, u32)>,
    /// From a scope to those within it.
    inner: Vec<(u32, u32)>,
    /// From a part to the index of a string.
    mentions: Vec<(u32, u32)>,
    /// Functions whose script has no path, and such scripts.
    made: HashSet<u32>,
}

impl Program {
    pub fn mention(&mut self, part: u32, string: u32) {
        self.mentions.push((part, string));
    }

    /// One part refers to another.
    pub fn link(&mut self, from: u32, to: u32) {
        self.links.push((from, to));
    }

    /// A scope refers to the one around it.
    pub fn nest(&mut self, inner: u32, outer: u32) {
        self.links.push((inner, outer));
        self.inner.push((outer, inner));
    }

    /// The function was made at run time, as its script was.
    pub fn made(&mut self, function: u32, script: u32) {
        self.made.extend([function, script]);
    }

    /// Marks what the parts say of strings.
    pub fn settle(&mut self, roles: &[Role], marks: &mut [u8]) {
        self.links.sort_unstable();
        self.inner.sort_unstable();
        let made = self.spread(&self.vouched(roles));
        for (part, string) in &self.mentions {
            if made.contains(part) {
                continue;
            }
            marks[*string as usize] |= match roles[*part as usize] {
                Role::Function | Role::Template => mark::NAME,
                Role::Scope => mark::NAME | mark::VARIABLE,
                Role::Constants => mark::CONSTANT,
                _ => 0,
            };
        }
        *self = Self::default();
    }

    /// Scopes of functions from files, and the scopes around them: text that was made at run time can be within
    /// those, never around them.
    fn vouched(&self, roles: &[Role]) -> HashSet<u32> {
        let is = |part: u32, role| roles[part as usize] == role;
        let of_files =
            |(from, to): &&(u32, u32)| is(*from, Role::Function) && is(*to, Role::Scope) && !self.made.contains(from);
        let mut open: Vec<u32> = self.links.iter().filter(of_files).map(|(_, scope)| *scope).collect();
        let mut found = HashSet::new();
        while let Some(scope) = open.pop() {
            if found.insert(scope) {
                open.extend(from(&self.links, scope).filter(|outer| is(*outer, Role::Scope)));
            }
        }
        found
    }

    /// All parts of what was made at run time.
    fn spread(&self, vouched: &HashSet<u32>) -> HashSet<u32> {
        let mut open: Vec<u32> = self.made.iter().copied().collect();
        let mut found = HashSet::new();
        while let Some(part) = open.pop() {
            if !vouched.contains(&part) && found.insert(part) {
                open.extend(from(&self.links, part).chain(from(&self.inner, part)));
            }
        }
        found
    }
}

/// What `part` refers to, by sorted references.
fn from(links: &[(u32, u32)], part: u32) -> impl Iterator<Item = u32> {
    let begin = links.partition_point(|(from, _)| *from < part);
    links[begin..]
        .iter()
        .take_while(move |(from, _)| *from == part)
        .map(|(_, to)| *to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_made_at_run_time_says_nothing() {
        // 0 is a function from a file, in scope 6; 3 was made in it, in a scope 7 of its own.
        let roles = [
            Role::Function,
            Role::Bytecode,
            Role::Constants,
            Role::Function,
            Role::Bytecode,
            Role::Constants,
            Role::Scope,
            Role::Scope,
        ];
        let mut program = Program::default();
        for (from, to) in [(0, 1), (1, 2), (0, 6), (3, 4), (4, 5), (3, 7)] {
            program.link(from, to);
        }
        program.nest(7, 6);
        program.made(3, 8);
        for (part, string) in [(0, 0), (2, 1), (3, 2), (5, 3), (6, 4), (5, 1), (7, 5)] {
            program.mention(part, string);
        }
        let mut marks = [0; 6];
        program.settle(&roles, &mut marks);
        let variable = mark::NAME | mark::VARIABLE;
        assert_eq!(marks, [mark::NAME, mark::CONSTANT, 0, 0, variable, 0]);
    }
}
