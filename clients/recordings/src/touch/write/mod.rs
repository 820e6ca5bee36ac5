//! Writing recordings of touch, a portion at a time: as a NumPy archive, or as a folder like WHISKiT's.

pub mod archive;
pub mod folder;
