//! Undoing the two orders in which Blosc lays out elements before it packs them.
//!
//! Shuffled, all first bytes of the elements come first, then all second ones, and so on; bit-shuffled, the
//! lowest bits of all first bytes, then their second bits, and so on. What is left over by whole elements
//! (by eights of them, for bits) stands behind as it is.

/// Elements of so many bytes, out of their bytes by place.
pub(super) fn bytes(shuffled: &[u8], element_bytes: usize, out: &mut Vec<u8>) {
    let count = shuffled.len() / element_bytes;
    let (planes, rest) = shuffled.split_at(count * element_bytes);
    for element in 0..count {
        out.extend((0..element_bytes).map(|byte| planes[byte * count + element]));
    }
    out.extend_from_slice(rest);
}

/// Elements of so many bytes, out of their bits by place; where they are not eights, nothing was done.
pub(super) fn bits(shuffled: &[u8], element_bytes: usize, out: &mut Vec<u8>) {
    let count = shuffled.len() / element_bytes;
    if !count.is_multiple_of(8) {
        out.extend_from_slice(shuffled);
        return;
    }
    let (planes, rest) = shuffled.split_at(count * element_bytes);
    let plane_bytes = count / 8;
    for element in 0..count {
        let bit_of = |plane: usize| planes[plane * plane_bytes + element / 8] >> (element % 8) & 1;
        out.extend(
            (0..element_bytes)
                .map(|byte| (0..8).fold(0, |value, bit| value | bit_of(8 * byte + bit) << bit)),
        );
    }
    out.extend_from_slice(rest);
}
