//! Scans JSON arrays of unsigned integers, which are nine tenths of a heap snapshot.
//!
//! ```text
//! "nodes":[9,1,1,0,5,0,0\n,9,2,3,0,28,0,0\n, … ]
//! ```
//!
//! # How
//!
//! 64 bytes at a time are turned into three bit masks (digits, commas, line ends), and the rest is
//! arithmetic on the masks: where numbers start and end, and whether numbers and commas alternate.
//! A number is then read in one go as the eight bytes before its end (SWAR), so that no step waits
//! for the length of the number before it. The idea of structural masks is from Langdale and Lemire,
//! "Parsing Gigabytes of JSON per Second" (2019).
//!
//! # What it refuses
//!
//! Signs, fractions, exponents, nested values, two commas in a row: the byte is named. Numbers of
//! more than 32 bits are set aside in [`Numbers::wide`] for the caller to judge; numbers of more
//! than 64 bits are refused.
//!
//! # Cost
//!
//! One pass, about two gigabytes a second on one core; no allocation once the buffers are warm.

/// A number that does not fit 32 bits; its place in [`Numbers::values`] holds `u32::MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wide {
    /// Index in [`Numbers::values`].
    pub at: u32,
    pub value: u64,
}

/// Whether a number or a comma is due next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Number,
    Comma,
}

/// What one slice of an array holds. Reused from slice to slice.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    pub values: Vec<u32>,
    pub wide: Vec<Wide>,
    /// What the slice begins with, where it has anything but white space.
    pub first: Option<Due>,
    /// What must follow the slice, where it has anything but white space.
    pub next: Option<Due>,
    /// Position of the closing bracket in the slice, if it was reached.
    pub end: Option<usize>,
}

/// A byte that has no place in an array of unsigned integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unexpected {
    /// Position in the slice.
    pub at: usize,
    pub expected: &'static str,
}

/// The scanner reads the eight (or sixteen) bytes before the end of a number, so a slice needs this
/// many readable bytes before it.
pub(crate) const PADDING: usize = 16;

/// Longest number accepted, in digits: 2^64 - 1 has twenty.
pub(crate) const MAX_DIGITS: usize = 20;

const BLOCK: usize = 64;

/// Reads the numbers of `bytes[PADDING..]` into `numbers`, up to the closing bracket if there is one.
///
/// The slice must begin and end between two tokens; `due` says what must come first, if known.
pub(crate) fn scan(bytes: &[u8], due: Option<Due>, numbers: &mut Numbers) -> Result<(), Unexpected> {
    numbers.wide.clear();
    numbers.first = None;
    numbers.next = None;
    numbers.end = None;
    // Every number has at least one digit and one comma, but for the last.
    let most = (bytes.len().saturating_sub(PADDING)).div_ceil(2) + 1;
    if numbers.values.len() < most {
        numbers.values.resize(most, 0);
    }
    let mut scanner = Scanner {
        bytes,
        numbers,
        count: 0,
        start: 0,
        open: false,
        due,
        digit_before: 0,
    };
    let result = run(&mut scanner);
    let count = scanner.count;
    numbers.values.truncate(count);
    result
}

struct Scanner<'a> {
    bytes: &'a [u8],
    numbers: &'a mut Numbers,
    count: usize,
    /// Where the number that crosses into this block began, if `open`.
    start: usize,
    open: bool,
    due: Option<Due>,
    /// Whether the last byte of the block before was a digit: 0 or 1.
    digit_before: u64,
}

impl Scanner<'_> {
    #[inline(always)]
    fn run(&mut self, masks: impl Fn(&[u8; BLOCK]) -> Masks) -> Result<(), Unexpected> {
        let bytes = self.bytes;
        let mut at = PADDING;
        while let Some(block) = bytes.get(at..at + BLOCK) {
            let masks = masks(block.try_into().expect("the slice has a block's length"));
            if self.block(at, masks)? {
                self.finish();
                return Ok(());
            }
            at += BLOCK;
        }
        if at < bytes.len() {
            let mut block = [b'\n'; BLOCK];
            block[..bytes.len() - at].copy_from_slice(&bytes[at..]);
            if self.block(at, masks(&block))? {
                self.finish();
                return Ok(());
            }
        }
        if self.open {
            self.emit(self.start, bytes.len())?;
        }
        self.finish();
        Ok(())
    }

    fn finish(&mut self) {
        if self.numbers.first.is_some() {
            self.numbers.next = self.due;
        }
    }

    /// Reads one block; true once the closing bracket was met.
    #[inline(always)]
    fn block(&mut self, at: usize, masks: Masks) -> Result<bool, Unexpected> {
        let Masks {
            mut digits,
            mut commas,
            lines,
        } = masks;
        let mut ended = false;
        let other = !(digits | commas | lines);
        // The bytes that belong to the array: all, up to a closing bracket.
        let mut within = u64::MAX;
        if other != 0
            && let Some(bracket) = self.stray(at, other)?
        {
            within = (1u64 << bracket) - 1;
            digits &= within;
            commas &= within;
            self.numbers.end = Some(at + bracket as usize - PADDING);
            ended = true;
        }
        let after_digit = digits << 1 | self.digit_before;
        let starts = digits & !after_digit;
        // A number ends at the first byte after it, which may be the bracket itself.
        let ends = after_digit & !digits & (within << 1 | 1);
        self.digit_before = digits >> 63;
        self.alternate(at, starts, commas)?;
        self.numbers_of(at, starts, ends)?;
        Ok(ended)
    }

    /// White space other than a line end is passed over; a closing bracket is returned.
    #[cold]
    fn stray(&self, at: usize, mut other: u64) -> Result<Option<u32>, Unexpected> {
        while other != 0 {
            let bit = other.trailing_zeros();
            match self.bytes.get(at + bit as usize) {
                Some(b' ' | b'\t' | b'\r') | None => other &= other - 1,
                Some(b']') => return Ok(Some(bit)),
                Some(_) => return Err(unexpected(at + bit as usize, "a digit, ',' or ']'")),
            }
        }
        Ok(None)
    }

    /// Checks that numbers and commas alternate.
    #[inline(always)]
    fn alternate(&mut self, at: usize, starts: u64, commas: u64) -> Result<(), Unexpected> {
        let events = starts | commas;
        if events == 0 {
            return Ok(());
        }
        if self.numbers.first.is_none() {
            let first = if starts & lowest(events) == 0 {
                Due::Comma
            } else {
                Due::Number
            };
            self.numbers.first = Some(first);
            self.due.get_or_insert(first);
        }
        let odd = prefix_xor(events);
        let number_due = if self.due == Some(Due::Number) { odd } else { !odd };
        let wrong = (starts & !number_due) | (commas & number_due);
        if wrong != 0 {
            let expected = if starts & lowest(wrong) == 0 { "a number" } else { "','" };
            return Err(unexpected(at + wrong.trailing_zeros() as usize, expected));
        }
        let last_is_number = events.leading_zeros() == starts.leading_zeros();
        self.due = Some(if last_is_number { Due::Comma } else { Due::Number });
        Ok(())
    }

    #[inline(always)]
    fn numbers_of(&mut self, at: usize, mut starts: u64, mut ends: u64) -> Result<(), Unexpected> {
        if self.open {
            if ends == 0 {
                // A digit in every place of the block: far beyond any number.
                return Err(unexpected(self.start, "a number of at most 20 digits"));
            }
            self.emit(self.start, at + ends.trailing_zeros() as usize)?;
            ends &= ends - 1;
            self.open = false;
        }
        while ends != 0 {
            let start = at + starts.trailing_zeros() as usize;
            let end = at + ends.trailing_zeros() as usize;
            self.emit(start, end)?;
            starts &= starts - 1;
            ends &= ends - 1;
        }
        if starts != 0 {
            self.start = at + starts.trailing_zeros() as usize;
            self.open = true;
        }
        Ok(())
    }

    #[inline(always)]
    fn emit(&mut self, start: usize, end: usize) -> Result<(), Unexpected> {
        let length = end - start;
        let value = if length <= 8 {
            eight_digits(self.eight_before(end), length)
        } else {
            self.long(start, end)?
        };
        self.numbers.values[self.count] = value;
        self.count += 1;
        Ok(())
    }

    #[inline(always)]
    fn eight_before(&self, end: usize) -> u64 {
        let bytes: [u8; 8] = self.bytes[end - 8..end].try_into().expect("eight bytes");
        u64::from_le_bytes(bytes)
    }

    #[inline(never)]
    fn long(&mut self, start: usize, end: usize) -> Result<u32, Unexpected> {
        let length = end - start;
        if length <= 16 {
            let low = u64::from(eight_digits(self.eight_before(end), 8));
            let high = u64::from(eight_digits(self.eight_before(end - 8), length - 8));
            return Ok(self.keep(high * 100_000_000 + low));
        }
        let value = self.bytes[start..end].iter().try_fold(0u64, |value, byte| {
            value.checked_mul(10)?.checked_add(u64::from(byte & 15))
        });
        match value {
            Some(value) if length <= MAX_DIGITS => Ok(self.keep(value)),
            _ => Err(unexpected(start, "a number below 2^64")),
        }
    }

    fn keep(&mut self, value: u64) -> u32 {
        u32::try_from(value).unwrap_or_else(|_| {
            self.numbers.wide.push(Wide {
                at: self.count as u32,
                value,
            });
            u32::MAX
        })
    }
}

#[cold]
fn unexpected(at: usize, expected: &'static str) -> Unexpected {
    Unexpected {
        at: at - PADDING,
        expected,
    }
}

/// Value of the last `length` (1 to 8) of eight ASCII digits.
#[inline(always)]
fn eight_digits(bytes: u64, length: usize) -> u32 {
    let digits = (bytes & 0x0f0f_0f0f_0f0f_0f0f) & (u64::MAX << (64 - 8 * length));
    // Neighbours are joined: one digit to two, two to four and four to eight.
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let high = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(0x000f_4240_0000_0064);
    let low = ((pairs >> 16) & 0x0000_00ff_0000_00ff).wrapping_mul(0x0000_2710_0000_0001);
    (high.wrapping_add(low) >> 32) as u32
}

/// Bit i of the result is the parity of bits 0 to i.
#[inline(always)]
fn prefix_xor(mut bits: u64) -> u64 {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^ bits << 32
}

#[inline(always)]
fn lowest(bits: u64) -> u64 {
    bits & bits.wrapping_neg()
}

/// One bit a byte: bit i is about byte i of the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Masks {
    digits: u64,
    commas: u64,
    lines: u64,
}

/// The scanner, compiled for processors with AVX2 and the bit manipulation instructions (2013 on).
#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m256i, _mm256_cmpeq_epi8, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_set_epi64x, _mm256_set1_epi8,
        _mm256_xor_si256,
    };

    use super::{BLOCK, Masks, Scanner, Unexpected};

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn run(scanner: &mut Scanner<'_>) -> Result<(), Unexpected> {
        scanner.run(|block| masks(block))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn masks(block: &[u8; BLOCK]) -> Masks {
        let (low, high) = (half(block, 0), half(block, 32));
        let join = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        Masks {
            digits: join(digits(low), digits(high)),
            commas: join(equal(low, b','), equal(high, b',')),
            lines: join(equal(low, b'\n'), equal(high, b'\n')),
        }
    }

    /// 32 bytes from `at`; the compiler makes one load of it.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn half(block: &[u8; BLOCK], at: usize) -> __m256i {
        let word = |i: usize| i64::from_le_bytes(block[at + 8 * i..at + 8 * i + 8].try_into().expect("eight bytes"));
        _mm256_set_epi64x(word(3), word(2), word(1), word(0))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn digits(bytes: __m256i) -> u32 {
        let offsets = _mm256_xor_si256(bytes, _mm256_set1_epi8(b'0'.cast_signed()));
        _mm256_movemask_epi8(_mm256_cmpeq_epi8(
            _mm256_min_epu8(offsets, _mm256_set1_epi8(9)),
            offsets,
        ))
        .cast_unsigned()
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn equal(bytes: __m256i, byte: u8) -> u32 {
        _mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(byte.cast_signed()))).cast_unsigned()
    }
}

#[cfg(target_arch = "x86_64")]
#[expect(
    unsafe_code,
    reason = "calls a function compiled for features that are checked at run time"
)]
fn run(scanner: &mut Scanner<'_>) -> Result<(), Unexpected> {
    if has_avx2() {
        // SAFETY: `has_avx2` is true, so the processor has every feature that `avx2::run` is compiled for.
        unsafe { avx2::run(scanner) }
    } else {
        scanner.run(portable_masks)
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx2") && has!("bmi1") && has!("bmi2") && has!("lzcnt") && has!("popcnt")
}

#[cfg(not(target_arch = "x86_64"))]
fn run(scanner: &mut Scanner<'_>) -> Result<(), Unexpected> {
    scanner.run(portable_masks)
}

/// Eight bytes at a time in ordinary registers.
#[inline(always)]
fn portable_masks(block: &[u8; BLOCK]) -> Masks {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    /// The high bit of each byte, gathered.
    fn gather(highs: u64) -> u64 {
        (highs >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
    }
    /// High bit set in each byte that is zero: exact, as no carry crosses bytes.
    fn zeros(bytes: u64) -> u64 {
        !(((bytes & !HIGHS) + !HIGHS) | bytes) & HIGHS
    }
    let mut masks = Masks {
        digits: 0,
        commas: 0,
        lines: 0,
    };
    for (lane, bytes) in block.chunks_exact(8).enumerate() {
        let bytes = u64::from_le_bytes(bytes.try_into().expect("chunks of eight"));
        let offsets = bytes ^ (ONES * u64::from(b'0'));
        // Below ten: no high bit, and none after adding 118.
        let digits = !(((offsets & !HIGHS) + ONES * 118) | offsets) & HIGHS;
        masks.digits |= gather(digits) << (8 * lane);
        masks.commas |= gather(zeros(bytes ^ (ONES * u64::from(b',')))) << (8 * lane);
        masks.lines |= gather(zeros(bytes ^ (ONES * u64::from(b'\n')))) << (8 * lane);
    }
    masks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan_text(text: &str) -> Result<Numbers, Unexpected> {
        let mut bytes = vec![b'7'; PADDING];
        bytes.extend_from_slice(text.as_bytes());
        let mut numbers = Numbers::default();
        scan(&bytes, Some(Due::Number), &mut numbers).map(|()| numbers)
    }

    #[test]
    fn reads_arrays_as_written() {
        let cases: &[(&str, &[u32], Option<usize>)] = &[
            ("]", &[], Some(0)),
            ("1]", &[1], Some(1)),
            ("1,2\n,3]tail", &[1, 2, 3], Some(6)),
            (
                " 0 ,\t12345678 ,\r\n123456789,4294967295 ] , 5",
                &[0, 12_345_678, 123_456_789, u32::MAX],
                None,
            ),
            ("1,2,3", &[1, 2, 3], None),
            ("00000000000000000012", &[12], None),
        ];
        for (text, values, end) in cases {
            let numbers = scan_text(text).unwrap();
            assert_eq!(numbers.values, *values, "{text}");
            if end.is_some() {
                assert_eq!(numbers.end, *end, "{text}");
            }
        }
    }

    #[test]
    fn refuses_what_is_no_array_of_unsigned_integers() {
        let cases = [
            ("1,-2]", 2),
            ("1,2.5]", 3),
            ("1,,2]", 2),
            ("1 2]", 2),
            ("1,null]", 2),
            ("1,\"a\"]", 2),
            ("1,[2]]", 2),
            (",1]", 0),
            ("1,184467440737095516160]", 2),
            ("1,99999999999999999999]", 2),
        ];
        for (text, at) in cases {
            assert_eq!(scan_text(text).unwrap_err().at, at, "{text}");
        }
        let endless = format!("1,{}", "9".repeat(500));
        assert_eq!(scan_text(&endless).unwrap_err().at, 2);
    }

    #[test]
    fn sets_wide_numbers_aside() {
        let numbers = scan_text("5,4294967296,18446744073709551615]").unwrap();
        assert_eq!(numbers.values, [5, u32::MAX, u32::MAX]);
        assert_eq!(
            numbers.wide,
            [Wide { at: 1, value: 1 << 32 }, Wide { at: 2, value: u64::MAX }]
        );
    }

    /// Every length of number at every place relative to the block, against the standard library.
    #[test]
    fn agrees_with_str_parse_wherever_numbers_lie() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        for lead in 0..130 {
            let mut text = " ".repeat(lead);
            let mut expected = Vec::new();
            for _ in 0..60 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let value = (state >> 32) as u32 >> (state % 32);
                expected.push(value);
                text.push_str(&value.to_string());
                text.push_str([",", "\n,", ", ", " , "][(state >> 8) as usize % 4]);
            }
            text.truncate(text.trim_end_matches([',', '\n', ' ']).len());
            text.push(']');
            let numbers = scan_text(&text).unwrap();
            assert_eq!(numbers.values, expected);
            assert_eq!(numbers.end, Some(text.len() - 1));
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    #[expect(unsafe_code, reason = "as in `run`")]
    fn both_kinds_of_masks_agree() {
        if !has_avx2() {
            return;
        }
        let mut block = [0u8; BLOCK];
        for round in 0..=255u8 {
            for (i, byte) in block.iter_mut().enumerate() {
                *byte = round.wrapping_add((i as u8).wrapping_mul(37));
            }
            // SAFETY: the features are there.
            assert_eq!(unsafe { avx2::masks(&block) }, portable_masks(&block));
        }
    }
}
