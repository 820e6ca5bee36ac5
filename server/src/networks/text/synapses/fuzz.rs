//! Hostile text in the place of a file of synapses: see `spiked-fuzz`.

use std::fmt::Write as _;

use spiked_fuzz::Target;

use super::*;

const TICK_NS: u64 = 250_000;

/// Any text is refused with its line or is synapses, which written again are read as the same.
#[test]
fn synapse_files() {
    let examples = [
        "from,to,weight,delay\n0,1,0.5,3 ms\n7,0,-1e-3,250 us\n\n4294967295,2,2,1 s\n",
        " from , to , weight \r\n0,1,0.5\r\n1,1,-7\r\n",
        "from,to,weight,delay\n",
    ];
    let examples = examples.map(|text| text.as_bytes().to_vec()).to_vec();
    Target::new("synapse_files", examples).text().bytes_max(1_024).run(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return false };
        let synapses = match from_csv(text, TICK_NS) {
            Ok(synapses) => synapses,
            Err((line, message)) => {
                assert!((1..=text.lines().count().max(1)).contains(&line) && !message.is_empty());
                return false;
            }
        };
        let mut again = "from,to,weight,delay\n".to_owned();
        for (from, to, weight, delay_ticks) in &synapses {
            assert!(weight.is_finite());
            let delay_us = u64::from(*delay_ticks) * (TICK_NS / 1_000);
            writeln!(again, "{from},{to},{weight:?},{delay_us} us").unwrap();
        }
        assert_eq!(from_csv(&again, TICK_NS).as_ref(), Ok(&synapses));
        true
    });
}
