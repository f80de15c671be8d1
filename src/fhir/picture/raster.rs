//! PNG and JPEG through the `image` crate.
//!
//! 8-bit images keep their values; colours become luminance; transparent pixels lie on black, the background of a
//! film. 16-bit images are stretched from their own darkest to their brightest value: most hold 10 or 12 bits and would
//! otherwise be black.

use super::{PictureError, check_size, jpeg as stream};
use crate::domain::GreyImage;
use image::codecs::{jpeg::JpegDecoder, png::PngDecoder};
use image::{DynamicImage, ImageDecoder, Limits};
use std::io::Cursor;

/// Most memory one decoder may ask for, in bytes; 32 million pixels of 8-bit colour have 96 MiB.
const ALLOCATION_MAX: u64 = 160 << 20;

fn limits() -> Limits {
    let mut limits = Limits::default();
    let side = u32::try_from(crate::domain::image::SIDE_MAX).ok();
    (limits.max_image_width, limits.max_image_height) = (side, side);
    limits.max_alloc = Some(ALLOCATION_MAX);
    limits
}

/// Reads a PNG file.
///
/// # Errors
/// [`PictureError::TooLarge`] by its header, [`PictureError::Undecodable`] when broken or cut short.
pub fn png(bytes: &[u8]) -> Result<GreyImage, PictureError> {
    // The header chunk comes first and has a fixed place (PNG third edition 11.2.1).
    let side = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
    let (width, height) = side(16).zip(side(20)).ok_or(PictureError::Undecodable("it has no header"))?;
    check_size(width, height)?;
    grey(PngDecoder::with_limits(Cursor::new(bytes), limits()).map_err(failure)?)
}

/// Reads a JPEG file.
///
/// # Errors
/// As [`png`].
pub fn jpeg(bytes: &[u8]) -> Result<GreyImage, PictureError> {
    let header = stream::frame_header(bytes).ok_or(PictureError::Undecodable("it has no frame"))?;
    check_size(header.width, header.height)?;
    if !stream::is_complete(bytes, &header) {
        return Err(PictureError::Undecodable("its end is missing"));
    }
    grey(JpegDecoder::new(Cursor::new(bytes)).map_err(failure)?)
}

fn grey(mut decoder: impl ImageDecoder) -> Result<GreyImage, PictureError> {
    let (width, height) = decoder.dimensions();
    check_size(width as usize, height as usize)?;
    decoder.set_limits(limits()).map_err(failure)?;
    if decoder.total_bytes() > ALLOCATION_MAX {
        return Err(PictureError::TooLarge);
    }
    let orientation = decoder.orientation().map_err(failure)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(failure)?;
    picture.apply_orientation(orientation);
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    GreyImage::new(width, height, pixels(picture)).map_err(|_| PictureError::TooLarge)
}

fn pixels(picture: DynamicImage) -> Vec<u8> {
    if picture.color().bytes_per_pixel() / picture.color().channel_count() > 1 {
        let deep = picture.to_luma_alpha16();
        let values: Vec<u16> = deep.pixels().map(|one| composite(one.0[0], one.0[1])).collect();
        return stretched(&values);
    }
    if picture.color().has_alpha() {
        return picture
            .to_luma_alpha8()
            .pixels()
            .map(|one| (u16::from(one.0[0]) * u16::from(one.0[1]) / 255) as u8)
            .collect();
    }
    picture.into_luma8().into_raw()
}

/// `value` over black.
fn composite(value: u16, alpha: u16) -> u16 {
    (u32::from(value) * u32::from(alpha) / 65_535) as u16
}

/// Darkest to 0, brightest to 255; a flat image becomes black.
fn stretched(values: &[u16]) -> Vec<u8> {
    let (low, high) = values.iter().fold((u16::MAX, 0), |(low, high), value| (low.min(*value), high.max(*value)));
    let range = u32::from(high.saturating_sub(low)).max(1);
    values.iter().map(|value| ((u32::from(value - low) * 255 + range / 2) / range) as u8).collect()
}

fn failure(error: image::ImageError) -> PictureError {
    match error {
        image::ImageError::Limits(_) => PictureError::TooLarge,
        image::ImageError::Unsupported(_) => PictureError::Pixels("a variant of its format that is not read"),
        // The decoder's own words are left out: they can quote the file.
        _ => PictureError::Undecodable("its decoder refuses it"),
    }
}

#[cfg(test)]
mod tests {
    use crate::fhir::picture::{FileKind, PictureError, read};
    use image::{ColorType, ExtendedColorType, ImageEncoder, codecs::jpeg::JpegEncoder, codecs::png::PngEncoder};
    use proptest::prelude::*;

    fn png(pixels: &[u8], width: u32, height: u32, colour: ColorType) -> Vec<u8> {
        let mut bytes = Vec::new();
        PngEncoder::new(&mut bytes).write_image(pixels, width, height, ExtendedColorType::from(colour)).unwrap();
        bytes
    }

    fn jpeg(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let pixels: Vec<u8> = (0..width * height).map(|at| (at % width * 4) as u8).collect();
        JpegEncoder::new_with_quality(&mut bytes, 95)
            .write_image(&pixels, width, height, ExtendedColorType::L8)
            .unwrap();
        bytes
    }

    fn pixels(bytes: &[u8]) -> Vec<u8> {
        read(bytes).unwrap().image.pixels().to_vec()
    }

    #[test]
    fn grey_colour_and_transparent_png_become_grey() {
        assert_eq!(pixels(&png(&[0, 90, 255, 17], 2, 2, ColorType::L8)), [0, 90, 255, 17]);
        assert_eq!(pixels(&png(&[9, 9, 9, 255, 0, 0], 2, 1, ColorType::Rgb8)), [9, 54]);
        assert_eq!(pixels(&png(&[200, 255, 200, 0, 200, 51], 3, 1, ColorType::La8)), [200, 0, 40]);
    }

    #[test]
    fn sixteen_bits_are_stretched_over_the_range_they_use() {
        let deep: Vec<u8> = [100_u16, 1_100, 2_100, 4_100].iter().flat_map(|value| value.to_ne_bytes()).collect();
        assert_eq!(pixels(&png(&deep, 4, 1, ColorType::L16)), [0, 64, 128, 255]);
        assert_eq!(pixels(&png(&[7; 4], 2, 1, ColorType::L16)), [0, 0]);
    }

    #[test]
    fn jpeg_is_read_whatever_it_is_called() {
        let picture = read(&jpeg(64, 16)).unwrap();
        assert_eq!((picture.image.width(), picture.image.height(), picture.kind), (64, 16, FileKind::Jpeg));
        assert!(picture.image.pixels()[40].abs_diff(160) < 6);
    }

    #[test]
    fn a_file_that_declares_a_huge_image_is_refused_by_its_header() {
        let mut bomb = png(&[0], 1, 1, ColorType::L8);
        bomb[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
        assert_eq!(read(&bomb).unwrap_err(), PictureError::TooLarge);
        let mut wide = jpeg(64, 16);
        let at = wide.windows(2).position(|pair| pair == b"\xff\xc0").unwrap();
        wide[at + 5..at + 9].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
        assert_eq!(read(&wide).unwrap_err(), PictureError::TooLarge);
    }

    #[test]
    fn a_file_cut_short_anywhere_is_an_error() {
        for whole in [png(&[5; 64 * 64], 64, 64, ColorType::L8), jpeg(64, 16)] {
            for length in 0..whole.len() - 12 {
                assert!(read(&whole[..length]).is_err(), "{length} of {}", whole.len());
            }
        }
        assert_eq!(read(b"GIF89a").unwrap_err(), PictureError::Unsupported);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn damaged_files_never_panic(index in any::<prop::sample::Index>(), byte in any::<u8>(), jpg in any::<bool>()) {
            let mut bytes = if jpg { jpeg(32, 8) } else { png(&[9; 256], 16, 16, ColorType::L8) };
            let at = index.index(bytes.len());
            bytes[at] = byte;
            // A damaged size may still be a size: what counts is that nothing panics and nothing huge comes out.
            prop_assert!(read(&bytes).is_err() || read(&bytes).is_ok_and(|one| one.image.pixels().len() < 1 << 20));
        }
    }
}
