//! Damage done to an example: one to several small changes, each of a kind that readers trip over.
//!
//! No coverage guides them, so they know what formats are made of: lengths and counts in either
//! byte order, checksums (a target's own repair), words of a text, numbers in digits, pieces that
//! come twice or from another example.

use crate::random::Random;

/// Longest piece that a change copies, removes or inserts.
const PIECE_MAX: usize = 64;

/// What changes draw from.
pub(crate) struct Source<'a> {
    pub(crate) examples: &'a [Vec<u8>],
    /// Pieces that mean something to the reader.
    pub(crate) words: &'a [Vec<u8>],
    pub(crate) bytes_max: usize,
}

/// The input of a stream.
pub(crate) fn input(source: &Source<'_>, random: &mut Random) -> Vec<u8> {
    if random.once_in(32) {
        let length = random.index(source.bytes_max.min(512) + 1);
        return random.bytes(length);
    }
    let mut bytes = random.of(source.examples).clone();
    if random.once_in(64) {
        return bytes;
    }
    // One change goes deepest into a reader, many find what hangs together: 1, 2, 4 or 8 at most.
    let most = 1 << random.below(4);
    for _ in 0..=random.below(most) {
        change(&mut bytes, source, random);
    }
    bytes.truncate(source.bytes_max);
    bytes
}

fn change(bytes: &mut Vec<u8>, source: &Source<'_>, random: &mut Random) {
    match random.below(if source.words.is_empty() { 11 } else { 15 }) {
        0 => flip(bytes, random),
        1 => set(bytes, random),
        2 | 3 => number(bytes, random),
        4 => digits(bytes, random),
        5 => {
            let piece = random.piece(bytes.len(), PIECE_MAX);
            bytes.drain(piece);
        }
        6 => {
            let piece = random.piece(bytes.len(), PIECE_MAX);
            let piece = bytes[piece].to_vec();
            insert(bytes, &piece, random);
        }
        7 => {
            let length = random.index(9);
            let piece = random.bytes(length);
            insert(bytes, &piece, random);
        }
        8 => bytes.truncate(random.index(bytes.len() + 1)),
        9 => splice(bytes, random.of(source.examples).as_slice(), random),
        10 => cross(bytes, random.of(source.examples).as_slice(), random),
        11 | 12 => exchange_word(bytes, source.words, random),
        13 => insert(bytes, random.of(source.words).as_slice(), random),
        _ => overwrite(bytes, random.of(source.words).as_slice(), random),
    }
}

fn flip(bytes: &mut [u8], random: &mut Random) {
    let at = random.index(bytes.len());
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1_u8 << random.below(8);
    }
}

fn set(bytes: &mut [u8], random: &mut Random) {
    let at = random.index(bytes.len());
    if let (Some(byte), Some(&value)) = (bytes.get_mut(at), random.bytes(1).first()) {
        *byte = value;
    }
}

/// Puts a number that lies at a border, or moves the one that stands there a little.
fn number(bytes: &mut [u8], random: &mut Random) {
    let width = *random.of(&[1, 2, 4, 8]);
    let Some(last) = bytes.len().checked_sub(width) else { return };
    let start = random.index(last + 1);
    let place = &mut bytes[start..start + width];
    let little = !random.once_in(4);
    let mut value = place.iter().rev().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    if !little {
        value = value.swap_bytes() >> (64 - 8 * width);
    }
    let value = match random.below(6) {
        0 => value.wrapping_add(1 + random.below(16)),
        1 => value.wrapping_sub(1 + random.below(16)),
        2 => 1_u64 << random.below(64),
        3 => (1_u64 << random.below(64)).wrapping_sub(1),
        4 => (start as u64).wrapping_add(random.below(17)).wrapping_sub(8),
        _ => *random.of(&[0, 1, u64::MAX, u64::MAX >> 1, (last + width) as u64]),
    };
    let mut written = value.to_le_bytes();
    let written = &mut written[..width];
    if !little {
        written.reverse();
    }
    place.copy_from_slice(written);
}

/// Puts another number where one stands in digits.
fn digits(bytes: &mut Vec<u8>, random: &mut Random) {
    let from = random.index(bytes.len());
    let Some(start) = bytes[from..].iter().position(u8::is_ascii_digit).map(|at| from + at) else {
        return;
    };
    let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let text = match random.below(8) {
        0 => random.below(10).to_string(),
        1 => random.below(100_000).to_string(),
        2 => (1_u64 << random.below(64)).to_string(),
        3 => u64::MAX.to_string(),
        4 => format!("-{}", random.below(1_000)),
        5 => format!("{}.{}", random.below(1_000), random.below(1_000)),
        6 => format!("{}e{}", 1 + random.below(9), random.below(400)),
        _ => (*random.of(&["0", "1", "nan", "inf", "1e-320", "4294967296", "0x10"])).into(),
    };
    bytes.splice(start..start + length, text.into_bytes());
}

fn insert(bytes: &mut Vec<u8>, piece: &[u8], random: &mut Random) {
    let at = random.index(bytes.len() + 1);
    bytes.splice(at..at, piece.iter().copied());
}

fn overwrite(bytes: &mut [u8], piece: &[u8], random: &mut Random) {
    let at = random.index(bytes.len());
    for (byte, new) in bytes.iter_mut().skip(at).zip(piece) {
        *byte = *new;
    }
}

/// A piece of another example over what is here.
fn splice(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let taken = random.piece(other.len(), PIECE_MAX);
    let replaced = random.piece(bytes.len(), PIECE_MAX);
    bytes.splice(replaced, other[taken].iter().copied());
}

/// The beginning of one, the end of another.
fn cross(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    bytes.truncate(random.index(bytes.len() + 1));
    let aligned = bytes.len().min(other.len());
    let from = if random.once_in(2) { aligned } else { random.index(other.len() + 1) };
    bytes.extend_from_slice(&other[from..]);
}

/// Another word in the place of one.
fn exchange_word(bytes: &mut Vec<u8>, words: &[Vec<u8>], random: &mut Random) {
    let (old, new) = (random.of(words).clone(), random.of(words));
    let from = random.index(bytes.len());
    let found = |bytes: &[u8]| bytes.windows(old.len().max(1)).position(|window| window == old);
    if let Some(at) = found(&bytes[from..]).map(|at| from + at).or_else(|| found(bytes)) {
        bytes.splice(at..at + old.len(), new.iter().copied());
    }
}

/// The words of some texts: names, numbers, and the signs between them.
pub(crate) fn words_of(texts: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut words = std::collections::BTreeSet::new();
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-".contains(byte);
    for text in texts {
        for word in text.chunk_by(|a, b| inside(a) && inside(b)) {
            words.insert(word.to_vec());
        }
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            words.insert(line.to_vec());
        }
    }
    words.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source<'a>(examples: &'a [Vec<u8>], words: &'a [Vec<u8>]) -> Source<'a> {
        Source { examples, words, bytes_max: 100 }
    }

    #[test]
    fn any_example_can_be_damaged_and_stays_short() {
        let examples = [vec![], vec![7], b"length = 12, 0x3\n".to_vec(), vec![0xFF; 99]];
        let words = words_of(&examples);
        assert!(words.contains(&b"length".to_vec()) && words.contains(&b"12".to_vec()));
        for (number, words) in (0..20_000).zip([&[][..], &words].into_iter().cycle()) {
            let bytes = input(&source(&examples, words), &mut Random::stream(1, number));
            assert!(bytes.len() <= 100);
        }
    }

    /// Fields of four bytes meet every border that a reader may forget.
    #[test]
    fn numbers_at_borders_come() {
        let examples = [vec![0, 0, 0, 4, 0, 0, 0, 0]];
        let mut missing: Vec<u32> = vec![0xFFFF_FFFF, 0x7FFF_FFFF, 1 << 31, 8, 3, 5];
        for number in 0..200_000 {
            let bytes = input(&source(&examples, &[]), &mut Random::stream(3, number));
            let Some(field) = bytes.first_chunk() else { continue };
            missing.retain(|&border| border != u32::from_be_bytes(*field));
        }
        assert!(missing.is_empty(), "{missing:?}");
    }
}
