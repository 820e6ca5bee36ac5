//! No bytes in the place of a network make the reader panic or the repository fail.

use proptest::prelude::*;
use proptest::sample::Index;

use super::{f32s, npy, npz, read, read_beside};

const RIGHT: &str = include_str!("../../../networks/motion/network.toml");

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_a_network_or_a_message(text in ".{0,200}") {
        let _ = read(&text);
    }

    #[test]
    fn any_bytes_are_a_network_or_a_message(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("network.toml"), bytes).unwrap();
        let _ = spiked_server::networks::text::read(folder.path());
    }

    /// Words of the text form in any order reach further into the reader than noise does.
    #[test]
    fn any_words_are_a_network_or_a_message(
        words in prop::collection::vec(
            prop::sample::select(RIGHT.split_inclusive([' ', '\n', ',', '.']).collect::<Vec<_>>()),
            0..60,
        ),
    ) {
        let _ = read(&words.concat());
    }

    #[test]
    fn a_network_that_was_damaged_is_a_network_or_a_message(
        damage in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4),
        cut in any::<Index>(),
    ) {
        let mut bytes = RIGHT.as_bytes().to_vec();
        for (index, byte) in damage {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(2 * bytes.len()));
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("network.toml"), bytes).unwrap();
        let _ = spiked_server::networks::text::read(folder.path());
    }

    #[test]
    fn an_archive_that_was_damaged_is_an_array_or_a_message(
        damage in prop::collection::vec((any::<Index>(), any::<u8>()), 0..6),
        cut in any::<Index>(),
        compressed in any::<bool>(),
    ) {
        let kernel = npy("<f4", &[1, 1, 1, 1, 2], &f32s(&[1.0, 2.0]));
        let mut bytes = npz(compressed, &[("kernel", kernel)]);
        for (index, byte) in damage {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(2 * bytes.len()));
        let text = "input.a.channels = [1, 1, 2]\n\
                    population.b = { shape = [1, 1, 2], neuron.lif = {} }\n\
                    [projection.p]\nfrom = \"a\"\nto = \"b\"\n\
                    convolution = { kernel = \"k.npz\", kind = \"convolution\", border = \"zero\" }\n";
        let _ = read_beside(text, &[("k.npz", &bytes)]);
    }
}

#[test]
fn nesting_has_an_end() {
    for (open, close) in [("[", "]"), ("{a=", "}")] {
        let text = format!("x = {}1{}", open.repeat(100_000), close.repeat(100_000));
        assert!(read(&text).is_err());
    }
    assert!(read(&format!("{}a = 1", "a.".repeat(100_000))).is_err());
}
