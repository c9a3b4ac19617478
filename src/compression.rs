//! How a snapshot is stored: as V8 wrote it, or compressed with gzip or zstd. For those who write files and those who
//! read them.
//!
//! Compressed are what a [`Filter`] makes of chunks. It allocates and computes, and asks the system for nothing else, so it
//! works in a forked child too. Files are told by their first bytes where they are read, by their names where they are
//! written.
//!
//! # Cost
//!
//! Both compressions run at their fastest levels, which keep up with V8: see `bench/COMPRESSION.md`.

use std::io::{self, BufRead, Read, Write};
use std::mem;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Of 1 to 9: the fastest.
const GZIP_LEVEL: u32 = 1;
/// Of 1 to 22: the fastest.
const ZSTD_LEVEL: i32 = 1;

/// How a file is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compression {
    /// As V8 wrote it.
    #[default]
    None,
    /// `.gz`
    Gzip,
    /// `.zst`
    Zstd,
}

impl Compression {
    /// By the name that options have for it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::None, Self::Gzip, Self::Zstd]
            .into_iter()
            .find(|compression| compression.as_str() == name)
    }

    /// The name that options have for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// What the name of a file says about it.
    #[must_use]
    pub fn of_name(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("gz") => Self::Gzip,
            Some("zst") => Self::Zstd,
            _ => Self::None,
        }
    }

    /// What the first bytes of a file say about it.
    #[must_use]
    pub fn of_bytes(first: &[u8]) -> Self {
        match first {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::None,
        }
    }

    /// How a file's name ends that nobody chose.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }

    /// What compresses, if anything is to.
    pub fn filter(self) -> io::Result<Option<Box<dyn Filter>>> {
        Ok(match self {
            Self::None => None,
            Self::Gzip => Some(Box::new(gzip())),
            Self::Zstd => Some(Box::new(zstd()?)),
        })
    }

    /// The text of what is stored like this.
    pub fn text<'a>(self, stored: impl BufRead + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
        Ok(match self {
            Self::None => Box::new(stored),
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(stored)),
            Self::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(stored)?),
        })
    }
}

/// Bytes in, bytes out.
pub trait Filter: Send {
    /// Takes all of `input`, and appends to `output` what can go on already.
    fn take(&mut self, input: &[u8], output: &mut Vec<u8>) -> io::Result<()>;
    /// There is no more input: appends the rest.
    fn end(&mut self, output: &mut Vec<u8>) -> io::Result<()>;
}

/// Compresses into memory: a filter, once it is lent the buffer that it is to fill.
trait Compressor: Write + Send {
    fn buffer(&mut self) -> &mut Vec<u8>;
    fn complete(&mut self) -> io::Result<()>;

    fn lent(&mut self, output: &mut Vec<u8>, work: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        mem::swap(self.buffer(), output);
        let done = work(self);
        mem::swap(self.buffer(), output);
        done
    }
}

impl<C: Compressor> Filter for C {
    fn take(&mut self, input: &[u8], output: &mut Vec<u8>) -> io::Result<()> {
        self.lent(output, |compressor| compressor.write_all(input))
    }

    fn end(&mut self, output: &mut Vec<u8>) -> io::Result<()> {
        self.lent(output, Self::complete)
    }
}

type Gzip = flate2::write::GzEncoder<Vec<u8>>;

fn gzip() -> Gzip {
    Gzip::new(Vec::new(), flate2::Compression::new(GZIP_LEVEL))
}

impl Compressor for Gzip {
    fn buffer(&mut self) -> &mut Vec<u8> {
        self.get_mut()
    }

    fn complete(&mut self) -> io::Result<()> {
        self.try_finish()
    }
}

type Zstd = zstd::stream::write::Encoder<'static, Vec<u8>>;

fn zstd() -> io::Result<Zstd> {
    let mut encoder = Zstd::new(Vec::new(), ZSTD_LEVEL)?;
    encoder.include_checksum(true)?; // as gzip has one: damage is noticed
    Ok(encoder)
}

impl Compressor for Zstd {
    fn buffer(&mut self) -> &mut Vec<u8> {
        self.get_mut()
    }

    fn complete(&mut self) -> io::Result<()> {
        self.do_finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell() {
        let cases = [
            ("a.heapsnapshot", Compression::None),
            ("a.heapsnapshot.gz", Compression::Gzip),
            ("/tmp/a.zst", Compression::Zstd),
            ("a.gzip", Compression::None),
            (".gz", Compression::None),
        ];
        for (name, expected) in cases {
            assert_eq!(Compression::of_name(Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn what_is_compressed_is_told_and_read_again() {
        for compression in [Compression::Gzip, Compression::Zstd] {
            assert_eq!(Compression::named(compression.as_str()), Some(compression));
            let mut filter = compression.filter().unwrap().unwrap();
            let (mut stored, mut part) = (Vec::new(), Vec::new());
            for chunk in [&b"one "[..], b"", b"two"] {
                part.clear();
                filter.take(chunk, &mut part).unwrap();
                stored.extend_from_slice(&part);
            }
            filter.end(&mut stored).unwrap();
            assert_eq!(Compression::of_bytes(&stored), compression);
            let mut text = String::new();
            compression
                .text(&stored[..])
                .unwrap()
                .read_to_string(&mut text)
                .unwrap();
            assert_eq!(text, "one two");
        }
        assert_eq!(Compression::named("brotli"), None);
    }
}
