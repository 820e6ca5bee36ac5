//! How much of everything there may be. Each bound keeps one client from taking the daemon's
//! memory, and lies far above what a network of any paper needs.

/// Of one array, uploaded or read from a file \[bytes\].
pub(crate) const BLOB_BYTES_MAX: u64 = 256 << 20;
/// Of all uploaded arrays together, begun ones at their full length \[bytes\].
pub(crate) const BLOBS_BYTES_MAX: u64 = 1 << 30;
/// Of uploads that have begun and not ended.
pub(crate) const UPLOADS_OPEN_MAX: usize = 16;

/// Of the arrays of one network, counted as often as it uses them \[bytes\].
pub(crate) const NETWORK_BYTES_MAX: u64 = 1 << 30;
/// Of the arrays of all networks in the repository \[bytes\].
pub(crate) const REPOSITORY_BYTES_MAX: u64 = 4 << 30;
/// Of networks, all versions counted.
pub(crate) const NETWORKS_MAX: usize = 1_024;

/// Of plans that are kept for the next session; those in use live on without the repository.
pub(crate) const PLANS_MAX: usize = 32;
/// Of those plans together \[bytes\].
pub(crate) const PLANS_BYTES_MAX: u64 = 1 << 30;

/// Of a network's text \[bytes\].
pub(crate) const TEXT_BYTES_MAX: u64 = 4 << 20;
/// Of problems that are reported at once.
pub(crate) const PROBLEMS_MAX: usize = 100;

/// Of each kind of part (input, population, projection, readout, output).
pub(crate) const PARTS_MAX: usize = 4_096;
/// Of filters on one port, and of sources of one output.
pub(crate) const LIST_MAX: usize = 4_096;
/// Of labels on one readout.
pub(crate) const LABELS_MAX: usize = 65_536;
/// Of parameters of one population that vary.
pub(crate) const VARY_MAX: usize = 64;
/// Of noises of one population.
pub(crate) const NOISES_MAX: usize = 64;
/// Of receptors of one neuron; the core allows fewer, and says so.
pub(crate) const RECEPTORS_MAX: usize = 64;
/// Of steps of one drive.
pub(crate) const DRIVE_STEPS_MAX: usize = 65_536;
/// Of extents in a shape.
pub(crate) const EXTENTS_MAX: usize = 8;
/// Of characters in a name, a version or a label.
pub(crate) const NAME_CHARS_MAX: usize = 128;
/// Of characters in what a network says about itself.
pub(crate) const DESCRIPTION_CHARS_MAX: usize = 16_384;
/// Of notes that an importer leaves.
pub(crate) const NOTES_MAX: usize = 64;
/// Of pixels across or down; what the packed layouts hold.
pub(crate) const SENSOR_PIXELS_MAX: u32 = 32_768;
