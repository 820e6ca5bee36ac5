//! A moment between two ticks.

/// `tick + fraction`, the fraction in [0, 1).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Moment {
    pub(crate) tick: u64,
    pub(crate) fraction: f64,
}

impl Moment {
    /// Later than anything that happens.
    pub(crate) const BEYOND: Self = Self::at(u64::MAX);

    pub(crate) const fn at(tick: u64) -> Self {
        Self { tick, fraction: 0.0 }
    }

    /// `None` beyond the end of time.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked first")]
    pub(crate) fn after(self, ticks: f64) -> Option<Self> {
        let ticks = self.fraction + ticks;
        if !(0.0..9e18).contains(&ticks) {
            return None;
        }
        // The whole part of what isn't below 0: a conversion, where `floor` would be a call.
        let whole = ticks as u64;
        Some(Self { tick: self.tick.checked_add(whole)?, fraction: ticks - whole as f64 })
    }

    /// The first tick at or after this moment.
    #[inline]
    pub(crate) fn ceil(self) -> u64 {
        self.tick.saturating_add(u64::from(self.fraction != 0.0))
    }

    /// From here to a tick that isn't before it.
    #[inline]
    pub(crate) fn until(self, tick: u64) -> f64 {
        (tick - self.tick) as f64 - self.fraction
    }
}
