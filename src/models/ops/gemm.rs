//! Matrix product on slices.
//!
//! Contract: the one place where the `gemm` crate's raw pointers are used; every index it can reach is checked against
//! the slices first. Single-threaded on purpose: a small forward pass is fastest on one thread, and batches are sharded
//! above it.

/// One operand: its numbers and how far apart rows and columns lie in them.
#[derive(Debug, Clone, Copy)]
pub struct Strides {
    /// Elements from one row to the next.
    pub row: usize,
    /// Elements from one column to the next.
    pub column: usize,
}

impl Strides {
    /// A row-major matrix with `columns` columns.
    #[must_use]
    pub const fn rows_of(columns: usize) -> Self {
        Self { row: columns, column: 1 }
    }

    /// The transpose of a row-major matrix with `columns` columns (before transposing).
    #[must_use]
    pub const fn transposed(columns: usize) -> Self {
        Self { row: 1, column: columns }
    }

    /// Number of elements a `rows` × `columns` matrix reaches into; `usize::MAX` when that overflows.
    const fn reach(self, rows: usize, columns: usize) -> usize {
        if rows == 0 || columns == 0 {
            return 0;
        }
        (rows - 1).saturating_mul(self.row).saturating_add((columns - 1).saturating_mul(self.column)).saturating_add(1)
    }
}

/// `c = keep × c + scale × a·b`, where `a` is `m` × `k`, `b` is `k` × `n` and `c` is `m` × `n`.
///
/// # Panics
/// When a matrix reaches beyond its slice or two elements of `c` share a place: a mistake in the calling code, never in
/// data.
#[expect(clippy::too_many_arguments, reason = "three matrices with their strides, as in BLAS sgemm")]
pub fn gemm(
    (m, n, k): (usize, usize, usize),
    a: &[f32],
    a_strides: Strides,
    b: &[f32],
    b_strides: Strides,
    c: &mut [f32],
    c_strides: Strides,
    keep: f32,
    scale: f32,
) {
    if m == 0 || n == 0 {
        return;
    }
    assert!(a_strides.reach(m, k) <= a.len(), "the left matrix is larger than its slice");
    assert!(b_strides.reach(k, n) <= b.len(), "the right matrix is larger than its slice");
    assert!(c_strides.reach(m, n) <= c.len(), "the product is larger than its slice");
    let apart =
        c_strides.row >= n.saturating_mul(c_strides.column) || c_strides.column >= m.saturating_mul(c_strides.row);
    assert!(apart && c_strides.row > 0 && c_strides.column > 0, "elements of the product share a place");
    let signed = |stride: usize| isize::try_from(stride).unwrap_or(isize::MAX);
    // SAFETY: the reach of all three matrices was checked against their slices above, `c` is borrowed mutably and so
    // does not overlap the others, and its elements lie apart. A stride over `isize::MAX` cannot pass the reach check
    // unless its dimension is 1, where it is never multiplied.
    #[expect(unsafe_code, reason = "the gemm crate takes raw pointers")]
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            signed(c_strides.column),
            signed(c_strides.row),
            keep != 0.0,
            a.as_ptr(),
            signed(a_strides.column),
            signed(a_strides.row),
            b.as_ptr(),
            signed(b_strides.column),
            signed(b_strides.row),
            keep,
            scale,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{Strides, gemm};

    #[test]
    fn products_with_transposes_agree_with_a_plain_loop() {
        let (m, n, k) = (5, 7, 9);
        let a: Vec<f32> = (0..m * k).map(|i| (i as f32 * 0.37).sin()).collect();
        let b: Vec<f32> = (0..k * n).map(|i| (i as f32 * 0.91).cos()).collect();
        let start: Vec<f32> = (0..m * n).map(|i| i as f32 * 0.01).collect();
        for (keep, scale) in [(0.0, 1.0), (1.0, 1.0), (0.5, -2.0)] {
            for (left, right) in [(false, false), (true, false), (false, true), (true, true)] {
                let sa = if left { Strides::transposed(m) } else { Strides::rows_of(k) };
                let sb = if right { Strides::transposed(k) } else { Strides::rows_of(n) };
                let mut c = start.clone();
                gemm((m, n, k), &a, sa, &b, sb, &mut c, Strides::rows_of(n), keep, scale);
                for i in 0..m {
                    for j in 0..n {
                        let sum: f32 =
                            (0..k).map(|l| a[i * sa.row + l * sa.column] * b[l * sb.row + j * sb.column]).sum();
                        let expected = keep * start[i * n + j] + scale * sum;
                        assert!((c[i * n + j] - expected).abs() < 1e-5, "{i},{j}");
                    }
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "larger than its slice")]
    fn a_matrix_beyond_its_slice_is_refused() {
        gemm(
            (2, 2, 2),
            &[0.0; 3],
            Strides::rows_of(2),
            &[0.0; 4],
            Strides::rows_of(2),
            &mut [0.0; 4],
            Strides::rows_of(2),
            0.0,
            1.0,
        );
    }
}
