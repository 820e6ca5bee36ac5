//! BloscLZ, Blosc's own kind of Lempel-Ziv.
//!
//! | first byte | means |
//! |---|---|
//! | 0 to 31 | so many bytes and one more follow as they are |
//! | L << 5 \| H, L > 0 | L + 2 bytes again, from H << 8 \| next byte, and one more, back |
//!
//! L = 7 goes on in bytes up to one below 255, which add up; H = 31 with a next byte of 255 says that the
//! distance follows in two bytes, high first, to which 8192 is added. The very first byte has no L.

/// Reaches from here on are told in two bytes more.
const FAR: usize = 8_191;

/// Unpacks to exactly so many bytes, behind what `out` holds, or says what is wrong.
pub(super) fn unpack(packed: &[u8], bytes: usize, out: &mut Vec<u8>) -> Result<(), String> {
    let (begin, end) = (out.len(), out.len() + bytes);
    let mut at = 0;
    let next = |at: &mut usize| {
        let byte = packed.get(*at).copied().map(usize::from);
        *at += 1;
        byte.ok_or_else(|| "ends inside a run".to_owned())
    };
    while at < packed.len() {
        let first = if at == 0 { next(&mut at)? & 31 } else { next(&mut at)? };
        if first < 32 {
            let run = packed.get(at..at + first + 1).ok_or("ends inside a run")?;
            out.extend_from_slice(run);
            at += run.len();
        } else {
            let mut length = (first >> 5) + 2;
            let high = first & 31;
            if first >> 5 == 7 {
                loop {
                    let more = next(&mut at)?;
                    length += more;
                    if more < 255 {
                        break;
                    }
                }
            }
            let low = next(&mut at)?;
            let back = if (high, low) == (31, 255) {
                (next(&mut at)? << 8 | next(&mut at)?) + FAR + 1
            } else {
                (high << 8 | low) + 1
            };
            if back > out.len() - begin || length > end.saturating_sub(out.len()) {
                return Err(format!("a copy of {length} bytes from {back} back leads outside"));
            }
            let from = out.len() - back;
            for place in from..from + length {
                out.push(out[place]);
            }
        }
        if out.len() > end {
            return Err(format!("holds more than {bytes} bytes"));
        }
    }
    if out.len() < end {
        return Err(format!("holds {} of {bytes} bytes", out.len() - begin));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpacked(packed: &[u8], bytes: usize) -> Result<Vec<u8>, String> {
        let mut out = vec![7];
        unpack(packed, bytes, &mut out).map(|()| out.split_off(1))
    }

    /// Seen to fail with far copies that begin a byte later.
    #[test]
    fn copies_reach_far_and_over_themselves() {
        // "ab", then 4 bytes from 2 back.
        assert_eq!(unpacked(&[1, b'a', b'b', 2 << 5, 1], 6), Ok(b"ababab".to_vec()));
        // "abc", 9 000 times the last of it (9 and 35 times 255 and 66), "xyz", 3 bytes from 9 006 back.
        let mut packed = vec![2, b'a', b'b', b'c', 7 << 5];
        packed.extend(std::iter::repeat_n(255, 35));
        packed.extend([66, 0, 2, b'x', b'y', b'z']);
        let far = u16::try_from(9_006 - FAR - 1).expect("small").to_be_bytes();
        packed.extend([1 << 5 | 31, 255, far[0], far[1]]);
        let expected = [b"abc".to_vec(), vec![b'c'; 9_000], b"xyzabc".to_vec()].concat();
        assert_eq!(unpacked(&packed, expected.len()), Ok(expected));
    }

    #[test]
    fn what_leads_outside_is_refused() {
        for (packed, bytes, said) in [
            (&[0, b'a', 1 << 5, 1][..], 4, "from 2 back leads outside"),
            (&[0, b'a', 1 << 5, 0][..], 3, "a copy of 3 bytes"),
            (&[1, b'a', b'b'][..], 1, "holds more than 1 bytes"),
            (&[0, b'a'][..], 2, "holds 1 of 2 bytes"),
            (&[3, b'a'][..], 4, "ends inside a run"),
            (&[0, b'a', 7 << 5, 255][..], 900, "ends inside a run"),
        ] {
            let refused = unpacked(packed, bytes).expect_err("it is refused");
            assert!(refused.contains(said), "{refused}");
        }
    }
}
