//! The numbers of tensors, and loops over them compiled for the machine at hand.

use candle_core::{CpuStorage, Layout, Result, Storage, Tensor, bail};

/// The numbers of a contiguous f32 storage.
///
/// # Errors
/// When it is not contiguous or not f32.
pub fn numbers<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("the operation needs contiguous tensors"),
    }
}

/// Calls `work` with the numbers of a contiguous f32 tensor on the CPU, without copying them.
///
/// # Errors
/// When it is not contiguous, not f32 or not on the CPU.
pub fn with_numbers<T>(tensor: &Tensor, work: impl FnOnce(&[f32]) -> T) -> Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(cpu) => Ok(work(numbers(cpu, layout)?)),
        _ => bail!("the operation runs on the CPU"),
    }
}

/// Runs a loop compiled for the widest vector units this machine has.
#[inline(always)]
pub fn fast<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}
