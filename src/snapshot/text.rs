//! A cursor over the text of a snapshot: the few bytes between the big arrays one at a time, the arrays
//! themselves on all cores.
//!
//! # How arrays are shared out
//!
//! A plain file is cut into chunks of [`CHUNK_BYTES`]. Threads claim chunks in order, read and scan
//! them on their own, and hand their numbers to the caller strictly in order. A number belongs to the
//! chunk it begins in; what a thread scanned past the closing bracket is dropped. A stream is scanned
//! by one thread while another decompresses.

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::error::{Section, SnapshotError, show_byte};
use super::numbers::{self, Due, MAX_DIGITS, Numbers, PADDING, Unexpected};
use super::source::{RandomAccess, Source};

/// Text and numbers of one chunk stay in a core's second-level cache.
const CHUNK_BYTES: usize = 256 << 10;
/// A number may run past the end of its chunk by this much.
const OVERHANG_BYTES: usize = MAX_DIGITS + 12;
/// Small reads between the arrays.
const REFILL_BYTES: usize = 64 << 10;

/// A number that is well formed but makes no sense where it stands.
pub(crate) struct Reject {
    /// Index in the numbers handed over.
    pub at: usize,
    pub expected: Cow<'static, str>,
    pub found: Cow<'static, str>,
}

/// Takes the numbers of an array, slice by slice, in order.
pub(crate) type Sink<'a> = dyn FnMut(&Numbers) -> Result<(), Reject> + Send + 'a;

/// Called with the bytes read so far.
pub(crate) type Progress<'a> = dyn Fn(u64) + Sync + 'a;

pub(crate) struct Text<'p> {
    source: Source,
    buffer: Vec<u8>,
    /// Next byte in `buffer`.
    position: usize,
    /// Offset in the text of `buffer[0]`.
    base: u64,
    section: Section,
    threads: usize,
    progress: &'p Progress<'p>,
}

impl<'p> Text<'p> {
    pub(crate) fn new(source: Source, threads: NonZeroUsize, progress: &'p Progress<'p>) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            position: 0,
            base: 0,
            section: Section::Other,
            threads: threads.get(),
            progress,
        }
    }

    /// Offset of the next byte.
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.position as u64
    }

    /// Goes to another place of a plain file.
    pub(crate) fn seek(&mut self, offset: u64) {
        self.base = offset;
        self.buffer.clear();
        self.position = 0;
    }

    /// Names the section in errors.
    pub(crate) fn enter(&mut self, section: Section) {
        self.section = section;
    }

    /// The plain file, unless this is a stream.
    pub(crate) fn file(&self) -> Option<RandomAccess> {
        match &self.source {
            Source::File(file) => Some(file.clone()),
            Source::Stream(_) => None,
        }
    }

    /// Drops what was read and gets more; false at the end.
    fn refill(&mut self) -> Result<bool, SnapshotError> {
        self.base += self.buffer.len() as u64;
        self.position = 0;
        (self.progress)(self.base);
        match &mut self.source {
            Source::File(file) => {
                self.buffer.resize(REFILL_BYTES, 0);
                let got = file.read_at(&mut self.buffer, self.base)?;
                self.buffer.truncate(got);
            }
            Source::Stream(stream) => self.buffer = stream.next()?.unwrap_or_default(),
        }
        Ok(!self.buffer.is_empty())
    }

    /// What is left in the buffer, refilled if need be; empty at the end.
    pub(crate) fn available(&mut self) -> Result<&[u8], SnapshotError> {
        if self.position == self.buffer.len() {
            self.refill()?;
        }
        Ok(&self.buffer[self.position..])
    }

    pub(crate) fn consume(&mut self, bytes: usize) {
        self.position += bytes;
    }

    pub(crate) fn peek(&mut self) -> Result<Option<u8>, SnapshotError> {
        Ok(self.available()?.first().copied())
    }

    pub(crate) fn next(&mut self, expected: &'static str) -> Result<u8, SnapshotError> {
        let byte = self.peek()?.ok_or_else(|| self.truncated(expected))?;
        self.position += 1;
        Ok(byte)
    }

    /// The next byte that is no white space, not consumed.
    pub(crate) fn peek_token(&mut self) -> Result<Option<u8>, SnapshotError> {
        while let Some(byte) = self.peek()? {
            if !byte.is_ascii_whitespace() {
                return Ok(Some(byte));
            }
            self.position += 1;
        }
        Ok(None)
    }

    /// Consumes white space and then `byte`.
    pub(crate) fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), SnapshotError> {
        match self.peek_token()? {
            Some(found) if found == byte => {
                self.position += 1;
                Ok(())
            }
            Some(found) => Err(SnapshotError::format(
                self.offset(),
                self.section,
                expected,
                show_byte(found),
            )),
            None => Err(self.truncated(expected)),
        }
    }

    pub(crate) fn truncated(&self, expected: &'static str) -> SnapshotError {
        SnapshotError::truncated(self.offset(), self.section, expected)
    }

    pub(crate) fn unexpected(&self, expected: &'static str, found: u8) -> SnapshotError {
        SnapshotError::format(self.offset(), self.section, expected, show_byte(found))
    }

    /// Reads a short string without escapes, such as a key of the top-level object.
    pub(crate) fn key(&mut self) -> Result<String, SnapshotError> {
        const MAX_KEY_BYTES: usize = 256;
        self.expect(b'"', "a key in quotes")?;
        let mut key = Vec::new();
        loop {
            match self.next("the end of a key")? {
                b'"' => return Ok(String::from_utf8_lossy(&key).into_owned()),
                byte if key.len() < MAX_KEY_BYTES => key.push(byte),
                byte => return Err(self.unexpected("a key of at most 256 bytes", byte)),
            }
        }
    }

    /// Passes over any value, however deep, without recursion; `keep` is given its bytes.
    pub(crate) fn skip_value(
        &mut self,
        mut keep: impl FnMut(&Self, &[u8]) -> Result<(), SnapshotError>,
    ) -> Result<(), SnapshotError> {
        let mut value = ValueEnd::default();
        self.peek_token()?.ok_or_else(|| self.truncated("a value"))?;
        loop {
            let bytes = std::mem::take(&mut self.buffer);
            let (used, ended) = value.find(&bytes[self.position..]);
            let result = keep(self, &bytes[self.position..self.position + used]);
            self.buffer = bytes;
            self.position += used;
            result?;
            if ended {
                return Ok(());
            }
            if !self.refill()? {
                return Err(self.truncated("the end of a value"));
            }
        }
    }

    /// Reads an array of unsigned integers from its opening bracket to its closing one.
    pub(crate) fn numbers(&mut self, sink: &mut Sink<'_>) -> Result<(), SnapshotError> {
        self.expect(b'[', "'['")?;
        match &self.source {
            Source::File(file) => {
                let file = file.clone();
                let end = self.numbers_in_parallel(&file, sink)?;
                self.seek(end);
                Ok(())
            }
            Source::Stream(_) => self.numbers_in_sequence(sink),
        }
    }

    fn numbers_in_sequence(&mut self, sink: &mut Sink<'_>) -> Result<(), SnapshotError> {
        let mut numbers = Numbers::default();
        let mut grammar = Grammar::default();
        // A number that the last block ended in, after the bytes the scanner may look back on.
        let mut slice = vec![b','; PADDING];
        loop {
            let carried = slice.len() - PADDING;
            let begin = self.offset() - carried as u64;
            if self.position == self.buffer.len() && !self.refill()? {
                return Err(self.truncated("a number, ',' or ']'"));
            }
            slice.extend_from_slice(&self.buffer[self.position..]);
            let cut = slice.len() - slice.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
            let cut = cut.max(PADDING);
            if slice.len() - cut > MAX_DIGITS {
                return Err(SnapshotError::format(
                    begin,
                    self.section,
                    "a number of at most 20 digits",
                    "more",
                ));
            }
            let place = Place {
                begin,
                slice: &slice[..cut],
                section: self.section,
            };
            numbers::scan(place.slice, Some(grammar.due), &mut numbers).map_err(|error| place.unexpected(error))?;
            grammar.follow(&place, &numbers)?;
            sink(&numbers).map_err(|reject| place.reject(reject))?;
            if let Some(end) = numbers.end {
                self.position += end + 1 - carried;
                return Ok(());
            }
            self.position = self.buffer.len();
            slice.drain(PADDING..cut);
        }
    }

    /// Returns the offset after the closing bracket.
    fn numbers_in_parallel(&self, file: &RandomAccess, sink: &mut Sink<'_>) -> Result<u64, SnapshotError> {
        let shared = Shared {
            file,
            start: self.offset(),
            section: self.section,
            progress: self.progress,
            claimed: AtomicU64::new(0),
            turn: Mutex::new(Turn {
                chunk: 0,
                grammar: Grammar::default(),
                outcome: None,
                sink,
            }),
            turned: Condvar::new(),
        };
        let chunks = file.bytes.saturating_sub(shared.start).div_ceil(CHUNK_BYTES as u64);
        let helpers = self
            .threads
            .min(usize::try_from(chunks).unwrap_or(usize::MAX))
            .saturating_sub(1);
        thread::scope(|scope| {
            for _ in 0..helpers {
                scope.spawn(|| shared.work());
            }
            shared.work();
        });
        let turn = shared.turn.into_inner().unwrap_or_else(PoisonError::into_inner);
        turn.outcome.expect("workers return only once there is an outcome")
    }
}

/// Reads an array of a plain file once more, from the offset where it began.
pub(crate) fn numbers_at(file: &RandomAccess, offset: u64, sink: &mut Sink<'_>) -> Result<(), SnapshotError> {
    let nothing = |_| {};
    let mut text = Text::new(Source::File(file.clone()), default_threads(), &nothing);
    text.seek(offset);
    text.numbers(sink)
}

/// As many as there are cores, up to four: more would wait for memory.
pub(crate) fn default_threads() -> NonZeroUsize {
    const MOST: NonZeroUsize = NonZeroUsize::new(4).expect("four is not zero");
    thread::available_parallelism().map_or(NonZeroUsize::MIN, |threads| threads.min(MOST))
}

/// A slice of an array and where it lies, to say where an error is.
struct Place<'a> {
    /// Offset in the text of `slice[PADDING]`.
    begin: u64,
    slice: &'a [u8],
    section: Section,
}

impl Place<'_> {
    fn unexpected(&self, error: Unexpected) -> SnapshotError {
        let found = self
            .slice
            .get(PADDING + error.at)
            .map_or("nothing".into(), |byte| show_byte(*byte));
        SnapshotError::format(self.begin + error.at as u64, self.section, error.expected, found)
    }

    fn reject(&self, reject: Reject) -> SnapshotError {
        let offset = self.begin + nth_number(&self.slice[PADDING..], reject.at) as u64;
        SnapshotError::format(offset, self.section, reject.expected, reject.found)
    }
}

/// Position of the number with index `n`.
fn nth_number(bytes: &[u8], n: usize) -> usize {
    let starts = |at: &usize| bytes[*at].is_ascii_digit() && (*at == 0 || !bytes[*at - 1].is_ascii_digit());
    (0..bytes.len()).filter(starts).nth(n).unwrap_or(0)
}

/// Whether slices that are each well formed also follow each other.
struct Grammar {
    due: Due,
    /// Nothing but white space so far.
    empty: bool,
}

impl Default for Grammar {
    fn default() -> Self {
        Self {
            due: Due::Number,
            empty: true,
        }
    }
}

impl Grammar {
    fn follow(&mut self, place: &Place<'_>, numbers: &Numbers) -> Result<(), SnapshotError> {
        if let (Some(first), Some(next)) = (numbers.first, numbers.next) {
            if first != self.due {
                let expected = if self.due == Due::Number { "a number" } else { "','" };
                return Err(SnapshotError::format(
                    place.begin,
                    place.section,
                    expected,
                    "something else",
                ));
            }
            self.due = next;
            self.empty = false;
        }
        match numbers.end {
            Some(end) if self.due == Due::Number && !self.empty => Err(SnapshotError::format(
                place.begin + end as u64,
                place.section,
                "a number",
                "']'",
            )),
            _ => Ok(()),
        }
    }
}

/// What the threads scanning one array share.
struct Shared<'a, 's> {
    file: &'a RandomAccess,
    /// Offset of the first byte after the opening bracket.
    start: u64,
    section: Section,
    progress: &'a Progress<'a>,
    /// Chunks claimed so far.
    claimed: AtomicU64,
    turn: Mutex<Turn<'a, 's>>,
    turned: Condvar,
}

/// Whose turn it is to hand over.
struct Turn<'a, 's> {
    chunk: u64,
    grammar: Grammar,
    outcome: Option<Result<u64, SnapshotError>>,
    sink: &'a mut Sink<'s>,
}

impl<'a, 's> Shared<'a, 's> {
    fn work(&self) {
        let mut buffer = vec![0; PADDING + CHUNK_BYTES + OVERHANG_BYTES];
        let mut numbers = Numbers::default();
        loop {
            let chunk = self.claimed.fetch_add(1, Ordering::Relaxed);
            let scanned = self.scan(chunk, &mut buffer, &mut numbers);
            let Some(mut turn) = self.wait_for(chunk) else {
                return;
            };
            turn.outcome = match scanned {
                Ok((place, end)) => turn.hand_over(&place, &numbers, end),
                Err(error) => Some(Err(error)),
            };
            turn.chunk += 1;
            let done = turn.outcome.is_some();
            drop(turn);
            self.turned.notify_all();
            if done {
                return;
            }
            (self.progress)(self.start + (chunk + 1) * CHUNK_BYTES as u64);
        }
    }

    /// Reads and scans one chunk; also gives the end of the file, if it is reached.
    fn scan<'b>(
        &self,
        chunk: u64,
        buffer: &'b mut [u8],
        numbers: &mut Numbers,
    ) -> Result<(Place<'b>, Option<u64>), SnapshotError> {
        let begin = self.start + chunk * CHUNK_BYTES as u64;
        // From the byte before, which tells whether the chunk begins inside a number.
        let got = self.file.read_at(&mut buffer[PADDING - 1..], begin - 1)?;
        let buffer = &buffer[..PADDING - 1 + got.max(1)];
        let last = buffer.len() <= PADDING + CHUNK_BYTES;
        let mut from = PADDING;
        if chunk > 0 && buffer[PADDING - 1].is_ascii_digit() {
            from += digits(&buffer[from..]);
        }
        let mut to = buffer.len().min(PADDING + CHUNK_BYTES);
        if buffer[to - 1].is_ascii_digit() {
            to += digits(&buffer[to..]);
        }
        if last {
            // No bracket may follow, and what the file ends in is no number then but the beginning of one.
            to -= buffer[from.min(to)..to]
                .iter()
                .rev()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
        }
        let to = to.max(from);
        let place = Place {
            begin: begin + (from - PADDING) as u64,
            slice: &buffer[from - PADDING..to],
            section: self.section,
        };
        numbers::scan(place.slice, (chunk == 0).then_some(Due::Number), numbers)
            .map_err(|error| place.unexpected(error))?;
        let end = last.then(|| begin + (buffer.len() - PADDING) as u64);
        Ok((place, end))
    }

    /// Waits until all chunks before this one are handed over; `None` if there is nothing more to do.
    fn wait_for(&self, chunk: u64) -> Option<MutexGuard<'_, Turn<'a, 's>>> {
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        while turn.chunk != chunk && turn.outcome.is_none() {
            turn = self.turned.wait(turn).unwrap_or_else(PoisonError::into_inner);
        }
        turn.outcome.is_none().then_some(turn)
    }
}

impl Turn<'_, '_> {
    fn hand_over(
        &mut self,
        place: &Place<'_>,
        numbers: &Numbers,
        end_of_file: Option<u64>,
    ) -> Option<Result<u64, SnapshotError>> {
        match (self.try_hand_over(place, numbers), end_of_file) {
            (Ok(None), Some(end)) => Some(Err(SnapshotError::truncated(
                end,
                place.section,
                "a number, ',' or ']'",
            ))),
            (result, _) => result.transpose(),
        }
    }

    fn try_hand_over(&mut self, place: &Place<'_>, numbers: &Numbers) -> Result<Option<u64>, SnapshotError> {
        self.grammar.follow(place, numbers)?;
        (self.sink)(numbers).map_err(|reject| place.reject(reject))?;
        Ok(numbers.end.map(|end| place.begin + end as u64 + 1))
    }
}

fn digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Finds the end of one JSON value, without judging what is inside it.
#[derive(Default)]
struct ValueEnd {
    depth: u64,
    in_string: bool,
    escaped: bool,
    in_scalar: bool,
}

impl ValueEnd {
    /// How many of `bytes` belong to the value, and whether it ends there.
    fn find(&mut self, bytes: &[u8]) -> (usize, bool) {
        for (at, &byte) in bytes.iter().enumerate() {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => {
                        self.in_string = false;
                        if self.depth == 0 {
                            return (at + 1, true);
                        }
                    }
                    _ => {}
                }
                continue;
            }
            match byte {
                b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t' if self.in_scalar && self.depth == 0 => {
                    return (at, true);
                }
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return (at + 1, true);
                    }
                }
                _ => self.in_scalar = true,
            }
        }
        (bytes.len(), false)
    }
}
