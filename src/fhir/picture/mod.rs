//! Bytes of an image → grey pixels.
//!
//! Contract: what the bytes are is decided by their first bytes, never by what is said of them. Sizes that a file
//! declares are checked before anything of that size is allocated. No input panics the caller, and a file that is cut
//! short is an error, never a film that is half black.

pub mod jpeg;
pub mod raster;

use super::dicom;
use crate::domain::image::SIDE_MAX;
use crate::domain::{GreyImage, Side};
use std::panic::catch_unwind;
use time::OffsetDateTime;

/// The largest file that is read, in bytes after base64: an uncompressed 16-bit film of the largest detectors has 30 MB.
pub const FILE_BYTES: usize = 64 << 20;
/// Most pixels of a film; the largest detectors have 17 million.
pub const PIXELS_MAX: usize = 32 << 20;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Portable Network Graphics.
    Png,
    /// JPEG File Interchange Format or Exif.
    Jpeg,
    /// A DICOM file (PS3.10).
    Dicom,
}

impl FileKind {
    /// Recognises a file by its first bytes (PNG third edition 5.2; ITU T.81 B.1.1.3; DICOM PS3.10 7.1).
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if bytes.starts_with(b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else {
            (bytes.get(128..132) == Some(b"DICM")).then_some(Self::Dicom)
        }
    }

    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Dicom => "application/dicom",
        }
    }
}

/// Why a file gives no film. Never holds what stands in the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// Neither PNG nor JPEG nor DICOM.
    #[error("it is neither PNG nor JPEG nor DICOM")]
    Unsupported,
    /// A DICOM transfer syntax that is not read (JPEG 2000, JPEG-LS, deflated …).
    #[error("its DICOM transfer syntax is not read")]
    TransferSyntax,
    /// A DICOM object of another sort than a plain grey or colour picture.
    #[error("its pixels are not of a kind that is read: {0}")]
    Pixels(&'static str),
    /// A DICOM object without an image.
    #[error("it holds no pixels")]
    NoPixels,
    /// Over [`FILE_BYTES`], [`SIDE_MAX`] or [`PIXELS_MAX`], as declared by the file.
    #[error("it is larger than {FILE_BYTES} bytes, {SIDE_MAX} pixels on a side or {PIXELS_MAX} pixels in all")]
    TooLarge,
    /// Broken or cut short.
    #[error("it is broken or cut short: {0}")]
    Undecodable(&'static str),
}

impl PictureError {
    /// Stable, PHI-free code for [`crate::domain::Ignored`].
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unsupported => "unsupported-media-type",
            Self::TransferSyntax => "unsupported-transfer-syntax",
            Self::Pixels(_) => "unsupported-pixels",
            Self::NoPixels => "no-pixels",
            Self::TooLarge => "image-too-large",
            Self::Undecodable(_) => "undecodable-image",
        }
    }
}

/// An image with what its own file says about it.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The pixels, bone white.
    pub image: GreyImage,
    /// What it was.
    pub kind: FileKind,
    /// What DICOM files state; empty for others.
    pub stated: Stated,
}

/// What a DICOM file states about its image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stated {
    /// Modality (0008,0060).
    pub modality: Option<String>,
    /// View Position (0018,5101).
    pub view: Option<String>,
    /// Body Part Examined (0018,0015).
    pub body_site: Option<String>,
    /// Image Laterality (0020,0062) or Laterality (0020,0060).
    pub side: Option<Side>,
    /// When it was acquired; a day without a time zone counts as its noon, UTC.
    pub time: Option<OffsetDateTime>,
    /// Study Instance UID (0020,000D).
    pub study: Option<String>,
}

/// Checks the size a file declares.
///
/// # Errors
/// [`PictureError::TooLarge`], or [`PictureError::Undecodable`] for an empty image.
pub fn check_size(width: usize, height: usize) -> Result<(), PictureError> {
    if width == 0 || height == 0 {
        return Err(PictureError::Undecodable("it says it has no pixels"));
    }
    let fits = width <= SIDE_MAX && height <= SIDE_MAX && width * height <= PIXELS_MAX;
    if fits { Ok(()) } else { Err(PictureError::TooLarge) }
}

/// Reads an image file.
///
/// # Errors
/// [`PictureError`]; also when a decoder panics, which the RLE and JPEG adapters of dicom-rs can on contradictory
/// files (they index with lengths taken from the file). What is known of that is checked beforehand; `catch_unwind` is for
/// the rest. Nothing is shared with the decoders, so there is no state a panic could leave behind.
pub fn read(bytes: &[u8]) -> Result<Picture, PictureError> {
    let kind = FileKind::of(bytes).ok_or(PictureError::Unsupported)?;
    if bytes.len() > FILE_BYTES {
        return Err(PictureError::TooLarge);
    }
    let decoded = catch_unwind(|| match kind {
        FileKind::Png => raster::png(bytes).map(|image| (image, Stated::default())),
        FileKind::Jpeg => raster::jpeg(bytes).map(|image| (image, Stated::default())),
        FileKind::Dicom => dicom::read(bytes),
    });
    let (image, stated) = decoded.unwrap_or(Err(PictureError::Undecodable("its decoder gave up")))?;
    Ok(Picture { image, kind, stated })
}
