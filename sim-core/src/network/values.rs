//! How a parameter, a weight or a delay varies: one value, one value each, or a distribution.
//!
//! A value is a pure function of a key and an index: it takes one draw, by inversion, so that
//! neither order nor neighbours matter. Everything is bounded, because the plan proves that sums
//! cannot overflow. A bounded distribution is the conditional one, `F^-1(F(min) + u (F(max) -
//! F(min)))`: what one gets by drawing anew whatever falls outside, for as long as it takes.
//! Nothing piles up at a bound.

use std::sync::Arc;

use crate::{
    math::{exp, ln},
    random::{
        Key,
        normal::{distribution, quantile},
        unit, unit_open,
    },
};

/// Where a distribution without a bound of its own ends \[standard deviations\]. Beyond lies one
/// value in 1.7 million.
const SPREAD: f64 = 5.0;
/// Bounds that leave nothing of a distribution up to here are refused \[standard deviations\].
const REACH: f64 = 8.0;

/// How values vary over neurons or synapses.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// One for all.
    Same(f64),
    /// One each, by index.
    Each(Arc<[f64]>),
    /// All values between two are equally likely.
    Uniform {
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
    },
    /// Normal with a mean and a standard deviation *before* it is bounded. Values outside the
    /// bounds are drawn anew.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation, 0 or above.
        sd: f64,
        /// The smallest; mean - 5 sd if there is none.
        min: Option<f64>,
        /// The largest; mean + 5 sd if there is none.
        max: Option<f64>,
    },
    /// The exponential of a normal value. Values outside the bounds are drawn anew.
    LogNormal {
        /// Mean of the logarithm.
        mu: f64,
        /// Standard deviation of the logarithm, 0 or above.
        sigma: f64,
        /// The smallest; exp(mu - 5 sigma) if there is none.
        min: Option<f64>,
        /// The largest; exp(mu + 5 sigma) if there is none.
        max: Option<f64>,
    },
}

impl From<f64> for Values {
    fn from(value: f64) -> Self {
        Self::Same(value)
    }
}

impl Values {
    /// A normal distribution, which ends 5 standard deviations from its mean.
    #[must_use]
    pub const fn normal(mean: f64, sd: f64) -> Self {
        Self::Normal { mean, sd, min: None, max: None }
    }

    /// A log-normal distribution, which ends 5 standard deviations of the logarithm from its mean.
    #[must_use]
    pub const fn log_normal(mu: f64, sigma: f64) -> Self {
        Self::LogNormal { mu, sigma, min: None, max: None }
    }

    /// The smallest and the largest value that can come. Of no values, 0 and 0.
    pub(crate) fn bounds(&self) -> (f64, f64) {
        match *self {
            Self::Same(value) => (value, value),
            Self::Each(ref values) if values.is_empty() => (0.0, 0.0),
            Self::Each(ref values) => {
                let start = (f64::INFINITY, f64::NEG_INFINITY);
                values.iter().fold(start, |(min, max), &value| (min.min(value), max.max(value)))
            }
            Self::Uniform { min, max } => (min, max),
            Self::Normal { mean, sd, min, max } => {
                (min.unwrap_or(mean - SPREAD * sd), max.unwrap_or(mean + SPREAD * sd))
            }
            Self::LogNormal { mu, sigma, min, max } => {
                let end = |spread: f64| exp(mu + spread * sigma);
                (min.unwrap_or_else(|| end(-SPREAD)), max.unwrap_or_else(|| end(SPREAD)))
            }
        }
    }

    /// The value of one index. For many, [`Self::sampler`] works out once what they share.
    #[cfg(test)]
    pub(crate) fn sample(&self, key: Key, index: u64) -> f64 {
        self.sampler().sample(key, index)
    }

    /// Ready to draw; for values that were checked.
    pub(crate) fn sampler(&self) -> Sampler {
        let (min, max) = self.bounds();
        match *self {
            Self::Same(value) => Sampler::Same(value),
            Self::Each(ref values) => Sampler::Each(Arc::clone(values)),
            Self::Uniform { min, max } => Sampler::Uniform { min, span: max - min, max },
            Self::Normal { mean, sd, .. } => match Normal::new(mean, sd, min, max) {
                Some(normal) => Sampler::Normal(normal, min, max),
                None => Sampler::Same(mean),
            },
            Self::LogNormal { mu, sigma, .. } => match Normal::new(mu, sigma, log(min), log(max)) {
                Some(normal) => Sampler::LogNormal(normal, min, max),
                None => Sampler::Same(exp(mu)),
            },
        }
    }

    /// Whether values can be drawn; `each` says how many there must be where each has its own.
    pub(crate) fn check(&self, each: Option<usize>) -> Result<(), String> {
        match *self {
            Self::Same(value) => finite("the value", value),
            Self::Each(ref values) => check_each(values, each),
            Self::Uniform { min, max } => {
                ordered(min, max)?;
                finite("max - min", max - min)
            }
            Self::Normal { mean, sd, .. } => {
                spread(["mean", "sd"], mean, sd)?;
                let (min, max) = self.bounds();
                ordered(min, max)?;
                within_reach(mean, sd, [min, max], [min, max])
            }
            Self::LogNormal { mu, sigma, .. } => {
                spread(["mu", "sigma"], mu, sigma)?;
                let (min, max) = self.bounds();
                ordered(min, max)?;
                within_reach(mu, sigma, [log(min), log(max)], [min, max])
            }
        }
    }

    /// Appends the numbers that determine every value. No two descriptions append the same.
    pub(crate) fn fields(&self, to: &mut Vec<u64>) {
        let mut spread = |kind: u64, numbers: [f64; 2], ends: [Option<f64>; 2]| {
            to.push(kind);
            to.extend(numbers.map(f64::to_bits));
            for end in ends {
                to.extend([end.is_some().into(), end.unwrap_or_default().to_bits()]);
            }
        };
        match *self {
            Self::Normal { mean, sd, min, max } => spread(4, [mean, sd], [min, max]),
            Self::LogNormal { mu, sigma, min, max } => spread(5, [mu, sigma], [min, max]),
            Self::Same(value) => to.extend([1, value.to_bits()]),
            Self::Each(ref values) => {
                to.extend([2, values.len() as u64]);
                to.extend(values.iter().map(|value| value.to_bits()));
            }
            Self::Uniform { min, max } => to.extend([3, min.to_bits(), max.to_bits()]),
        }
    }
}

/// The logarithm of a bound; of 0 and below, there is nothing that it keeps out.
fn log(bound: f64) -> f64 {
    if bound > 0.0 { ln(bound) } else { f64::NEG_INFINITY }
}

fn finite(name: &str, value: f64) -> Result<(), String> {
    if value.is_finite() { Ok(()) } else { Err(format!("{name} is {value}, not a finite number")) }
}

fn ordered(min: f64, max: f64) -> Result<(), String> {
    finite("min", min)?;
    finite("max", max)?;
    if min <= max { Ok(()) } else { Err(format!("min is {min}, above max, {max}")) }
}

fn spread(names: [&str; 2], location: f64, scale: f64) -> Result<(), String> {
    finite(names[0], location)?;
    finite(names[1], scale)?;
    if scale >= 0.0 { Ok(()) } else { Err(format!("{} is {scale}, below 0", names[1])) }
}

/// Whether bounds leave anything to draw; `ends` are `bounds` on the scale of the location.
fn within_reach(location: f64, scale: f64, ends: [f64; 2], bounds: [f64; 2]) -> Result<(), String> {
    let reach = REACH * scale;
    if ends[0] <= location + reach && ends[1] >= location - reach {
        return Ok(());
    }
    let [min, max] = bounds;
    Err(format!("min {min} and max {max} leave nothing within {REACH} standard deviations"))
}

fn check_each(values: &[f64], each: Option<usize>) -> Result<(), String> {
    let Some(needed) = each else {
        return Err("one value each is not available here: the number of values is drawn".into());
    };
    if values.len() != needed {
        return Err(format!("{} values; {needed} are needed", values.len()));
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(position) => finite(&format!("value {position}"), values[position]),
        None => Ok(()),
    }
}

/// Values ready to draw.
#[derive(Clone, Debug)]
pub(crate) enum Sampler {
    Same(f64),
    Each(Arc<[f64]>),
    Uniform {
        min: f64,
        span: f64,
        max: f64,
    },
    /// With the smallest and the largest.
    Normal(Normal, f64, f64),
    LogNormal(Normal, f64, f64),
}

impl Sampler {
    /// The value of one index.
    #[inline]
    pub(crate) fn sample(&self, key: Key, index: u64) -> f64 {
        // Rounding may take a value just beyond its bounds.
        match self {
            Self::Same(value) => *value,
            Self::Each(values) => values[usize::try_from(index).expect("checked: one each")],
            Self::Uniform { min, span, max } => (min + unit(key.draw(index)) * span).min(*max),
            Self::Normal(normal, min, max) => normal.value(key.draw(index)).max(*min).min(*max),
            Self::LogNormal(normal, min, max) => {
                exp(normal.value(key.draw(index))).max(*min).min(*max)
            }
        }
    }
}

/// A normal distribution between bounds.
#[derive(Clone, Debug)]
pub(crate) struct Normal {
    mean: f64,
    /// Below zero where the bounds lie above the mean: mirrored, they lie in the lower tail, where
    /// probabilities keep their precision.
    sd: f64,
    /// Probability below the bounds.
    below: f64,
    /// Probability between them.
    between: f64,
}

impl Normal {
    /// `None` if all values are the mean.
    fn new(mean: f64, sd: f64, min: f64, max: f64) -> Option<Self> {
        if sd == 0.0 {
            return None;
        }
        let [low, high] = [min, max].map(|bound| (bound - mean) / sd);
        let is_mirrored = low + high > 0.0;
        let (low, high) = if is_mirrored { (-high, -low) } else { (low, high) };
        let below = distribution(low);
        let between = distribution(high) - below;
        Some(Self { mean, sd: if is_mirrored { -sd } else { sd }, below, between })
    }

    #[inline]
    fn value(&self, draw: u64) -> f64 {
        self.mean + self.sd * quantile(self.below + unit_open(draw) * self.between)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, cell, chi_square_z};

    fn key() -> Key {
        Key::new(1, Purpose::Parameter)
    }

    fn normal(mean: f64, sd: f64, min: f64, max: f64) -> Values {
        Values::Normal { mean, sd, min: Some(min), max: Some(max) }
    }

    fn samples(values: &Values, n: u64) -> impl Iterator<Item = f64> {
        let sampler = values.sampler();
        (0..n).map(move |index| sampler.sample(key(), index))
    }

    fn distributions() -> [Values; 9] {
        [
            Values::Uniform { min: -1.0, max: 3.0 },
            Values::normal(0.15, 0.015),
            normal(15.0, 7.5, 0.5, 1e3),
            normal(0.0, 1.0, 2.0, 9.0),
            normal(0.0, 1.0, 7.5, 100.0),
            normal(0.0, 1.0, -100.0, -7.5),
            Values::log_normal(-0.7, 0.9),
            Values::LogNormal { mu: 0.0, sigma: 1.0, min: Some(0.0), max: Some(2.0) },
            Values::LogNormal { mu: 0.0, sigma: 1.0, min: Some(1.5), max: Some(2.0) },
        ]
    }

    /// Seen to fail without the mirror: far above its mean, all values are one of two.
    #[test]
    fn samples_keep_to_their_bounds_and_fill_them() {
        for values in distributions() {
            assert_eq!(values.check(None), Ok(()), "{values:?}");
            let (min, max) = values.bounds();
            assert!(samples(&values, 100_000).all(|value| min <= value && value <= max));
            let mut distinct: Vec<u64> = samples(&values, 1_000).map(f64::to_bits).collect();
            distinct.sort_unstable();
            distinct.dedup();
            assert!(distinct.len() > 990, "{values:?}: {}", distinct.len());
        }
        assert_eq!(Values::normal(2.0, 0.5).bounds(), (-0.5, 4.5));
        assert_eq!(Values::Each([3.0, -1.0, 2.0].into()).bounds(), (-1.0, 3.0));
    }

    /// Compared with drawing anew, the slow and obvious way.
    ///
    /// Seen to fail with values clipped to their bounds instead.
    #[test]
    fn a_bounded_distribution_is_what_drawing_anew_leaves() {
        for (min, max) in [(-0.5, 0.7), (-3.0, -1.0), (0.9, 2.5), (-5.0, 5.0)] {
            let cells = |values: &mut dyn Iterator<Item = f64>| {
                let mut cells = [0_u64; 20];
                values.for_each(|x| cells[cell(x, [min, max], 20)] += 1);
                cells
            };
            let anew = (0..8_000_000).map(|at| quantile(unit_open(key().with(9).draw(at))));
            let anew = cells(&mut anew.filter(|&x| min < x && x < max));
            let kept: u64 = anew.iter().sum();
            let n = 200_000;
            let sampled = cells(&mut samples(&normal(0.0, 1.0, min, max), n));
            let (mut observed, mut expected) = (Vec::new(), Vec::new());
            for (&sampled, &anew) in sampled.iter().zip(&anew).filter(|&(_, &anew)| anew > 2_000) {
                observed.push(sampled);
                expected.push(anew as f64 * n as f64 / kept as f64);
            }
            let z = chi_square_z(&observed, &expected);
            assert!(z.abs() < 5.0, "{min} to {max}: {z}");
        }
    }

    #[test]
    fn distributions_have_their_moments() {
        let n = 1_000_000;
        let mean = |values: &Values| samples(values, n).sum::<f64>() / n as f64;
        let second = |values: &Values| samples(values, n).map(|x| x * x).sum::<f64>() / n as f64;
        let uniform = Values::Uniform { min: -1.0, max: 3.0 };
        assert!((mean(&uniform) - 1.0).abs() < 0.006, "{}", mean(&uniform));
        assert!((second(&uniform) - 1.0 - 16.0 / 12.0).abs() < 0.01, "{}", second(&uniform));
        let weights = Values::normal(0.15, 0.015);
        assert!((mean(&weights) - 0.15).abs() < 8e-5, "{}", mean(&weights));
        let deviation = (second(&weights) - mean(&weights) * mean(&weights)).sqrt();
        assert!((deviation - 0.015).abs() < 6e-5, "{deviation}");
        let skewed = Values::log_normal(-0.5, 1.0);
        assert!((mean(&skewed) - 1.0).abs() < 0.01, "{}", mean(&skewed));
    }

    #[test]
    fn a_value_depends_on_key_and_index_alone() {
        let weights = Values::normal(1.0, 0.2);
        let sampler = weights.sampler();
        let (a, b) = (sampler.sample(key(), 7), sampler.sample(key(), 8));
        assert_eq!([weights.sample(key(), 8), weights.sample(key(), 7)], [b, a]);
        assert_ne!(a, sampler.sample(key().with(1), 7));
        assert_ne!(a, b);
        assert_eq!(Values::from(2.5).sample(key(), 3), 2.5);
        assert_eq!(Values::Each([1.0, 2.0].into()).sample(key(), 1), 2.0);
        assert_eq!(Values::normal(4.0, 0.0).sample(key(), 1), 4.0);
    }

    /// Seen to fail with the check of the reach left out.
    #[test]
    fn what_cannot_be_drawn_is_refused_with_its_place_and_value() {
        let lone = |min, max| Values::Normal { mean: 1.0, sd: 0.1, min, max };
        let refused = [
            (Values::Same(f64::NAN), "the value is NaN, not a finite number"),
            (Values::Each([0.0, f64::INFINITY].into()), "value 1 is inf, not a finite number"),
            (Values::Each([0.0].into()), "1 values; 2 are needed"),
            (Values::Uniform { min: 3.0, max: 2.0 }, "min is 3, above max, 2"),
            (Values::Uniform { min: 0.0, max: f64::INFINITY }, "max is inf, not a finite number"),
            (Values::Uniform { min: -1e308, max: 1e308 }, "max - min is inf, not a finite number"),
            (Values::normal(f64::NAN, 1.0), "mean is NaN, not a finite number"),
            (Values::normal(0.0, -0.5), "sd is -0.5, below 0"),
            (lone(Some(2.0), None), "min is 2, above max, 1.5"),
            (
                lone(Some(2.0), Some(3.0)),
                "min 2 and max 3 leave nothing within 8 standard deviations",
            ),
            (
                normal(1.0, 0.0, 2.0, 3.0),
                "min 2 and max 3 leave nothing within 8 standard deviations",
            ),
            (Values::log_normal(0.0, -1.0), "sigma is -1, below 0"),
            (Values::log_normal(700.0, 10.0), "max is inf, not a finite number"),
            (
                Values::LogNormal { mu: 0.0, sigma: 1.0, min: Some(-2.0), max: Some(0.0) },
                "min -2 and max 0 leave nothing within 8 standard deviations",
            ),
        ];
        for (values, message) in refused {
            assert_eq!(values.check(Some(2)), Err(message.into()), "{values:?}");
        }
        let each = Values::Each([1.0, 2.0].into());
        assert_eq!(each.check(Some(2)), Ok(()));
        assert!(each.check(None).is_err_and(|message| message.contains("not available here")));
    }

    #[test]
    fn descriptions_that_differ_have_other_fields() {
        let others = [
            Values::Same(1.0),
            Values::Same(-1.0),
            Values::Each([1.0].into()),
            Values::Each([1.0, 1.0].into()),
            Values::normal(0.0, 1.0),
            normal(0.0, 1.0, -5.0, 5.0),
            Values::Normal { mean: 0.0, sd: 1.0, min: Some(0.0), max: None },
            Values::Normal { mean: 0.0, sd: 1.0, min: None, max: Some(0.0) },
            Values::log_normal(0.0, 1.0),
        ];
        let all: Vec<Vec<u64>> = distributions()
            .iter()
            .chain(&others)
            .map(|values| {
                let mut fields = Vec::new();
                values.fields(&mut fields);
                fields
            })
            .collect();
        for (position, fields) in all.iter().enumerate() {
            assert!(!all[..position].contains(fields), "{position}");
        }
    }
}
