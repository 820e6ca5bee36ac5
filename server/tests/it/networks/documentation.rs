//! What the page for writers of networks shows, works.

use std::fs;
use std::path::Path;

use super::{f32s, npy, read_beside, u32s};

/// Every block marked `toml` is a network of its own, beside the files that the page speaks of.
#[test]
fn every_example_on_the_page_can_be_read() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/networks.md");
    let page = fs::read_to_string(page).unwrap();
    let blocks = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let kernel = npy("<f4", &[8, 2, 5, 3, 3], &f32s(&[0.5; 720]));
    let indices = npy("<u4", &[4], &u32s(&[0, 1, 2, 3]));
    let weights = npy("<f4", &[4], &f32s(&[0.5; 4]));
    let files: [(&str, &[u8]); 6] = [
        ("kernel.npy", &kernel),
        ("sources.npy", &indices),
        ("targets.npy", &indices),
        ("weights.npy", &weights),
        ("delays.npy", &indices),
        ("synapses.csv", b"from,to,weight,delay\n0,1,0.5,3 ms\n"),
    ];
    let mut count = 0;
    for block in blocks {
        if let Err(error) = read_beside(block, &files) {
            panic!("{error}\n{block}");
        }
        count += 1;
    }
    assert!(count >= 6, "the page has {count} examples");
}
