//! Datagrams of events, as other tools send them over UDP.
//!
//! | layout | sent by | an event |
//! |---|---|---|
//! | [`Spif`](DatagramLayout::Spif) | aestream, SPIF and spiffer of SpiNNaker | `u32`: bit 31 set, x in bits 30 to 16, polarity in bit 15, y in bits 14 to 0; with bit 31 clear a second `u32` is its time \[µs\] |
//! | [`Faery64`](DatagramLayout::Faery64) | faery, `t64_x16_y16_on8` | 13 bytes: `u64` time \[µs\], `u16` x, `u16` y, `u8` polarity |
//! | [`Faery32`](DatagramLayout::Faery32) | faery, `t32_x16_y15_on1` | 8 bytes: `u32` time \[µs\], `u16` x, `u16` y · 2 + polarity |
//!
//! All little-endian. None of them numbers its datagrams, so what the network loses cannot be told
//! from what was never sent; what is here and makes no sense is counted. Times of 32 bits go round
//! every 71.6 minutes and are carried on, in datagrams that overtake each other, too. An event of
//! SPIF without a time happened when its datagram came.

use std::str::FromStr;

use crate::{CameraEvent, Geometry, clock::Clock32};

/// How the bytes of a datagram are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatagramLayout {
    /// Words of SPIF, with times or without.
    Spif,
    /// faery's `t64_x16_y16_on8`.
    Faery64,
    /// faery's `t32_x16_y15_on1`.
    Faery32,
}

impl FromStr for DatagramLayout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "spif" => Ok(Self::Spif),
            "t64_x16_y16_on8" => Ok(Self::Faery64),
            "t32_x16_y15_on1" => Ok(Self::Faery32),
            _ => Err("expected spif, t64_x16_y16_on8 or t32_x16_y15_on1".into()),
        }
    }
}

/// What became of datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DatagramCounts {
    /// Datagrams read.
    pub datagrams: u64,
    /// Events given out.
    pub events: u64,
    /// Events off the sensor, dropped.
    pub outside: u64,
    /// Datagrams that end in the middle of an event, whose rest is dropped.
    pub torn: u64,
    /// Events of SPIF with a time among those without, or without among those with: dropped, for
    /// two clocks make no order.
    pub other_clock: u64,
}

/// Reads datagrams of one sender.
#[derive(Clone, Debug)]
pub struct DatagramReader {
    layout: DatagramLayout,
    geometry: Geometry,
    clock: Option<Clock>,
    counts: DatagramCounts,
}

/// Where the times of SPIF's events come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clock {
    /// The sensor.
    Sensor(Clock32),
    /// The arrival of datagrams.
    Arrival,
}

impl DatagramReader {
    /// A reader of events of a sensor of that size.
    #[must_use]
    pub const fn new(layout: DatagramLayout, geometry: Geometry) -> Self {
        let counts =
            DatagramCounts { datagrams: 0, events: 0, outside: 0, torn: 0, other_clock: 0 };
        Self { layout, geometry, clock: None, counts }
    }

    /// Appends the events of a datagram that came at a time \[µs, of the caller's clock\].
    pub fn read(&mut self, datagram: &[u8], arrived_us: u64, out: &mut Vec<CameraEvent>) {
        self.counts.datagrams += 1;
        let before = out.len();
        let is_whole = match self.layout {
            DatagramLayout::Spif => self.read_spif(datagram, arrived_us, out),
            DatagramLayout::Faery64 => self.read_faery_64(datagram, out),
            DatagramLayout::Faery32 => self.read_faery_32(datagram, out),
        };
        self.counts.torn += u64::from(!is_whole);
        self.counts.events += (out.len() - before) as u64;
    }

    /// What became of the datagrams so far.
    #[must_use]
    pub const fn counts(&self) -> &DatagramCounts {
        &self.counts
    }

    fn read_spif(&mut self, datagram: &[u8], arrived_us: u64, out: &mut Vec<CameraEvent>) -> bool {
        let (words, rest) = datagram.as_chunks::<4>();
        let mut words = words.iter().map(|word| u32::from_le_bytes(*word));
        while let Some(word) = words.next() {
            let is_timed = word >> 31 == 0;
            let time = if is_timed { words.next() } else { None };
            if is_timed && time.is_none() {
                return false;
            }
            let t_us = match (self.clock, time) {
                (None | Some(Clock::Sensor(_)), Some(low_us)) => self.sensor_time(low_us),
                (None | Some(Clock::Arrival), None) => {
                    self.clock = Some(Clock::Arrival);
                    arrived_us
                }
                _ => {
                    self.counts.other_clock += 1;
                    continue;
                }
            };
            let [y0, y1, x0, x1] = word.to_le_bytes();
            let [y, x] = [u16::from_le_bytes([y0, y1]), u16::from_le_bytes([x0, x1])];
            let [row, x] = [y & 0x7FFF, x & 0x7FFF];
            self.give(CameraEvent { t_us, x, y: row, on: y & 0x8000 != 0 }, out);
        }
        rest.is_empty()
    }

    fn read_faery_64(&mut self, datagram: &[u8], out: &mut Vec<CameraEvent>) -> bool {
        let (events, rest) = datagram.as_chunks::<13>();
        for &[t0, t1, t2, t3, t4, t5, t6, t7, x0, x1, y0, y1, on] in events {
            let t_us = u64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7]);
            let [x, y] = [u16::from_le_bytes([x0, x1]), u16::from_le_bytes([y0, y1])];
            self.give(CameraEvent { t_us, x, y, on: on != 0 }, out);
        }
        rest.is_empty()
    }

    fn read_faery_32(&mut self, datagram: &[u8], out: &mut Vec<CameraEvent>) -> bool {
        let (events, rest) = datagram.as_chunks::<8>();
        for &[t0, t1, t2, t3, x0, x1, y0, y1] in events {
            let t_us = self.sensor_time(u32::from_le_bytes([t0, t1, t2, t3]));
            let [x, row] = [u16::from_le_bytes([x0, x1]), u16::from_le_bytes([y0, y1])];
            self.give(CameraEvent { t_us, x, y: row >> 1, on: row & 1 != 0 }, out);
        }
        rest.is_empty()
    }

    fn sensor_time(&mut self, low_us: u32) -> u64 {
        let mut clock = match self.clock {
            Some(Clock::Sensor(clock)) => clock,
            _ => Clock32::default(),
        };
        let t_us = clock.carry_on(low_us);
        self.clock = Some(Clock::Sensor(clock));
        t_us
    }

    fn give(&mut self, event: CameraEvent, out: &mut Vec<CameraEvent>) {
        if self.geometry.contains(event.x, event.y) {
            out.push(event);
        } else {
            self.counts.outside += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SENSOR: Geometry = Geometry { width: 640, height: 480 };

    fn event(t_us: u64, x: u16, y: u16, on: bool) -> CameraEvent {
        CameraEvent { t_us, x, y, on }
    }

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn read(layout: DatagramLayout, datagrams: &[&[u8]]) -> (Vec<CameraEvent>, DatagramCounts) {
        let (mut reader, mut out) = (DatagramReader::new(layout, SENSOR), Vec::new());
        for (number, datagram) in (0..).zip(datagrams) {
            reader.read(datagram, 1_000 * number, &mut out);
        }
        (out, *reader.counts())
    }

    #[test]
    fn words_of_spif_with_times_and_without() {
        let timed = words(&[(3 << 16) | 0x8000 | 2, 77, 5 << 16, 78]);
        let (events, counts) = read(DatagramLayout::Spif, &[&timed]);
        assert_eq!(events, [event(77, 3, 2, true), event(78, 5, 0, false)]);
        assert_eq!(counts, DatagramCounts { datagrams: 1, events: 2, ..Default::default() });
        let plain = words(&[(1 << 31) | (639 << 16) | 479]);
        let (events, _) = read(DatagramLayout::Spif, &[&plain, &plain]);
        assert_eq!(events, [event(0, 639, 479, false), event(1_000, 639, 479, false)]);
    }

    #[test]
    fn two_clocks_in_one_flow_make_no_order() {
        let both = words(&[1 << 16, 77, (1 << 31) | (2 << 16), 3 << 16, 78]);
        let (events, counts) = read(DatagramLayout::Spif, &[&both]);
        assert_eq!(events, [event(77, 1, 0, false), event(78, 3, 0, false)]);
        assert_eq!(counts.other_clock, 1);
    }

    #[test]
    fn layouts_of_faery() {
        let mut wide = vec![];
        for (t_us, x, y, on) in [(u64::MAX, 1_u16, 2_u16, 1_u8), (6, 640, 0, 0)] {
            wide.extend(t_us.to_le_bytes());
            wide.extend(x.to_le_bytes());
            wide.extend(y.to_le_bytes());
            wide.push(on);
        }
        let (events, counts) = read(DatagramLayout::Faery64, &[&wide]);
        assert_eq!((events, counts.outside), (vec![event(u64::MAX, 1, 2, true)], 1));
        let narrow = [9, 0, 0, 0, 3, 0, 5, 0];
        let (events, _) = read(DatagramLayout::Faery32, &[&narrow]);
        assert_eq!(events, [event(9, 3, 2, true)]);
    }

    #[test]
    fn a_torn_datagram_costs_its_rest_alone() {
        for (layout, bytes) in
            [(DatagramLayout::Spif, 8), (DatagramLayout::Faery64, 13), (DatagramLayout::Faery32, 8)]
        {
            let two = vec![0; 2 * bytes];
            for cut in 0..=two.len() {
                let (events, counts) = read(layout, &[&two[..cut], &two]);
                assert_eq!(events.len(), cut / bytes + 2, "{layout:?} cut at {cut}");
                assert_eq!(counts.torn, u64::from(cut % bytes > 0), "{layout:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn times_of_32_bits_go_round_and_datagrams_overtake() {
        let at = |low: u32| words(&[low, 0]);
        let lows = [u32::MAX - 5, 3, u32::MAX - 1, 10];
        let datagrams: Vec<_> = lows.iter().map(|&low| at(low)).collect();
        let datagrams: Vec<&[u8]> = datagrams.iter().map(Vec::as_slice).collect();
        let (events, _) = read(DatagramLayout::Faery32, &datagrams);
        let turn = 1_u64 << 32;
        let times: Vec<_> = events.iter().map(|event| event.t_us).collect();
        assert_eq!(times, [turn - 6, turn + 3, turn - 2, turn + 10]);
    }

    proptest! {
        #[test]
        fn whatever_comes_lies_on_the_sensor_and_is_accounted_for(
            layout in prop::sample::select(vec![
                DatagramLayout::Spif, DatagramLayout::Faery64, DatagramLayout::Faery32,
            ]),
            datagrams in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..8),
        ) {
            let datagrams: Vec<&[u8]> = datagrams.iter().map(Vec::as_slice).collect();
            let (events, counts) = read(layout, &datagrams);
            prop_assert!(events.iter().all(|event| SENSOR.contains(event.x, event.y)));
            prop_assert_eq!(counts.events, events.len() as u64);
            prop_assert_eq!(counts.datagrams, datagrams.len() as u64);
            let told = counts.events + counts.outside + counts.other_clock;
            let bytes: usize = datagrams.iter().map(|datagram| datagram.len()).sum();
            let (least, most) = match layout {
                DatagramLayout::Spif => (4, 8),
                DatagramLayout::Faery64 => (13, 13),
                DatagramLayout::Faery32 => (8, 8),
            };
            prop_assert!(told * least <= bytes as u64);
            prop_assert!((told + counts.torn) * most + datagrams.len() as u64 * 4 >= bytes as u64);
        }
    }
}
