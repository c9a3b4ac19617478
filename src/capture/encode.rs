//! What happens to V8's chunks on their way to the target: provenance goes into the first, then every
//! chunk passes through a chain of filters, the last of which compresses.
//!
//! ```text
//! V8's chunks ──▶ provenance ──▶ redaction ──▶ compression ──▶ what is written
//! ```
//!
//! An [`Encoder`] writes nothing itself, so it runs wherever the writing is done: on the writer's thread
//! ([`writer`](super::writer)), in a forked child ([`live`](super::live)), where the portable engine
//! copies. It allocates and computes, and asks the system for nothing else, as a child must not.
//!
//! A [`Filter`] is bytes in, bytes out; one that is to see the text stands before compression. Without filters chunks
//! pass uncopied.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};

use super::provenance;
use crate::compression::{Compression, Filter};
use crate::redact::{Failure, Redactor};

/// What is to be done to a snapshot's text while it is written.
#[derive(Clone, Debug, Default)]
pub struct Encoding {
    pub compression: Compression,
    /// Leave out what strings contain: [`Encoder::redact`] must be called before the first chunk.
    pub redact: bool,
}

struct Stage {
    filter: Box<dyn Filter>,
    output: Vec<u8>,
}

impl Stage {
    fn new(filter: Box<dyn Filter>) -> Self {
        Self {
            filter,
            output: Vec::new(),
        }
    }
}

/// The way of one snapshot's chunks.
pub struct Encoder {
    /// Until the first chunk, where it goes.
    header: Option<Vec<u8>>,
    first: Vec<u8>,
    /// Nodes and edges, as V8's header says.
    counts: (u64, u64),
    stages: Vec<Stage>,
    /// Whether nothing may pass yet.
    closed: bool,
}

impl Encoder {
    /// `header` is what [`provenance::header`] made.
    pub fn new(header: Vec<u8>, encoding: &Encoding) -> io::Result<Self> {
        Ok(Self {
            header: Some(header),
            first: Vec::new(),
            counts: (0, 0),
            closed: encoding.redact,
            stages: encoding.compression.filter()?.map(Stage::new).into_iter().collect(),
        })
    }

    /// From now on chunks are redacted.
    pub fn redact(&mut self, redactor: Redactor) {
        self.stages.insert(0, Stage::new(Box::new(Redaction(Some(redactor)))));
        self.closed = false;
    }

    /// What is to be written now that V8 has given `chunk`.
    pub fn take<'a>(&'a mut self, chunk: &'a [u8]) -> io::Result<&'a [u8]> {
        if self.closed {
            return Err(io::Error::other("text that is to be redacted cannot pass as it is"));
        }
        let mut text = chunk;
        if let Some(header) = self.header.take() {
            self.counts = provenance::counts(chunk);
            self.first = provenance::spliced(chunk, &header);
            text = &self.first;
        }
        for Stage { filter, output } in &mut self.stages {
            output.clear();
            filter.take(text, output)?;
            text = output;
        }
        Ok(text)
    }

    /// What remains to be written now that V8 has given its last.
    pub fn end(&mut self) -> io::Result<&[u8]> {
        let mut text: &[u8] = &[];
        for Stage { filter, output } in &mut self.stages {
            output.clear();
            filter.take(text, output)?;
            filter.end(output)?;
            text = output;
        }
        Ok(text)
    }

    /// Nodes and edges, once the first chunk has passed.
    pub fn counts(&self) -> (u64, u64) {
        self.counts
    }
}

/// Stands first: what comes after it sees no secret.
struct Redaction(Option<Redactor>);

impl Filter for Redaction {
    fn take(&mut self, input: &[u8], output: &mut Vec<u8>) -> io::Result<()> {
        let Some(redactor) = &mut self.0 else {
            return Ok(());
        };
        redactor
            .feed(input, &mut |bytes| append(output, bytes))
            .map_err(refused)
    }

    fn end(&mut self, output: &mut Vec<u8>) -> io::Result<()> {
        match self.0.take() {
            Some(redactor) => redactor
                .finish(&mut |bytes| append(output, bytes))
                .map(drop)
                .map_err(refused),
            None => Ok(()),
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what a redactor writes to may fail")]
fn append(output: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Infallible> {
    output.extend_from_slice(bytes);
    Ok(())
}

fn refused(failure: Failure<Infallible>) -> io::Error {
    match failure {
        Failure::Malformed(malformed) => io::Error::new(io::ErrorKind::InvalidData, malformed.to_string()),
        Failure::Sink(never) => match never {},
    }
}

/// The beginning of a file's text, `length` bytes at most, whatever the file is compressed with. Reads
/// little more of the file than that takes.
pub fn beginning(file: &mut File, length: usize) -> io::Result<Vec<u8>> {
    /// More than one compressed block that text of this length can begin with.
    const READ_BYTES: usize = 64 << 10;
    let mut magic = Vec::new();
    file.rewind()?;
    file.take(4).read_to_end(&mut magic)?;
    file.rewind()?;
    let stored = BufReader::with_capacity(READ_BYTES, file);
    let text = Compression::of_bytes(&magic).text(stored)?;
    let mut beginning = Vec::with_capacity(length);
    text.take(length as u64).read_to_end(&mut beginning)?;
    Ok(beginning)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const TEXT: &[u8] = br#"{"snapshot":{"meta":{},"node_count":12,"edge_count":345},"nodes":[1,2,3]}"#;
    const WITH_HEADER: &[u8] =
        br#"{"snapshot":{"rs_heapdump":{},"meta":{},"node_count":12,"edge_count":345},"nodes":[1,2,3]}"#;

    fn stored(compression: Compression) -> Encoding {
        Encoding {
            compression,
            redact: false,
        }
    }

    #[test]
    fn nothing_passes_before_it_can_be_redacted() {
        let encoding = Encoding {
            redact: true,
            ..Encoding::default()
        };
        let mut encoder = Encoder::new(Vec::new(), &encoding).unwrap();
        assert!(encoder.take(TEXT).is_err());
    }

    fn encoded(compression: Compression, chunks: &[&[u8]]) -> (Vec<u8>, (u64, u64)) {
        let mut encoder = Encoder::new(br#""rs_heapdump":{},"#.to_vec(), &stored(compression)).unwrap();
        let mut written = Vec::new();
        for chunk in chunks {
            written.extend_from_slice(encoder.take(chunk).unwrap());
        }
        written.extend_from_slice(encoder.end().unwrap());
        (written, encoder.counts())
    }

    #[test]
    fn every_compression_gives_the_text_back() {
        let more: Vec<u8> = (0..300_000u32).flat_map(|n| n.to_string().into_bytes()).collect();
        let chunks: Vec<&[u8]> = std::iter::once(TEXT).chain(more.chunks(65_536)).collect();
        let expected = [WITH_HEADER, &more].concat();
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let (written, counts) = encoded(compression, &chunks);
            assert_eq!(counts, (12, 345));
            assert_eq!(written.len() < expected.len() / 2, compression != Compression::None);
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&written).unwrap();
            let all = beginning(&mut file, expected.len() + 1).unwrap();
            assert!(all == expected, "{compression:?}");
            assert_eq!(beginning(&mut file, 5).unwrap(), b"{\"sna");
        }
    }

    #[test]
    fn a_filter_stands_before_compression_and_keeps_its_rest_for_the_end() {
        /// Hands on what it has got one chunk later.
        struct Late(Vec<u8>);
        impl Filter for Late {
            fn take(&mut self, input: &[u8], output: &mut Vec<u8>) -> io::Result<()> {
                output.append(&mut self.0);
                self.0.extend_from_slice(input);
                Ok(())
            }
            fn end(&mut self, output: &mut Vec<u8>) -> io::Result<()> {
                output.append(&mut self.0);
                output.extend_from_slice(b" the end");
                Ok(())
            }
        }
        let compression = Compression::Zstd;
        let mut encoder = Encoder::new(Vec::new(), &stored(compression)).unwrap();
        encoder.stages.insert(0, Stage::new(Box::new(Late(Vec::new()))));
        let mut written = encoder.take(b"one ").unwrap().to_vec();
        written.extend_from_slice(encoder.take(b"two").unwrap());
        written.extend_from_slice(encoder.end().unwrap());
        assert_eq!(zstd::decode_all(&written[..]).unwrap(), b"one two the end");
    }
}
