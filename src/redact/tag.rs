//! What stands for a string: as long as it was, the same for the same text, and telling nothing else.
//!
//! ```text
//! alice@example.com    ~k3x9q2m4v7a1z***      equal strings have equal tags within one key
//! ```
//!
//! The tag is SipHash-2-4 of the text under a key that nobody keeps, so that no guess can be tried out. A text of
//! fewer than 14 units has room for a part of it only: short texts that differ may look alike, never the other
//! way about.

/// Base 32 of 64 bits.
const DIGITS: usize = 13;
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const MARK: u8 = b'~';
const FILL: u8 = b'*';

/// Hands the tag of a text of so many units over, piece by piece.
pub(super) fn write<E>(hash: u64, units: u64, mut put: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let mut text = [MARK; 1 + DIGITS];
    for (at, digit) in text[1..].iter_mut().enumerate() {
        *digit = ALPHABET[(hash >> (5 * at)) as usize & 31];
    }
    match usize::try_from(units) {
        Ok(0) => return Ok(()),
        // A mark alone would say nothing.
        Ok(1) => return put(&text[1..2]),
        Ok(units) if units <= text.len() => return put(&text[..units]),
        _ => put(&text)?,
    }
    let mut left = units - text.len() as u64;
    while left > 0 {
        let piece = left.min(64);
        put(&[FILL; 64][..piece as usize])?;
        left -= piece;
    }
    Ok(())
}
