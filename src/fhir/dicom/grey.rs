//! Stored samples → 8-bit grey: sign, rescale, window, sense.

use super::structure::Pixels;
use super::tags::Dataset;
use crate::fhir::picture::PictureError;
use dicom_dictionary_std::tags as tag;

/// How samples of a frame are stored and meant (PS3.3 C.7.6.3, C.11.1, C.11.2).
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    /// Rows (0028,0010).
    pub rows: usize,
    /// Columns (0028,0011).
    pub columns: usize,
    /// Samples per Pixel (0028,0002): 1 or 3.
    pub per_pixel: usize,
    /// Bits Allocated (0028,0100): 8 or 16.
    pub allocated: u32,
    /// Bits Stored (0028,0101).
    pub stored: u32,
    /// High Bit (0028,0102).
    pub high: u32,
    /// Pixel Representation (0028,0103) is two's complement.
    pub signed: bool,
    /// MONOCHROME1: the greatest value is black.
    pub inverted: bool,
    /// The first of three samples is luminance already (YBR).
    pub luminance_first: bool,
    /// Colours in planes rather than pixel by pixel (0028,0006).
    pub planar: bool,
    /// Rescale Slope and Intercept (0028,1053 and 0028,1052).
    pub rescale: (f64, f64),
    /// Window, if a usable one is stated.
    pub window: Option<Window>,
    /// Pixel Padding Value (0028,0120), as a stored value: the part of the matrix that is no image.
    pub padding: Option<i64>,
}

/// Window Center and Width (0028,1050 and 0028,1051) with the function that applies them (0028,1056).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Center.
    pub centre: f64,
    /// Width; at least 1, or above 0 for the other functions.
    pub width: f64,
    /// The function.
    pub function: Function,
}

/// VOI LUT Function (0028,1056).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// PS3.3 C.11.2.1.2.1
    Linear,
    /// PS3.3 C.11.2.1.3.2
    LinearExact,
    /// PS3.3 C.11.2.1.3.1
    Sigmoid,
}

impl Window {
    fn of(data: &Dataset<'_>) -> Option<Self> {
        let (centre, width) = (data.decimal(tag::WINDOW_CENTER)?, data.decimal(tag::WINDOW_WIDTH)?);
        let function = match data.text(tag::VOILUT_FUNCTION).as_deref() {
            Some("SIGMOID") => Function::Sigmoid,
            Some("LINEAR_EXACT") => Function::LinearExact,
            _ => Function::Linear,
        };
        let usable = if function == Function::Linear { width >= 1.0 } else { width > 0.0 };
        usable.then_some(Self { centre, width, function })
    }

    /// The output for `x`, 0 to 1.
    #[must_use]
    pub fn apply(&self, x: f64) -> f64 {
        let Self { centre, width, function } = *self;
        match function {
            Function::Linear => {
                let (middle, range) = (centre - 0.5, width - 1.0);
                if x <= middle - range / 2.0 {
                    0.0
                } else if x > middle + range / 2.0 {
                    1.0
                } else {
                    (x - middle) / range + 0.5
                }
            }
            Function::LinearExact => ((x - centre) / width + 0.5).clamp(0.0, 1.0),
            Function::Sigmoid => 1.0 / (1.0 + (-4.0 * (x - centre) / width).exp()),
        }
    }
}

impl Samples {
    /// Reads the description of a data set's pixels.
    ///
    /// # Errors
    /// [`PictureError::Pixels`] for kinds that are not read, [`PictureError::Undecodable`] for a description that is
    /// incomplete or contradicts itself.
    pub fn of(data: &Dataset<'_>, pixels: Pixels) -> Result<Self, PictureError> {
        let need = |tag| {
            let number = data.number(tag).and_then(|number| u32::try_from(number).ok());
            number.ok_or(PictureError::Undecodable("it does not describe its pixels"))
        };
        let photometric = data.text(tag::PHOTOMETRIC_INTERPRETATION).unwrap_or_default();
        let per_pixel = match photometric.as_str() {
            "MONOCHROME1" | "MONOCHROME2" => 1,
            "RGB" | "YBR_FULL" => 3,
            // Only JPEG halves colours; its decoder gives RGB.
            "YBR_FULL_422" if pixels == Pixels::Jpeg => 3,
            _ => return Err(PictureError::Pixels("neither grey nor plain colour")),
        };
        let allocated = need(tag::BITS_ALLOCATED)?;
        let stored = need(tag::BITS_STORED)?;
        let high = need(tag::HIGH_BIT).unwrap_or(stored.saturating_sub(1));
        if !matches!(allocated, 8 | 16) || (per_pixel == 3 && allocated != 8) {
            return Err(PictureError::Pixels("other than 8 or 16 bits"));
        }
        if data.number(tag::SAMPLES_PER_PIXEL) != Some(per_pixel)
            || !(1..=allocated).contains(&stored)
            || !(stored..=allocated).contains(&(high + 1))
        {
            return Err(PictureError::Undecodable("the description of its pixels contradicts itself"));
        }
        if per_pixel == 1 && data.has(tag::MODALITY_LUT_SEQUENCE) {
            return Err(PictureError::Pixels("values behind a modality lookup table"));
        }
        let padding = data.number(tag::PIXEL_PADDING_VALUE);
        let slope = data.decimal(tag::RESCALE_SLOPE).filter(|slope| *slope != 0.0).unwrap_or(1.0);
        let samples = Self {
            rows: need(tag::ROWS)? as usize,
            columns: need(tag::COLUMNS)? as usize,
            per_pixel: per_pixel as usize,
            allocated,
            stored,
            high,
            signed: data.number(tag::PIXEL_REPRESENTATION) == Some(1),
            inverted: photometric == "MONOCHROME1",
            luminance_first: photometric.starts_with("YBR") && pixels != Pixels::Jpeg,
            planar: data.number(tag::PLANAR_CONFIGURATION) == Some(1),
            rescale: (slope, data.decimal(tag::RESCALE_INTERCEPT).unwrap_or(0.0)),
            window: Window::of(data),
            padding: None,
        };
        // Written as signed or unsigned with little regard for the pixels: its 16 bits are what counts.
        let padding = padding.map(|value| samples.value((value & 0xffff) as u16));
        Ok(Self { padding, ..samples })
    }

    /// Bytes of one sample.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.allocated.div_ceil(8) as usize
    }

    /// The stored value in a raw word: the bits from the high bit down, with their sign.
    #[must_use]
    pub fn value(&self, raw: u16) -> i64 {
        let value = (i64::from(raw) >> (self.high + 1 - self.stored)) & ((1 << self.stored) - 1);
        if self.signed && value >> (self.stored - 1) == 1 { value - (1 << self.stored) } else { value }
    }
}

/// Grey pixels from the samples of one frame (little endian). `interleaved`: colours stand pixel by pixel whatever the
/// data set says, as decoders leave them.
///
/// # Errors
/// [`PictureError::Undecodable`] when there are fewer samples than the data set says.
pub fn pixels(data: &[u8], samples: &Samples, interleaved: bool) -> Result<Vec<u8>, PictureError> {
    let count = samples.rows * samples.columns;
    let length = count * samples.per_pixel * samples.bytes();
    let data = data.get(..length).ok_or(PictureError::Undecodable("it has fewer pixels than it says"))?;
    if samples.per_pixel == 3 {
        return Ok(luminance(data, samples, interleaved));
    }
    if samples.allocated == 8 {
        let table = table(samples, || data.iter().map(|byte| u16::from(*byte)));
        return Ok(data.iter().map(|byte| table[usize::from(*byte)]).collect());
    }
    let words = || data.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let table = table(samples, words);
    Ok(words().map(|word| table[usize::from(word)]).collect())
}

/// The grey for every raw word. Without a window the values present are spread over the whole range.
fn table<I: Iterator<Item = u16>>(samples: &Samples, words: impl Fn() -> I) -> Vec<u8> {
    let (slope, intercept) = samples.rescale;
    let window = samples.window.unwrap_or_else(|| {
        let mut present = vec![false; 1 << samples.allocated];
        words().for_each(|word| present[usize::from(word)] = true);
        let values = (0..=u16::MAX).zip(&present).filter(|(_, is)| **is).map(|(raw, _)| samples.value(raw));
        let values =
            values.filter(|value| Some(*value) != samples.padding).map(|value| slope * value as f64 + intercept);
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        // `LinearExact` maps `low` to 0 and `high` to 1; a flat image becomes mid-grey.
        let width = if high > low { high - low } else { 1.0 };
        let centre = if high >= low { f64::midpoint(low, high) } else { 0.0 };
        Window { centre, width, function: Function::LinearExact }
    });
    (0..=u16::MAX)
        .take(1 << samples.allocated)
        .map(|raw| {
            let value = samples.value(raw);
            if Some(value) == samples.padding {
                return 0;
            }
            let grey = window.apply(slope * value as f64 + intercept);
            ((if samples.inverted { 1.0 - grey } else { grey }) * 255.0).round() as u8
        })
        .collect()
}

/// Luminance of 8-bit colours (ITU-R BT.709, as for PNG and JPEG).
fn luminance(data: &[u8], samples: &Samples, interleaved: bool) -> Vec<u8> {
    let count = samples.rows * samples.columns;
    let (step, plane) = if samples.planar && !interleaved { (1, count) } else { (3, 1) };
    let at = |pixel: usize, colour: usize| u32::from(data[pixel * step + colour * plane]);
    (0..count)
        .map(|pixel| {
            if samples.luminance_first {
                return at(pixel, 0) as u8;
            }
            ((2_126 * at(pixel, 0) + 7_152 * at(pixel, 1) + 722 * at(pixel, 2)) / 10_000) as u8
        })
        .collect()
}
