//! What the elements of an array are, and reading a value of one.

use half::f16;

/// One value of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    Unsigned(usize),
    Signed(usize),
    Float(usize),
}

impl Element {
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Self::Unsigned(bytes) | Self::Signed(bytes) | Self::Float(bytes) => bytes,
        }
    }

    pub(crate) const fn is_whole(self) -> bool {
        !matches!(self, Self::Float(_))
    }

    /// The value that begins there, unless it is below zero or no whole number.
    pub(crate) fn whole(self, bytes: &[u8]) -> Option<u64> {
        match self {
            Self::Unsigned(size) => Some(bits(bytes, size)),
            Self::Signed(size) => u64::try_from(signed(bytes, size)).ok(),
            Self::Float(_) => {
                let value = self.value(bytes);
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "in range"
                )]
                (value.fract() == 0.0 && (0.0..1e15).contains(&value)).then_some(value as u64)
            }
        }
    }

    pub(crate) fn value(self, bytes: &[u8]) -> f64 {
        match self {
            Self::Unsigned(size) => bits(bytes, size) as f64,
            Self::Signed(size) => signed(bytes, size) as f64,
            #[expect(clippy::cast_possible_truncation, reason = "two bytes were read")]
            Self::Float(2) => f16::from_bits(bits(bytes, 2) as u16).into(),
            #[expect(clippy::cast_possible_truncation, reason = "four bytes were read")]
            Self::Float(4) => f32::from_bits(bits(bytes, 4) as u32).into(),
            Self::Float(_) => f64::from_bits(bits(bytes, 8)),
        }
    }
}

fn bits(bytes: &[u8], size: usize) -> u64 {
    let mut eight = [0; 8];
    let size = size.min(bytes.len());
    eight[..size].copy_from_slice(&bytes[..size]);
    u64::from_le_bytes(eight)
}

fn signed(bytes: &[u8], size: usize) -> i64 {
    let unused = 64 - 8 * u32::try_from(size).unwrap_or(8);
    (bits(bytes, size) << unused).cast_signed() >> unused
}

/// A field of an element; of a plain array the only one, without a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// Where it begins in the element.
    pub(crate) at: usize,
    pub(crate) element: Element,
}

/// What an array says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) fields: Vec<Field>,
    pub(crate) element_bytes: usize,
    /// Elements.
    pub(crate) length: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_kind() {
        assert_eq!(Element::Signed(2).whole(&[0xFF, 0xFF]), None);
        assert_eq!(Element::Signed(2).value(&[0xFE, 0xFF]), -2.0);
        assert_eq!(Element::Unsigned(2).whole(&[1, 2, 3]), Some(513));
        assert_eq!(Element::Float(4).whole(&1.5_f32.to_le_bytes()), None);
        assert_eq!(Element::Float(2).value(&[0x00, 0x3E]), 1.5);
        assert_eq!(Element::Float(2).value(&[0x01, 0x80]), -(0.5_f64.powi(24)));
        assert!(Element::Float(2).value(&[0x01, 0x7C]).is_nan());
        assert_eq!(Element::Float(8).whole(&7.0_f64.to_le_bytes()), Some(7));
    }
}
