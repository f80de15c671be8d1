//! Films of the samples: generated ones from `films/` (see `auscult films`), and wrong ones made here.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Which film a sample has.
#[derive(Debug, Clone, Copy)]
pub(super) enum FilmKind {
    /// Generated, with a clear finding.
    Pneumonia(usize),
    /// Generated, without.
    Normal(usize),
    /// A generated film as a DICOM file whose grey scale is inverted (MONOCHROME1).
    DicomInverted,
    /// A PNG that breaks off in the middle.
    Damaged,
    /// Noise in the size of a film.
    Noise,
    /// A generated knee.
    Knee(Knee),
}

/// A generated film of a knee. The films are drawn as right knees; a left one is mirrored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Knee {
    pub(super) drawn: Drawn,
    pub(super) left: bool,
}

/// What a knee was drawn to look like.
#[derive(Debug, Clone, Copy)]
pub(super) enum Drawn {
    Unremarkable,
    Moderate,
    Severe,
}

const PNEUMONIA: [&[u8]; 3] = [
    include_bytes!("films/pneumonia-1.png"),
    include_bytes!("films/pneumonia-2.png"),
    include_bytes!("films/pneumonia-3.png"),
];
const NORMAL: [&[u8]; 3] =
    [include_bytes!("films/normal-1.png"), include_bytes!("films/normal-2.png"), include_bytes!("films/normal-3.png")];

const KNEES: [&[u8]; 3] =
    [include_bytes!("films/knee-0-1.png"), include_bytes!("films/knee-3-1.png"), include_bytes!("films/knee-4-1.png")];

/// Media type and base64 of the film.
pub(super) fn attachment(kind: FilmKind) -> (&'static str, String) {
    let (media_type, bytes) = match kind {
        FilmKind::Pneumonia(index) => ("image/png", PNEUMONIA[index % PNEUMONIA.len()].to_vec()),
        FilmKind::Normal(index) => ("image/png", NORMAL[index % NORMAL.len()].to_vec()),
        FilmKind::DicomInverted => ("application/dicom", inverted_dicom(PNEUMONIA[2])),
        FilmKind::Damaged => ("image/png", PNEUMONIA[0][..PNEUMONIA[0].len() / 3].to_vec()),
        FilmKind::Noise => ("image/png", noise()),
        FilmKind::Knee(Knee { drawn, left }) => {
            let right = match drawn {
                Drawn::Unremarkable => KNEES[0],
                Drawn::Moderate => KNEES[1],
                Drawn::Severe => KNEES[2],
            };
            ("image/png", if left { mirrored(right) } else { right.to_vec() })
        }
    };
    (media_type, STANDARD.encode(bytes))
}

/// The PNG as a mirror shows it.
fn mirrored(png: &[u8]) -> Vec<u8> {
    let Ok(film) = image::load_from_memory(png) else { return Vec::new() };
    let film = image::imageops::flip_horizontal(&film.to_luma8());
    let mut bytes = Vec::new();
    let (width, height) = film.dimensions();
    if PngEncoder::new(&mut bytes).write_image(film.as_raw(), width, height, ExtendedColorType::L8).is_err() {
        bytes.clear();
    }
    bytes
}

fn noise() -> Vec<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let pixels: Vec<u8> = (0..256 * 256).map(|_| rng.random()).collect();
    let mut bytes = Vec::new();
    // Encoding into memory cannot fail; an empty attachment would be listed as undecodable.
    if PngEncoder::new(&mut bytes).write_image(&pixels, 256, 256, ExtendedColorType::L8).is_err() {
        bytes.clear();
    }
    bytes
}

/// The film as explicit little-endian DICOM, 8 bit, black and white exchanged.
fn inverted_dicom(png: &[u8]) -> Vec<u8> {
    let Ok(film) = image::load_from_memory(png) else { return Vec::new() };
    let film = film.to_luma8();
    let (columns, rows) = film.dimensions();
    let pixels: Vec<u8> = film.into_raw().into_iter().map(|pixel| 255 - pixel).collect();
    let short = |value: u32| PrimitiveValue::from(u16::try_from(value).unwrap_or(u16::MAX));
    let text = |value: &str| PrimitiveValue::from(value);
    let object = InMemDicomObject::from_element_iter([
        DataElement::new(tags::SOP_CLASS_UID, VR::UI, text(uids::COMPUTED_RADIOGRAPHY_IMAGE_STORAGE)),
        DataElement::new(tags::SOP_INSTANCE_UID, VR::UI, text("2.25.20260301001")),
        DataElement::new(tags::MODALITY, VR::CS, text("CR")),
        DataElement::new(tags::BODY_PART_EXAMINED, VR::CS, text("CHEST")),
        DataElement::new(tags::VIEW_POSITION, VR::CS, text("AP")),
        DataElement::new(tags::SAMPLES_PER_PIXEL, VR::US, short(1)),
        DataElement::new(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, text("MONOCHROME1")),
        DataElement::new(tags::ROWS, VR::US, short(rows)),
        DataElement::new(tags::COLUMNS, VR::US, short(columns)),
        DataElement::new(tags::BITS_ALLOCATED, VR::US, short(8)),
        DataElement::new(tags::BITS_STORED, VR::US, short(8)),
        DataElement::new(tags::HIGH_BIT, VR::US, short(7)),
        DataElement::new(tags::PIXEL_REPRESENTATION, VR::US, short(0)),
        DataElement::new(tags::PIXEL_DATA, VR::OB, PrimitiveValue::from(pixels)),
    ]);
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN)
        .media_storage_sop_class_uid(uids::COMPUTED_RADIOGRAPHY_IMAGE_STORAGE)
        .media_storage_sop_instance_uid("2.25.20260301001");
    let mut bytes = Vec::new();
    match object.with_meta(meta) {
        Ok(file) if file.write_all(&mut bytes).is_ok() => bytes,
        _ => Vec::new(),
    }
}
