//! Compressed pixel data, looked through before it is decoded (PS3.5 annexes A.4 and G).
//!
//! dicom-rs's adapters copy into buffers sized by the data set with lengths taken from the compressed stream, and index
//! by what an RLE header declares: a stream that contradicts its data set panics there, or asks for gigabytes.

use super::grey::Samples;
use super::structure::Pixels;
use crate::fhir::picture::{PictureError, jpeg};
use dicom_dictionary_std::tags;
use dicom_object::DefaultDicomObject;

/// The length of an RLE header: a count and fifteen offsets.
const RLE_HEADER: usize = 64;

/// Checks that the first frame's stream is what its data set says.
///
/// # Errors
/// [`PictureError::Undecodable`] when it is not.
pub fn check(object: &DefaultDicomObject, pixels: Pixels, samples: &Samples) -> Result<(), PictureError> {
    let element = object.get(tags::PIXEL_DATA).ok_or(PictureError::NoPixels)?;
    if pixels == Pixels::Native {
        return if element.fragments().is_some() { Err(contradiction()) } else { Ok(()) };
    }
    let first = element.fragments().and_then(<[_]>::first).ok_or_else(contradiction)?;
    // The first frame begins with the first fragment, or it would be another stream that is decoded than is checked.
    if element.offset_table().and_then(<[_]>::first).is_some_and(|offset| *offset != 0) {
        return Err(contradiction());
    }
    let fits = match pixels {
        Pixels::Jpeg => jpeg_fits(first, samples),
        _ => rle_fits(first, samples).unwrap_or(false),
    };
    if fits { Ok(()) } else { Err(contradiction()) }
}

const fn contradiction() -> PictureError {
    PictureError::Undecodable("its compressed pixels contradict its data set")
}

fn jpeg_fits(stream: &[u8], samples: &Samples) -> bool {
    jpeg::frame_header(stream).is_some_and(|header| {
        // Baseline, extended and lossless; a progressive stream may ask for the whole image to be gone through at
        // every few bytes, and none of the transfer syntaxes allows it.
        matches!(header.process, 0xc0 | 0xc1 | 0xc3)
            && (header.width, header.height) == (samples.columns, samples.rows)
            && usize::from(header.components) == samples.per_pixel
            && usize::from(header.precision).div_ceil(8) == samples.bytes()
    })
}

/// Whether there is a segment per byte of a pixel and each unpacks to the frame's pixels.
fn rle_fits(fragment: &[u8], samples: &Samples) -> Option<bool> {
    let word = |at: usize| Some(u32::from_le_bytes(fragment.get(4 * at..4 * at + 4)?.try_into().ok()?) as usize);
    let segments = samples.per_pixel * samples.bytes();
    if fragment.len() < RLE_HEADER || word(0)? != segments {
        return Some(false);
    }
    let pixels = samples.rows * samples.columns;
    for segment in 1..=segments {
        let end = if segment == segments { fragment.len() } else { word(segment + 1)? };
        let unpacked = unpacked(fragment.get(word(segment)?..end)?, pixels + RLE_HEADER)?;
        if unpacked < pixels {
            return Some(false);
        }
    }
    Some(true)
}

/// How many bytes a PackBits segment unpacks to; nothing when it is cut short or exceeds `most`.
fn unpacked(mut segment: &[u8], most: usize) -> Option<usize> {
    let mut total = 0;
    while let Some((header, rest)) = segment.split_first() {
        let (taken, given) = match *header {
            literal @ 0..=127 => (usize::from(literal) + 1, usize::from(literal) + 1),
            128 => (0, 0),
            repeat => (1, 257 - usize::from(repeat)),
        };
        // A segment is padded to an even length; the padding may look like the beginning of a run.
        if rest.len() < taken {
            return (rest.is_empty() && *header == 0).then_some(total);
        }
        segment = &rest[taken..];
        total += given;
        if total > most {
            return None;
        }
    }
    Some(total)
}
