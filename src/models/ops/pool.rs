//! Mean, least and greatest value of every channel over the valid steps of a sequence, with a true gradient.
//!
//! Contract: `[steps, cases, width]` and the number of valid steps per case → `[cases, 3 × width]`, as mean, least,
//! greatest. Candle's own reduction passes the whole gradient to *every* step that shares the extreme value (common
//! where values are carried forward); here the first of them gets it, so that attributions sum to what they explain.

use candle_core::{CpuStorage, CustomOp1, Error, Layout, Result, Shape, Tensor};

/// Pools the first `lengths[case]` steps of each case.
///
/// # Errors
/// Candle's, when shapes do not fit, a length is 0 or beyond the steps, or the tensor is not f32 on the CPU.
pub fn over_time(input: &Tensor, lengths: &[usize]) -> Result<Tensor> {
    let (steps, cases, _) = input.dims3()?;
    if lengths.len() != cases || lengths.iter().any(|length| *length == 0 || *length > steps) {
        return Err(Error::Msg(format!("{} lengths do not fit {cases} cases of {steps} steps", lengths.len())));
    }
    input.contiguous()?.apply_op1(OverTime { lengths: lengths.to_vec() })
}

struct OverTime {
    lengths: Vec<usize>,
}

/// Positions of the least and the greatest value of one channel of one case.
struct Extremes {
    least: usize,
    greatest: usize,
}

impl OverTime {
    /// Calls `each(case, channel, positions of its valid steps)`.
    fn channels(&self, width: usize, mut each: impl FnMut(usize, usize, &mut dyn Iterator<Item = usize>)) {
        let cases = self.lengths.len();
        for (case, length) in self.lengths.iter().enumerate() {
            for channel in 0..width {
                each(case, channel, &mut (0..*length).map(|step| (step * cases + case) * width + channel));
            }
        }
    }
}

fn extremes(values: &[f32], positions: &mut dyn Iterator<Item = usize>) -> (Extremes, f32) {
    let (mut found, mut sum) = (Extremes { least: usize::MAX, greatest: usize::MAX }, 0.0);
    for at in positions {
        sum += values[at];
        if found.least == usize::MAX || values[at] < values[found.least] {
            found.least = at;
        }
        if found.greatest == usize::MAX || values[at] > values[found.greatest] {
            found.greatest = at;
        }
    }
    (found, sum)
}

impl CustomOp1 for OverTime {
    fn name(&self) -> &'static str {
        "pool-over-time"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, cases, width) = layout.shape().dims3()?;
        let start = layout.start_offset();
        let values = &storage.as_slice::<f32>()?[start..];
        let mut pooled = vec![0.0; cases * 3 * width];
        self.channels(width, |case, channel, positions| {
            let (found, sum) = extremes(values, positions);
            let row = &mut pooled[case * 3 * width..][..3 * width];
            row[channel] = sum / self.lengths[case] as f32;
            row[width + channel] = values[found.least];
            row[2 * width + channel] = values[found.greatest];
        });
        Ok((CpuStorage::F32(pooled), (cases, 3 * width).into()))
    }

    fn bwd(&self, input: &Tensor, _pooled: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let width = input.dim(2)?;
        let values = input.flatten_all()?.to_vec1::<f32>()?;
        let gradient = gradient.flatten_all()?.to_vec1::<f32>()?;
        let mut spread = vec![0.0; values.len()];
        let cases = self.lengths.len();
        self.channels(width, |case, channel, positions| {
            let (found, _) = extremes(&values, positions);
            let row = &gradient[case * 3 * width..][..3 * width];
            let length = self.lengths[case];
            for step in 0..length {
                spread[(step * cases + case) * width + channel] += row[channel] / length as f32;
            }
            spread[found.least] += row[width + channel];
            spread[found.greatest] += row[2 * width + channel];
        });
        Ok(Some(Tensor::from_vec(spread, input.shape(), input.device())?))
    }
}

#[cfg(test)]
mod tests {
    use super::over_time;
    use candle_core::{Device, Tensor, Var};

    #[test]
    fn only_valid_steps_count() {
        // Two cases, one channel, three steps; the second case has two valid steps.
        let input = Tensor::from_vec(vec![1f32, 4.0, 2.0, 6.0, 6.0, 99.0], (3, 2, 1), &Device::Cpu).unwrap();
        let pooled = over_time(&input, &[3, 2]).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(pooled, [[3.0, 1.0, 6.0], [5.0, 4.0, 6.0]]);
        assert!(over_time(&input, &[3, 4]).is_err() && over_time(&input, &[0, 1]).is_err());
    }

    #[test]
    fn the_gradient_goes_to_the_first_extreme_and_evenly_to_the_mean() {
        let input = Var::from_vec(vec![1f32, 1.0, 5.0, 5.0], (4, 1, 1), &Device::Cpu).unwrap();
        let weights = Tensor::new(&[[4f32, 10.0, 100.0]], &Device::Cpu).unwrap();
        let sum = (over_time(&input, &[4]).unwrap() * weights).unwrap().sum_all().unwrap();
        let gradient = sum.backward().unwrap().get(&input).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(gradient, [11.0, 1.0, 101.0, 1.0]);
    }
}
