//! What the pages for writers of networks show, works.

use std::fs;
use std::path::Path;

use sim_core::Plan;
use spiked_server::networks::convert;

use super::{f32s, npy, read_beside, u32s};

/// Every block marked `toml` is a network of its own, beside the files that the pages speak of.
#[test]
fn every_example_on_the_pages_can_be_read() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let page = |name| fs::read_to_string(docs.join(name)).unwrap();
    let page = page("networks.md") + &page("touch.md");
    let blocks = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let kernel = npy("<f4", &[8, 2, 5, 3, 3], &f32s(&[0.5; 720]));
    let indices = npy("<u4", &[4], &u32s(&[0, 1, 2, 3]));
    let weights = npy("<f4", &[4], &f32s(&[0.5; 4]));
    let layer = npy("<f4", &[2, 3], &f32s(&[0.5; 6]));
    let thresholds = npy("<f4", &[4], &f32s(&[15.0, 16.0, 17.0, 18.0]));
    let files: [(&str, &[u8]); 8] = [
        ("layer.npy", &layer),
        ("kernel.npy", &kernel),
        ("sources.npy", &indices),
        ("targets.npy", &indices),
        ("weights.npy", &weights),
        ("thresholds.npy", &thresholds),
        ("delays.npy", &indices),
        ("synapses.csv", b"from,to,weight,delay\n0,1,0.5,3 ms\n"),
    ];
    let mut count = 0;
    for block in blocks {
        let described = read_beside(block, &files).unwrap_or_else(|e| panic!("{e}\n{block}"));
        // One that needs no sensor's size can also run.
        if !block.contains("\"any\"") {
            let blob = |sha256: &[u8; 32]| described.blobs.get(sha256).cloned();
            let converted = convert::network(&described.network, &blob).unwrap();
            if let Err(error) = Plan::new(&converted.network, &[]) {
                panic!("{error:?}\n{block}");
            }
        }
        count += 1;
    }
    assert!(count >= 10, "the pages have {count} examples");
}
