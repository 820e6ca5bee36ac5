//! One whisker: a straight, tapered, elastic rod, clamped at its base and touched at one point.
//!
//! Quasi-static and linear (Euler and Bernoulli): with the radius falling straight from base to tip,
//! the second moment of area is `I(s) = I0 (1 - s/L0)^4`, where L0 is where the cone would end, and
//! the integrals over `M(s) = f (c - s)` have closed forms. For a whisker that ends in a point this is
//! the stiffness of Birdwell et al. (2007), J Neurophysiol 98:2439. Mass, damping and the intrinsic
//! curvature are left out; full dynamics are the business of WHISKiT and MuJoCo.

/// A rod. Lengths in mm, forces in mN, moments in µN·m, so that mN × mm = µN·m.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beam {
    /// From base to tip \[mm\].
    pub length_mm: f64,
    /// Where the cone would end \[mm\]; beyond the tip.
    pub apex_mm: f64,
    /// Bending stiffness at the base \[mN mm²\].
    pub stiffness: f64,
}

/// What a touch does at the base, along the deflection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Across the whisker \[mN\].
    pub force_mn: f64,
    /// Along the whisker, towards the base \[mN\]: the touch is normal to the bent whisker.
    pub axial_mn: f64,
    /// The bending moment \[µN·m\].
    pub moment_unm: f64,
}

impl Beam {
    /// A rod of a material.
    #[must_use]
    pub fn new(length_mm: f64, base_radius_mm: f64, tip_radius_mm: f64, young_pa: f64) -> Self {
        let area_moment = std::f64::consts::FRAC_PI_4 * base_radius_mm.powi(4);
        Self {
            length_mm,
            apex_mm: length_mm * base_radius_mm / (base_radius_mm - tip_radius_mm),
            // 1 Pa = 1e-3 mN/mm².
            stiffness: young_pa * 1e-3 * area_moment,
        }
    }

    /// Deflection where a force of 1 mN acts \[mm\]: `c³ / (3 E I0 (1 - c/L0))`.
    #[must_use]
    pub fn compliance(&self, contact_mm: f64) -> f64 {
        contact_mm.powi(3) / (3.0 * self.stiffness * (1.0 - contact_mm / self.apex_mm))
    }

    /// Slope where a force of 1 mN acts \[rad\].
    #[must_use]
    pub fn slope(&self, contact_mm: f64) -> f64 {
        let u = 1.0 - contact_mm / self.apex_mm;
        let integral = 1.0 / (6.0 * u * u) - 0.5 + u / 3.0;
        self.apex_mm.powi(2) * integral / self.stiffness
    }

    /// What it takes to deflect the whisker so far at a point.
    #[must_use]
    pub fn load(&self, contact_mm: f64, deflection_mm: f64) -> Load {
        let force_mn = deflection_mm / self.compliance(contact_mm);
        Load {
            force_mn,
            axial_mn: force_mn * force_mn.abs() * self.slope(contact_mm),
            moment_unm: force_mn * contact_mm,
        }
    }

    /// Bending stiffness at a place \[mN mm²\].
    #[must_use]
    pub fn stiffness_at(&self, s_mm: f64) -> f64 {
        self.stiffness * (1.0 - s_mm / self.apex_mm).powi(4)
    }
}
