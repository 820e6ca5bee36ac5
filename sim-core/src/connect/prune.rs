//! Pruning: which weights of a kernel are kept.

/// The positions kept in each class (out channel), rising: the largest by magnitude, the same
/// number in each class, ties to the lowest position. At least one a class.
pub(crate) fn kept_per_class(kernel: &[f64], classes: usize, keep: f64) -> Vec<bool> {
    let size = kernel.len() / classes.max(1);
    let count = kept_count(size, keep);
    let mut kept = vec![false; kernel.len()];
    for (weights, kept) in kernel.chunks_exact(size).zip(kept.chunks_exact_mut(size)) {
        let mut order: Vec<usize> = (0..size).collect();
        order.sort_by(|&a, &b| weights[b].abs().total_cmp(&weights[a].abs()).then(a.cmp(&b)));
        for &position in &order[..count] {
            kept[position] = true;
        }
    }
    kept
}

/// How many of `size` weights a share keeps: rounded, at least one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a size")]
fn kept_count(size: usize, keep: f64) -> usize {
    ((size as f64 * keep).round() as usize).clamp(1, size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_largest_of_each_class_and_the_lowest_of_equals() {
        let kernel = [0.1, -3.0, 2.0, 2.0, 9.0, 9.0, 9.0, -9.0];
        let kept = kept_per_class(&kernel, 2, 0.5);
        assert_eq!(kept, [false, true, true, false, true, true, false, false]);
    }
}
