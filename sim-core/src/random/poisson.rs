//! Poisson counts by table: one draw, one load, one comparison, whatever the mean.
//!
//! `P(k) = e^-λ λ^k / k!` as an alias table (Walker 1977; built as Vose 1991): 2^b equally likely
//! columns, each of which holds its own count and one other, the alias. The upper b bits of a draw
//! choose the column, the next 48 whether it is the alias. Probabilities are whole multiples of
//! 2^-(48 + b), so the table is exact for the rounded ones and the same on every machine.

/// The largest mean of a table.
pub(crate) const MEAN_MAX: f64 = 1_000.0;
/// A count that is less likely than this share of the likeliest is left out, on either side; what
/// lies beyond adds up to less than 2^-40.
const LEFT_OUT: f64 = 1.0 / (1_u64 << 40) as f64;
/// Bits of a cell that name the alias, and bits that say how much of a column isn't the alias's.
const ALIAS_BITS: u32 = 16;
const SHARE_BITS: u32 = 64 - ALIAS_BITS;
/// The whole of a column.
const WHOLE: u64 = 1 << SHARE_BITS;

/// Counts of one mean.
#[derive(Clone, Debug)]
pub(crate) struct PoissonTable {
    /// | share of the column's own count, 48 | column of the alias's count, 16 |
    cells: Vec<u64>,
    /// log2 of the number of columns.
    column_bits: u32,
    /// The count of column 0.
    first: u32,
    max: u32,
}

impl PoissonTable {
    /// A table for a mean of 0 to [`MEAN_MAX`]. A mean below 2^-40 counts as 0.
    pub(crate) fn new(mean: f64) -> Self {
        assert!((0.0..=MEAN_MAX).contains(&mean), "validation bounds the mean: {mean}");
        let (first, likelihoods) = likelihoods(mean);
        let columns = likelihoods.len().next_power_of_two().max(2);
        let max = first + crate::sums::to_u32(likelihoods.len()) - 1;
        let cells = alias(masses(&likelihoods, columns));
        Self { cells, column_bits: columns.trailing_zeros(), first, max }
    }

    /// The count that belongs to 64 random bits.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "fewer columns than 2^16")]
    pub(crate) fn count(&self, draw: u64) -> u32 {
        let column = draw >> (u64::BITS - self.column_bits);
        let cell = self.cells[column as usize];
        let place = (draw << self.column_bits) >> ALIAS_BITS;
        let is_own = place < cell >> ALIAS_BITS;
        let column = if is_own { column } else { cell & ((1 << ALIAS_BITS) - 1) };
        self.first + column as u32
    }

    /// The largest count that can come.
    pub(crate) fn max_count(&self) -> u32 {
        self.max
    }
}

/// The likelihoods of the counts from the first that matters to the last, relative to the
/// likeliest, by `P(k + 1) = P(k) λ / (k + 1)`: no underflow, whatever the mean.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to MEAN_MAX")]
fn likelihoods(mean: f64) -> (u32, Vec<f64>) {
    let mode = mean as u32;
    let mut likelihoods = Vec::new();
    let (mut likelihood, mut first) = (1.0, mode);
    while first > 0 {
        likelihood *= f64::from(first) / mean;
        if likelihood < LEFT_OUT {
            break;
        }
        first -= 1;
        likelihoods.push(likelihood);
    }
    likelihoods.reverse();
    likelihood = 1.0;
    for count in mode + 1.. {
        likelihoods.push(likelihood);
        likelihood *= mean / f64::from(count);
        if likelihood < LEFT_OUT {
            break;
        }
    }
    (first, likelihoods)
}

/// One mass a column, rounded down, together `columns` times the whole: what rounding leaves goes
/// to the likeliest.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 2^58")]
fn masses(likelihoods: &[f64], columns: usize) -> Vec<u64> {
    let all = columns as u64 * WHOLE;
    let scale = all as f64 / likelihoods.iter().sum::<f64>();
    let mut masses: Vec<u64> = likelihoods.iter().map(|share| (share * scale) as u64).collect();
    masses.resize(columns, 0);
    let mode = likelihoods.iter().position(|&share| share == 1.0).unwrap_or_default();
    masses[mode] = 0;
    masses[mode] = all - masses.iter().sum::<u64>();
    masses
}

/// Fills every column that has less than its whole from one that has more, which becomes its
/// alias.
fn alias(mut masses: Vec<u64>) -> Vec<u64> {
    // A column that is full by itself is its own alias.
    let mut cells: Vec<u64> = (0..masses.len() as u64).collect();
    let (mut less, mut more): (Vec<usize>, Vec<usize>) =
        (0..masses.len()).partition(|&column| masses[column] < WHOLE);
    while let (Some(filled), Some(&giver)) = (less.pop(), more.last()) {
        cells[filled] = masses[filled] << ALIAS_BITS | giver as u64;
        masses[giver] -= WHOLE - masses[filled];
        if masses[giver] < WHOLE {
            less.push(giver);
            more.pop();
        }
    }
    debug_assert!(less.is_empty(), "the masses fill the columns exactly");
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Purpose, chi_square_z};

    const MEANS: [f64; 8] = [1e-6, 0.001, 0.1, 0.99, 2.0, 23.2, 200.0, MEAN_MAX];

    /// The probabilities of all counts from 0 that a table gives exactly.
    fn probabilities(table: &PoissonTable) -> Vec<f64> {
        let mut masses = vec![0; table.max_count() as usize + 1];
        for (column, cell) in table.cells.iter().enumerate() {
            let (own, alias) = (cell >> ALIAS_BITS, (cell & 0xffff) as usize);
            // Columns of no mass may lie beyond the largest count.
            for (column, mass) in [(column, own), (alias, WHOLE - own)] {
                if mass > 0 {
                    masses[table.first as usize + column] += mass;
                }
            }
        }
        let all = (table.cells.len() as u64 * WHOLE) as f64;
        masses.iter().map(|&mass| mass as f64 / all).collect()
    }

    fn formula(mean: f64, count: f64) -> f64 {
        libm::exp(count * libm::log(mean) - mean - libm::lgamma(count + 1.0))
    }

    /// Seen to fail with the giver's mass left as it was, and with 2^-30 left out.
    #[test]
    fn gives_each_count_its_probability() {
        let gate = 1.0 / (1_u64 << 40) as f64;
        for mean in MEANS {
            let table = PoissonTable::new(mean);
            let probabilities = probabilities(&table);
            for (count, &probability) in probabilities.iter().enumerate() {
                let expected = formula(mean, count as f64);
                let error = (probability - expected).abs();
                assert!(error < gate && error < 1e-9 * expected + gate / 8.0, "{mean}: {count}");
            }
            let last = f64::from(table.max_count());
            let beyond: f64 = (1..200).map(|above| formula(mean, last + f64::from(above))).sum();
            assert!(beyond < gate, "{mean}: {beyond:e} beyond {last}");
            assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-15, "{mean}");
        }
    }

    /// Seen to fail with the place taken from the bits that choose the column.
    #[test]
    fn a_large_sample_has_the_distribution() {
        for (seed, mean) in (0..).zip(MEANS) {
            let table = PoissonTable::new(mean);
            let key = Key::new(seed, Purpose::Source);
            let probabilities = probabilities(&table);
            let mut counts = vec![0; probabilities.len()];
            let n = 1_000_000;
            (0..n).for_each(|at| counts[table.count(key.draw(at)) as usize] += 1);
            let expected: Vec<f64> = probabilities.iter().map(|p| p * n as f64).collect();
            // Counts too rare for a chi-square are left to the test above.
            let usual = |&at: &usize| expected[at] > 20.0;
            let usual: Vec<usize> = (0..expected.len()).filter(usual).collect();
            let rare = n - usual.iter().map(|&at| counts[at]).sum::<u64>();
            assert!(rare < 2_000, "{mean}: {rare}");
            if usual.len() > 1 {
                let z = chi_square_z(
                    &usual.iter().map(|&at| counts[at]).collect::<Vec<_>>(),
                    &usual.iter().map(|&at| expected[at]).collect::<Vec<_>>(),
                );
                assert!(z.abs() < 5.0, "{mean}: {z}");
            }
        }
    }

    #[test]
    fn keeps_to_its_largest_count_and_to_its_bits() {
        let mut digest = 0_u64;
        for mean in MEANS {
            let table = PoissonTable::new(mean);
            for cell in &table.cells {
                digest = digest.rotate_left(5) ^ cell;
            }
            let ends = [0, u64::MAX, 1 << 63, u64::MAX >> 1];
            assert!(ends.iter().all(|&draw| table.count(draw) <= table.max_count()), "{mean}");
        }
        assert_eq!(PoissonTable::new(0.0).count(u64::MAX), 0);
        assert_eq!(PoissonTable::new(1e-13).max_count(), 0);
        assert_eq!(PoissonTable::new(0.001).max_count(), 3);
        assert_eq!(digest, 0x44b2_f36d_2285_1653, "{digest:#x}");
    }
}
