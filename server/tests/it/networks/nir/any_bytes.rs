//! No bytes make the importer panic or run away. `SPIKED_NIR_CASES` sets how many are tried.

use proptest::prelude::*;
use spiked_server::networks::nir::{Profile, read_bytes};

use super::{
    options,
    writer::{file, input, integrators, node, output, row},
};

fn cases() -> u32 {
    std::env::var("SPIKED_NIR_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000)
}

fn whole() -> Vec<u8> {
    file(
        &[
            input(&[1.0, 4.0, 4.0]),
            node(
                "conv",
                "Conv2d",
                vec![
                    ("weight", &[2, 1, 3, 3], vec![0.5; 18]),
                    row("padding", &[1.0, 1.0]),
                    row("stride", &[1.0, 1.0]),
                    row("bias", &[0.0, 0.5]),
                ],
            ),
            node("flat", "Flatten", vec![row("start_dim", &[0.0])]),
            integrators("if", 32, 1.0, 1.0),
            output(),
        ],
        &[("input", "conv"), ("conv", "flat"), ("flat", "if"), ("if", "output")],
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn damaged_files_are_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        kept in any::<prop::sample::Index>(),
        cut in prop::bool::weighted(0.2),
        which in 0..Profile::ALL.len(),
    ) {
        thread_local!(static WHOLE: Vec<u8> = whole());
        let mut bytes = WHOLE.with(Clone::clone);
        for (at, byte) in &changes {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        if cut {
            bytes.truncate(kept.index(bytes.len()));
        }
        let _ = read_bytes(&bytes, "a.nir", "a", options(Profile::ALL[which]));
    }

    #[test]
    fn noise_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        prop_assert!(read_bytes(&bytes, "a.nir", "a", options(Profile::Euler)).is_err());
    }
}
