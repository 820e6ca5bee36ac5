//! As much of CDR, the serialisation of ROS 2, as messages of events need (OMG DDSI-RTPS 2.2,
//! section 10.2: version 1 of the encoding, both orders of bytes).
//!
//! Four bytes tell the order; behind them stands each field at a multiple of its own size.

/// The fields of a message, from the first on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cdr<'a> {
    body: &'a [u8],
    at: usize,
    is_big: bool,
}

impl<'a> Cdr<'a> {
    /// A message of an order that is known; or what is wrong with it.
    pub(super) fn new(message: &'a [u8]) -> Result<Self, String> {
        let Some((&[0, order, _, _], body)) = message.split_first_chunk() else {
            return Err("is no CDR".into());
        };
        match order {
            0 | 1 => Ok(Self::at(body, 0, order == 0)),
            _ => Err(format!("is CDR of kind {order}, expected 0 or 1")),
        }
    }

    /// A body from a place on.
    pub(super) fn at(body: &'a [u8], at: usize, is_big: bool) -> Self {
        Self { body, at, is_big }
    }

    pub(super) fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Where the next field begins, but for what aligns it.
    pub(super) fn place(&self) -> usize {
        self.at
    }

    pub(super) fn is_big(&self) -> bool {
        self.is_big
    }

    /// So many bytes behind what aligns them; `None` where the message ends before.
    #[inline]
    fn aligned<const N: usize>(&mut self) -> Option<[u8; N]> {
        let begin = self.at.next_multiple_of(N);
        let mut bytes = *self.body.get(begin..)?.first_chunk::<N>()?;
        if self.is_big {
            bytes.reverse();
        }
        self.at = begin + N;
        Some(bytes)
    }

    #[inline]
    pub(super) fn u8(&mut self) -> Option<u8> {
        self.aligned().map(|[byte]| byte)
    }

    #[inline]
    pub(super) fn u16(&mut self) -> Option<u16> {
        self.aligned().map(u16::from_le_bytes)
    }

    #[inline]
    pub(super) fn u32(&mut self) -> Option<u32> {
        self.aligned().map(u32::from_le_bytes)
    }

    #[inline]
    pub(super) fn i32(&mut self) -> Option<i32> {
        self.aligned().map(i32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.aligned().map(u64::from_le_bytes)
    }

    /// An array of bytes.
    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.u32()?).ok()?;
        let bytes = self.body.get(self.at..)?.get(..length)?;
        self.at += length;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_at_multiples_of_their_size_in_either_order() {
        let little = [0, 1, 0, 0, 7, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 3, 0];
        let big = [0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 3];
        for message in [little, big] {
            let mut fields = Cdr::new(&message).unwrap();
            assert_eq!((fields.u8(), fields.u32()), (Some(7), Some(5)));
            fields.at += 1;
            assert_eq!((fields.u16(), fields.u16()), (Some(0), Some(3)));
            assert_eq!((fields.u8(), fields.place()), (None, 14));
        }
    }
}
