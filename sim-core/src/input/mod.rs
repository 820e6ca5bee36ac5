//! The door: order, encoders, filters, and from sensor time to ticks.

pub(crate) mod door;
pub(crate) mod encode;
pub(crate) mod filter;
pub(crate) mod offer;
pub(crate) mod tray;

/// Forgets what was taken from the front, once that is half or more: a stream that is never caught up with
/// would pile it up. No more is moved than is forgotten.
fn forget_taken<T>(ready: &mut Vec<T>, taken: &mut usize) {
    if *taken * 2 >= ready.len() {
        ready.drain(..*taken);
        *taken = 0;
    }
}
