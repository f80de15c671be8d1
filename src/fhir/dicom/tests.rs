//! Files made here with dicom-object, whole and damaged.

use super::read;
use crate::fhir::picture::{self, PictureError};
use dicom_core::value::PixelFragmentSequence;
use dicom_core::{DataElement, PrimitiveValue, VR, dicom_value};
use dicom_dictionary_std::tags as tag;
use dicom_object::{FileMetaTableBuilder, InMemDicomObject, Tag};
use image::ImageEncoder;
use proptest::prelude::*;
use time::macros::datetime;

const IMPLICIT: &str = "1.2.840.10008.1.2";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
const JPEG: &str = "1.2.840.10008.1.2.4.50";
const RLE: &str = "1.2.840.10008.1.2.5";

/// A data set that grows by calls.
#[derive(Clone)]
struct File {
    data: InMemDicomObject,
    syntax: &'static str,
}

fn file(columns: u16, rows: u16, bits: (u16, u16)) -> File {
    let mut file = File { data: InMemDicomObject::new_empty(), syntax: EXPLICIT };
    for (tag, value) in [
        (tag::COLUMNS, columns),
        (tag::ROWS, rows),
        (tag::SAMPLES_PER_PIXEL, 1),
        (tag::BITS_ALLOCATED, bits.0),
        (tag::BITS_STORED, bits.1),
        (tag::HIGH_BIT, bits.1 - 1),
        (tag::PIXEL_REPRESENTATION, 0),
    ] {
        file = file.short(tag, value);
    }
    file.text(tag::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2")
        .text(tag::SOP_CLASS_UID, VR::UI, "1.2.840.10008.5.1.4.1.1.1.1")
        .text(tag::SOP_INSTANCE_UID, VR::UI, "2.25.1")
}

impl File {
    fn short(mut self, tag: Tag, value: u16) -> Self {
        self.data.put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
        self
    }

    fn text(mut self, tag: Tag, vr: VR, value: &str) -> Self {
        self.data.put(DataElement::new(tag, vr, PrimitiveValue::from(value)));
        self
    }

    fn words(mut self, words: &[u16]) -> Self {
        self.data.put(DataElement::new(tag::PIXEL_DATA, VR::OW, PrimitiveValue::U16(words.into())));
        self
    }

    fn octets(mut self, octets: &[u8]) -> Self {
        self.data.put(DataElement::new(tag::PIXEL_DATA, VR::OB, PrimitiveValue::U8(octets.into())));
        self
    }

    fn fragments(mut self, syntax: &'static str, fragments: Vec<Vec<u8>>) -> Self {
        self.syntax = syntax;
        self.data.put(DataElement::new(tag::PIXEL_DATA, VR::OB, PixelFragmentSequence::new(vec![], fragments)));
        self
    }

    fn nested(mut self) -> Self {
        let item =
            InMemDicomObject::from_element_iter([DataElement::new(tag::CODE_VALUE, VR::SH, dicom_value!(Str, "1"))]);
        let sequence = dicom_core::value::DataSetSequence::from(vec![item.clone(), item]);
        self.data.put(DataElement::new(tag::VIEW_CODE_SEQUENCE, VR::SQ, sequence));
        self
    }

    fn syntax(mut self, syntax: &'static str) -> Self {
        self.syntax = syntax;
        self
    }

    fn bytes(self) -> Vec<u8> {
        let meta = FileMetaTableBuilder::new()
            .transfer_syntax(self.syntax)
            .media_storage_sop_class_uid("1.2.840.10008.5.1.4.1.1.1.1")
            .media_storage_sop_instance_uid("2.25.1");
        let mut bytes = Vec::new();
        self.data.with_meta(meta).unwrap().write_all(&mut bytes).unwrap();
        bytes
    }

    fn pixels(self) -> Vec<u8> {
        read(&self.bytes()).unwrap().0.pixels().to_vec()
    }
}

fn rle(planes: &[&[u8]]) -> Vec<u8> {
    let mut bytes = (planes.len() as u32).to_le_bytes().to_vec();
    bytes.resize(64, 0);
    for (index, plane) in planes.iter().enumerate() {
        let at = bytes.len() as u32;
        bytes[4 * index + 4..4 * index + 8].copy_from_slice(&at.to_le_bytes());
        for run in plane.chunks(100) {
            if run.len() > 1 && run.iter().all(|byte| *byte == run[0]) {
                bytes.extend([(257 - run.len()) as u8, run[0]]);
            } else {
                bytes.push((run.len() - 1) as u8);
                bytes.extend(run);
            }
        }
    }
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes
}

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let pixels: Vec<u8> = (0..width * height).map(|at| (at % width * 255 / (width - 1)) as u8).collect();
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 98);
    encoder.write_image(&pixels, width, height, image::ExtendedColorType::L8).unwrap();
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes
}

#[test]
fn every_native_transfer_syntax_gives_the_same_pixels() {
    let base = file(2, 2, (16, 12)).words(&[0, 1_000, 2_000, 4_000]).nested();
    for syntax in [IMPLICIT, EXPLICIT, BIG_ENDIAN] {
        assert_eq!(base.clone().syntax(syntax).pixels(), [0, 64, 128, 255], "{syntax}");
    }
    assert_eq!(file(3, 1, (8, 8)).octets(&[10, 20, 30, 0]).pixels(), [0, 128, 255]);
}

#[test]
fn monochrome1_is_turned_so_that_bone_is_white() {
    let file = file(3, 1, (8, 8)).text(tag::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME1").octets(&[10, 20, 30, 0]);
    assert_eq!(file.pixels(), [255, 128, 0]);
}

#[test]
fn the_window_is_applied_as_the_standard_says() {
    let ct = |function: &str| {
        file(5, 1, (16, 16))
            .short(tag::PIXEL_REPRESENTATION, 1)
            .text(tag::RESCALE_SLOPE, VR::DS, "2")
            .text(tag::RESCALE_INTERCEPT, VR::DS, "-1024")
            .text(tag::WINDOW_CENTER, VR::DS, "40\\300")
            .text(tag::WINDOW_WIDTH, VR::DS, "400\\1500")
            .text(tag::VOILUT_FUNCTION, VR::CS, function)
            .words(&[0xffff, 432, 532, 632, 0x7fff])
    };
    // −1026, −160, 40, 240 and 64510 through centre 40, width 400: (x − 39.5)/399 + 0.5.
    assert_eq!(ct("LINEAR").pixels(), [0, 0, 128, 255, 255]);
    assert_eq!(ct("LINEAR_EXACT").pixels(), [0, 0, 128, 255, 255]);
    assert_eq!(ct("SIGMOID").pixels(), [0, 30, 128, 225, 255]);
    let whole = |words: &[u16]| {
        let size = u16::try_from(words.len()).unwrap();
        let file =
            file(size, 1, (16, 12)).text(tag::WINDOW_CENTER, VR::DS, "2048").text(tag::WINDOW_WIDTH, VR::DS, "4096");
        file.words(words).pixels()
    };
    assert_eq!(whole(&[0, 1, 4_094, 4_095, 0xf000 + 2_048]), [0, 0, 255, 255, 128]);
    // A width below 1 is not allowed for LINEAR: as if there were no window.
    let narrow =
        file(2, 1, (8, 8)).text(tag::WINDOW_CENTER, VR::DS, "5").text(tag::WINDOW_WIDTH, VR::DS, "0").octets(&[5, 9]);
    assert_eq!(narrow.pixels(), [0, 255]);
}

#[test]
fn padding_is_black_and_does_not_widen_the_range() {
    let padded = file(3, 1, (16, 16)).short(tag::PIXEL_REPRESENTATION, 1).short(tag::PIXEL_PADDING_VALUE, 0x8000);
    assert_eq!(padded.words(&[0x8000, 100, 200]).pixels(), [0, 0, 255]);
    assert_eq!(file(2, 1, (8, 8)).octets(&[7, 7]).pixels(), [128, 128]);
}

#[test]
fn of_several_frames_the_first_is_read() {
    let frames = file(2, 1, (8, 8)).text(tag::NUMBER_OF_FRAMES, VR::IS, "2").octets(&[1, 2, 200, 100]);
    assert_eq!(frames.pixels(), [0, 255]);
}

#[test]
fn colours_become_luminance_in_either_planar_configuration() {
    let colour = |planar| {
        file(2, 1, (8, 8))
            .short(tag::SAMPLES_PER_PIXEL, 3)
            .text(tag::PHOTOMETRIC_INTERPRETATION, VR::CS, "RGB")
            .short(tag::PLANAR_CONFIGURATION, planar)
    };
    assert_eq!(colour(0).octets(&[255, 0, 0, 0, 255, 0]).pixels(), [54, 182]);
    assert_eq!(colour(1).octets(&[255, 0, 0, 255, 0, 0]).pixels(), [54, 182]);
}

#[test]
fn compressed_pixels_are_decoded() {
    let (columns, rows) = (64, 16);
    let picture = file(columns, rows, (8, 8)).fragments(JPEG, vec![jpeg(64, 16)]).pixels();
    assert_eq!(picture.len(), 1_024);
    assert!((0..64).all(|x| picture[5 * 64 + x].abs_diff((x * 255 / 63) as u8) < 8));
    let high: Vec<u8> = (0..200).map(|at| at / 100).collect();
    let low: Vec<u8> = (0..=199).collect();
    let deep = file(100, 2, (16, 12)).fragments(RLE, vec![rle(&[&high, &low])]).pixels();
    assert_eq!((deep[0], deep[199], deep[100]), (0, 255, ((256 + 100) * 255_u32).div_ceil(455) as u8));
}

#[test]
fn what_the_file_states_about_the_image_is_kept() {
    let described = file(2, 1, (8, 8))
        .text(tag::MODALITY, VR::CS, "DX")
        .text(tag::VIEW_POSITION, VR::CS, "PA")
        .text(tag::BODY_PART_EXAMINED, VR::CS, "CHEST ")
        .text(tag::STUDY_INSTANCE_UID, VR::UI, "2.25.77")
        .text(tag::ACQUISITION_DATE, VR::DA, "20260102")
        .text(tag::ACQUISITION_TIME, VR::TM, "101500.25")
        .octets(&[1, 2]);
    let (_, stated) = read(&described.clone().bytes()).unwrap();
    assert_eq!(
        (stated.modality.as_deref(), stated.view.as_deref(), stated.body_site.as_deref()),
        (Some("DX"), Some("PA"), Some("CHEST"))
    );
    assert_eq!((stated.time, stated.study.as_deref()), (Some(datetime!(2026-01-02 12:00 UTC)), Some("2.25.77")));
    let zoned = described.text(tag::TIMEZONE_OFFSET_FROM_UTC, VR::SH, "+0100").bytes();
    assert_eq!(read(&zoned).unwrap().1.time, Some(datetime!(2026-01-02 09:15 UTC)));
}

#[test]
fn a_file_that_declares_too_much_is_refused_before_it_is_decoded() {
    let huge = file(65_535, 65_535, (16, 16)).words(&[1, 2, 3, 4]).bytes();
    assert_eq!(read(&huge).unwrap_err(), PictureError::TooLarge);
    let short = file(512, 512, (16, 16)).words(&[1, 2, 3, 4]).bytes();
    assert!(matches!(read(&short).unwrap_err(), PictureError::Undecodable(_)));
    for (columns, rows) in [(64, 15), (63, 16), (4_096, 4_096)] {
        let lying = file(columns, rows, (8, 8)).fragments(JPEG, vec![jpeg(64, 16)]).bytes();
        assert!(matches!(read(&lying).unwrap_err(), PictureError::Undecodable(_)));
    }
    for count in [0_u32, 1, 3, 0x3fff_ffff, u32::MAX] {
        let mut header = rle(&[&[0, 0], &[1, 2]]);
        header[..4].copy_from_slice(&count.to_le_bytes());
        assert!(matches!(
            read(&file(2, 1, (16, 16)).fragments(RLE, vec![header]).bytes()).unwrap_err(),
            PictureError::Undecodable(_)
        ));
    }
    let bomb = rle(&[&[7; 100_000]]);
    assert!(read(&file(10, 10, (8, 8)).fragments(RLE, vec![bomb]).bytes()).is_err());
    assert!(read(&file(2, 2, (8, 8)).fragments(RLE, vec![]).bytes()).is_err());
}

#[test]
fn unread_transfer_syntaxes_and_pixel_kinds_are_named() {
    let mut deflated = file(2, 1, (8, 8)).octets(&[1, 2]).bytes();
    let at = deflated.windows(19).position(|part| part == EXPLICIT.as_bytes()).unwrap();
    deflated[at + 17..at + 19].copy_from_slice(b".9");
    assert_eq!(read(&deflated).unwrap_err(), PictureError::TransferSyntax);
    let jpeg2000 = file(2, 1, (8, 8)).fragments("1.2.840.10008.1.2.4.90", vec![vec![0; 4]]).bytes();
    assert_eq!(read(&jpeg2000).unwrap_err(), PictureError::TransferSyntax);
    let palette = file(2, 1, (8, 8)).text(tag::PHOTOMETRIC_INTERPRETATION, VR::CS, "PALETTE COLOR").octets(&[1, 2]);
    assert!(matches!(read(&palette.bytes()).unwrap_err(), PictureError::Pixels(_)));
    assert_eq!(read(&file(2, 1, (8, 8)).bytes()).unwrap_err(), PictureError::NoPixels);
}

#[test]
fn deep_nesting_is_refused_before_anything_recurses() {
    let mut bytes = file(2, 1, (8, 8)).bytes();
    for _ in 0..100_000 {
        bytes.extend(b"\x40\x00\x60\xa1SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff");
    }
    assert_eq!(read(&bytes).unwrap_err(), PictureError::Undecodable("it is nested too deeply"));
}

#[test]
fn a_file_cut_short_anywhere_is_an_error() {
    for whole in [
        file(8, 8, (16, 12)).words(&[9; 64]).nested().bytes(),
        file(64, 16, (8, 8)).fragments(JPEG, vec![jpeg(64, 16)]).bytes(),
        file(8, 8, (8, 8)).fragments(RLE, vec![rle(&[&[3; 64]])]).bytes(),
    ] {
        // Encapsulated pixel data may lack its closing delimiter, which is eight bytes.
        for length in 0..whole.len() - 8 {
            assert!(picture::read(&whole[..length]).is_err(), "{length} of {}", whole.len());
        }
    }
}

fn any_file() -> impl Strategy<Value = Vec<u8>> {
    let native = || file(8, 8, (16, 12)).words(&[9; 64]).nested();
    prop::sample::select(vec![
        native().bytes(),
        native().syntax(IMPLICIT).bytes(),
        native().syntax(BIG_ENDIAN).bytes(),
        file(64, 16, (8, 8)).fragments(JPEG, vec![jpeg(64, 16)]).bytes(),
        file(8, 8, (16, 16)).fragments(RLE, vec![rle(&[&[3; 64], &[4; 64]])]).bytes(),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    // `read` here is the one without `catch_unwind`: not even dicom-rs may panic.
    #[test]
    fn damaged_files_never_panic(mut bytes in any_file(), hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        for (index, byte) in hits {
            let at = 128 + index.index(bytes.len() - 128);
            bytes[at] = byte;
        }
        prop_assert!(read(&bytes).is_err() || bytes.len() > 300);
    }

    #[test]
    fn random_data_sets_never_panic(tail in prop::collection::vec(any::<u8>(), 0..400), bytes in any_file()) {
        let mut bytes = bytes[..340.min(bytes.len())].to_vec();
        bytes.extend(tail);
        prop_assert!(read(&bytes).is_err() || bytes.len() > 300);
    }
}
