//! Hostile messages in the place of an `open`: see `spiked-fuzz`.

use prost::Message as _;
use spiked_fuzz::Target;

use super::*;

fn examples() -> Vec<Vec<u8>> {
    let first = v1::origin::Origin::FirstBatch(true);
    let opens = [
        v1::Open { network: "echo".into(), session_id: "one".into(), ..v1::Open::default() },
        v1::Open {
            producers: vec!["left".into(), "right".into()],
            origin: Some(v1::Origin { origin: Some(v1::origin::Origin::TimeUs(9)) }),
            overload: v1::Overload::DropNewest.into(),
            durability: v1::Durability::Each.into(),
            bad_event: v1::EventPolicy::Drop.into(),
            resume_token: vec![7; 16].into(),
            lease_us: Some(1_000_000),
            ..v1::Open::default()
        },
        v1::Open {
            producer: "camera".into(),
            origin: Some(v1::Origin { origin: Some(first) }),
            pace: v1::Pace::Live.into(),
            lateness_us: 3_000,
            lag_max_us: 9,
            late_event: v1::EventPolicy::Fail.into(),
            gathering: v1::Gathering::Throughput.into(),
            run_on_us: Some(5_000),
            seed: Some(3),
            ..v1::Open::default()
        },
    ];
    opens.iter().map(v1::Open::encode_to_vec).collect()
}

/// Whatever is taken has its bounds, and survives a snapshot.
#[test]
fn session_opens() {
    Target::new("session_opens", examples()).bytes_max(512).run(|input| {
        let Ok(open) = v1::Open::decode(input) else { return false };
        let Ok(settings) = Settings::new(&open) else { return false };
        assert!((1..=PRODUCERS_MAX).contains(&settings.producers.len()));
        assert!(settings.producers.iter().all(|name| check_name("producer", name).is_ok()));
        let mut saved = Writer::default();
        settings.save(&mut saved);
        assert_eq!(Settings::load(&mut Reader::new("settings", &saved.0)), Ok(settings));
        check_name("open.session_id", &open.session_id).is_ok() || open.session_id.is_empty()
    });
}
