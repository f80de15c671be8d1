//! Scaled dot-product attention (Vaswani et al., NeurIPS 2017) inside windows that lie one after another.
//!
//! Contract: `query`, `key`, `value` are contiguous f32 (pieces, hidden); window `i` is the next `lengths[i]` rows and
//! attends to itself only, so nothing is padded; heads are read where they lie, without transposing. One thread.

use super::ops::{answer, exp, fast, slice, sum, sum2, top, values};
use crate::models::ops::gemm::{Strides, gemm};
use candle_core::{CpuStorage, CustomOp3, Device, Layout, Result, Shape, Tensor, bail};
use std::sync::Arc;

/// Attention of every window in every head: (pieces, hidden) like its inputs.
///
/// # Errors
/// Candle's, when shapes differ or the lengths do not sum up to the pieces.
pub fn attention(query: &Tensor, key: &Tensor, value: &Tensor, heads: usize, lengths: &Arc<[usize]>) -> Result<Tensor> {
    query.apply_op3(key, value, Attention { heads, lengths: Arc::clone(lengths) })
}

struct Attention {
    heads: usize,
    lengths: Arc<[usize]>,
}

/// One head of one window: where it begins in the rows, how long it is, and the sizes.
#[derive(Clone, Copy)]
struct Part {
    at: usize,
    length: usize,
    width: usize,
    hidden: usize,
}

impl Part {
    fn scale(self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }

    /// `softmax(scale · Q Kᵀ)` of this part into `weights` (length, length).
    fn weigh(self, query: &[f32], key: &[f32], weights: &mut [f32]) {
        let Self { at, length, width, hidden } = self;
        let (rows, columns, square) = (Strides::rows_of(hidden), Strides::transposed(hidden), Strides::rows_of(length));
        gemm((length, length, width), &query[at..], rows, &key[at..], columns, weights, square, 0.0, self.scale());
        fast(|| {
            for row in weights.chunks_exact_mut(length) {
                let top = top(row);
                row.iter_mut().for_each(|value| *value = exp(*value - top));
                let share = 1.0 / sum(row, |value| value);
                row.iter_mut().for_each(|value| *value *= share);
            }
        });
    }
}

impl Attention {
    /// All parts, in the order of the rows.
    fn parts(&self, shape: &Shape) -> Result<Vec<Part>> {
        let (pieces, hidden) = shape.dims2()?;
        if self.lengths.iter().sum::<usize>() != pieces || !hidden.is_multiple_of(self.heads) {
            bail!("windows or heads do not fit ({pieces}, {hidden})");
        }
        let width = hidden / self.heads;
        let mut parts = Vec::with_capacity(self.lengths.len() * self.heads);
        let mut start = 0;
        for &length in self.lengths.iter() {
            parts.extend((0..self.heads).map(|head| Part { at: start * hidden + head * width, length, width, hidden }));
            start += length;
        }
        Ok(parts)
    }

    fn scratch(&self) -> Vec<f32> {
        let longest = self.lengths.iter().copied().max().unwrap_or(0);
        vec![0.0; longest * longest]
    }
}

impl CustomOp3 for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (query, key, value) = (values(s1, l1)?, values(s2, l2)?, values(s3, l3)?);
        let (mut out, mut scratch) = (vec![0.0; query.len()], self.scratch());
        for part in self.parts(l1.shape())? {
            let Part { at, length, width, hidden } = part;
            let (weights, rows) = (&mut scratch[..length * length], Strides::rows_of(hidden));
            part.weigh(query, key, weights);
            let square = Strides::rows_of(length);
            gemm((length, width, length), weights, square, &value[at..], rows, &mut out[at..], rows, 0.0, 1.0);
        }
        answer(out, l1.shape())
    }

    fn bwd(
        &self,
        query: &Tensor,
        key: &Tensor,
        value: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        let parts = self.parts(query.shape())?;
        let mut grads = [(); 3].map(|()| vec![0.0; query.elem_count()]);
        slice(query, |q| {
            slice(key, |k| slice(value, |v| slice(&gradient, |g| self.backward(&parts, [q, k, v, g], &mut grads))))
        })????;
        let [to_query, to_key, to_value] = grads.map(|grad| Tensor::from_vec(grad, query.shape(), &Device::Cpu));
        Ok((Some(to_query?), Some(to_key?), Some(to_value?)))
    }
}

impl Attention {
    /// The weights are computed again: cheaper than keeping them from the forward pass.
    fn backward(&self, parts: &[Part], [query, key, value, gradient]: [&[f32]; 4], grads: &mut [Vec<f32>; 3]) {
        let (mut scratch, mut slopes) = (self.scratch(), self.scratch());
        for part in parts {
            let &Part { at, length, width, hidden } = part;
            let size = length * length;
            let (weights, slopes) = (&mut scratch[..size], &mut slopes[..size]);
            let (rows, columns) = (Strides::rows_of(hidden), Strides::transposed(hidden));
            let (square, turned) = (Strides::rows_of(length), Strides::transposed(length));
            part.weigh(query, key, weights);
            let [to_query, to_key, to_value] = grads;
            let g = &gradient[at..];
            gemm((length, width, length), weights, turned, g, rows, &mut to_value[at..], rows, 0.0, 1.0);
            gemm((length, length, width), g, rows, &value[at..], columns, slopes, square, 0.0, 1.0);
            fast(|| {
                for (weights, slopes) in weights.chunks_exact(length).zip(slopes.chunks_exact_mut(length)) {
                    let mean = sum2(weights, slopes, |weight, slope| weight * slope);
                    slopes.iter_mut().zip(weights).for_each(|(slope, weight)| *slope = weight * (*slope - mean));
                }
            });
            let (tall, scale) = ((length, width, length), part.scale());
            gemm(tall, slopes, square, &key[at..], rows, &mut to_query[at..], rows, 0.0, scale);
            gemm(tall, slopes, turned, &query[at..], rows, &mut to_key[at..], rows, 0.0, scale);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bert::ops::tests::{gradient_error, wavy};

    #[test]
    fn windows_do_not_see_each_other() {
        let (q, k, v) = (wavy(&[7, 8]), wavy(&[7, 8]), wavy(&[7, 8]));
        let both = attention(&q, &k, &v, 2, &Arc::from([3, 4])).unwrap();
        let part = |x: &Tensor| x.narrow(0, 3, 4).unwrap().contiguous().unwrap();
        let alone = attention(&part(&q), &part(&k), &part(&v), 2, &Arc::from([4])).unwrap();
        let gap = (part(&both) - alone).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(gap < 1e-6, "{gap}");
        assert!(attention(&q, &k, &v, 2, &Arc::from([3, 5])).is_err());
        assert!(attention(&q, &k, &v, 3, &Arc::from([3, 4])).is_err());
    }

    #[test]
    fn its_gradients_are_right() {
        let (q, k, v) = (wavy(&[7, 8]), wavy(&[7, 8]), wavy(&[7, 8]));
        let lengths: Arc<[usize]> = Arc::from([3, 4]);
        assert!(gradient_error(q.clone(), |q| attention(q, &k, &v, 2, &lengths)) < 2e-3);
        assert!(gradient_error(k.clone(), |k| attention(&q, k, &v, 2, &lengths)) < 2e-3);
        assert!(gradient_error(v.clone(), |v| attention(&q, &k, v, 2, &lengths)) < 2e-3);
    }
}
