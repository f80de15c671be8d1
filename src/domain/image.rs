//! A grey image of bounded size.

/// Greatest width or height accepted, in pixels; a full-resolution radiograph has about 3,000.
pub const SIDE_MAX: usize = 8_192;

/// 8-bit grey pixels, row by row from the top left; 0 is black, 255 is white (bone, as in MONOCHROME2).
#[derive(Clone, PartialEq, Eq)]
pub struct GreyImage {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

/// Why pixels do not make an image.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ImageError {
    /// A side is zero or over [`SIDE_MAX`].
    #[error("an image of {0} × {1} pixels is empty or over {SIDE_MAX} pixels on a side")]
    Size(usize, usize),
    /// The number of pixels is not width × height.
    #[error("{0} pixels do not fill the stated size")]
    Count(usize),
}

impl GreyImage {
    /// # Errors
    /// [`ImageError`] when a side is out of bounds or `pixels.len() != width * height`.
    pub fn new(width: usize, height: usize, pixels: Vec<u8>) -> Result<Self, ImageError> {
        if !(1..=SIDE_MAX).contains(&width) || !(1..=SIDE_MAX).contains(&height) {
            return Err(ImageError::Size(width, height));
        }
        if pixels.len() != width * height {
            return Err(ImageError::Count(pixels.len()));
        }
        Ok(Self { width, height, pixels })
    }

    /// Width in pixels.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub const fn height(&self) -> usize {
        self.height
    }

    /// The pixels, row by row.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Area-averaged (when shrinking) or bilinear (when growing) copy at another size.
    #[must_use]
    pub fn resized(&self, width: usize, height: usize) -> Self {
        let (width, height) = (width.clamp(1, SIDE_MAX), height.clamp(1, SIDE_MAX));
        let columns = resampling(self.width, width);
        let rows = resampling(self.height, height);
        let mut narrow = vec![0.0f32; width * self.height];
        for y in 0..self.height {
            let line = &self.pixels[y * self.width..(y + 1) * self.width];
            for (x, (first, weights)) in columns.iter().enumerate() {
                narrow[y * width + x] = weights.iter().zip(&line[*first..]).map(|(w, p)| w * f32::from(*p)).sum();
            }
        }
        let mut pixels = Vec::with_capacity(width * height);
        for (first, weights) in &rows {
            for x in 0..width {
                let sum: f32 = weights.iter().enumerate().map(|(k, w)| w * narrow[(first + k) * width + x]).sum();
                pixels.push(sum.round().clamp(0.0, 255.0) as u8);
            }
        }
        Self { width, height, pixels }
    }
}

/// For each target pixel: the first source pixel and the weights (sum 1) of it and its successors.
fn resampling(source: usize, target: usize) -> Vec<(usize, Vec<f32>)> {
    let scale = source as f32 / target as f32;
    let support = scale.max(1.0);
    (0..target)
        .map(|index| {
            let centre = (index as f32 + 0.5) * scale - 0.5;
            let first = (centre - support).ceil().max(0.0) as usize;
            let last = ((centre + support).floor().max(0.0) as usize).min(source - 1);
            let mut weights: Vec<f32> =
                (first..=last.max(first)).map(|s| (1.0 - (s as f32 - centre).abs() / support).max(0.0)).collect();
            let sum: f32 = weights.iter().sum();
            if sum > 0.0 {
                weights.iter_mut().for_each(|weight| *weight /= sum);
            } else {
                weights = vec![1.0];
            }
            (first.min(source - 1), weights)
        })
        .collect()
}

impl std::fmt::Debug for GreyImage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "GreyImage({} × {})", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::{GreyImage, ImageError};

    #[test]
    fn pixels_must_fill_the_stated_size() {
        assert_eq!(GreyImage::new(2, 2, vec![0; 3]), Err(ImageError::Count(3)));
        assert_eq!(GreyImage::new(0, 2, vec![]), Err(ImageError::Size(0, 2)));
    }

    #[test]
    fn resizing_keeps_a_flat_image_flat_and_the_same_size_the_same() {
        let flat = GreyImage::new(7, 5, vec![93; 35]).unwrap();
        for (width, height) in [(3, 2), (14, 20), (1, 1)] {
            assert!(flat.resized(width, height).pixels().iter().all(|pixel| *pixel == 93));
        }
        let ramp = GreyImage::new(4, 1, vec![0, 50, 100, 150]).unwrap();
        assert_eq!(ramp.resized(4, 1), ramp);
    }
}
