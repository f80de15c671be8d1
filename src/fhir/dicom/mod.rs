//! DICOM files → grey pixels (PS3.3 C.7.6.3, C.11.1, C.11.2; PS3.5; PS3.10).
//!
//! Contract: [`structure`] has walked every length and every level of nesting before dicom-rs, which recurses into
//! sequences and allocates what elements declare, sees the file; rows × columns are checked before pixels are decoded; the
//! first frame is read. Bone is white in the answer: MONOCHROME1 is inverted.

pub mod encapsulated;
pub mod grey;
pub mod structure;
pub mod tags;

use super::datetime;
use super::picture::{PictureError, Stated, check_size};
use super::resource::shown;
use crate::domain::{GreyImage, Side};
use dicom_dictionary_std::tags as tag;
use dicom_object::OpenFileOptions;
use dicom_pixeldata::PixelDecoder;
use grey::Samples;
use structure::Pixels;
use tags::Dataset;

/// Reads the first frame of a DICOM file and what the file states about it.
///
/// # Errors
/// [`PictureError`]. May panic inside dicom-rs on files that contradict themselves in ways not foreseen here; the caller
/// ([`super::picture::read`]) catches that.
pub fn read(bytes: &[u8]) -> Result<(GreyImage, Stated), PictureError> {
    let syntax = structure::check(bytes)?;
    let object = OpenFileOptions::new()
        .from_reader(bytes)
        .map_err(|_| PictureError::Undecodable("its data set cannot be read"))?;
    let data = Dataset(&object);
    if !data.has(tag::PIXEL_DATA) {
        return Err(PictureError::NoPixels);
    }
    let samples = Samples::of(&data, syntax.pixels)?;
    check_size(samples.columns, samples.rows)?;
    encapsulated::check(&object, syntax.pixels, &samples)?;
    let frame =
        object.decode_pixel_data_frame(0).map_err(|_| PictureError::Undecodable("its pixels cannot be decoded"))?;
    let pixels = grey::pixels(frame.data(), &samples, syntax.pixels != Pixels::Native)?;
    let image = GreyImage::new(samples.columns, samples.rows, pixels).map_err(|_| PictureError::TooLarge)?;
    Ok((image, stated(&data)))
}

fn stated(data: &Dataset<'_>) -> Stated {
    let text = |tag| data.text(tag).map(|text| shown(&text));
    Stated {
        modality: text(tag::MODALITY),
        view: text(tag::VIEW_POSITION),
        body_site: text(tag::BODY_PART_EXAMINED),
        // Of the image where stated (C.7.6.1.1.1 in digital radiography), else of the series.
        side: [tag::IMAGE_LATERALITY, tag::LATERALITY]
            .into_iter()
            .find_map(|tag| data.text(tag))
            .and_then(|side| Side::stated(&side)),
        time: moment(data),
        study: text(tag::STUDY_INSTANCE_UID),
    }
}

/// Acquisition, content, series or study date; the time of day counts only where the zone is stated too.
fn moment(data: &Dataset<'_>) -> Option<time::OffsetDateTime> {
    let dates = [
        (tag::ACQUISITION_DATE, tag::ACQUISITION_TIME),
        (tag::CONTENT_DATE, tag::CONTENT_TIME),
        (tag::SERIES_DATE, tag::SERIES_TIME),
        (tag::STUDY_DATE, tag::STUDY_TIME),
    ];
    let (date, clock) = dates.into_iter().find_map(|(date, clock)| Some((data.text(date)?, data.text(clock))))?;
    let day = format!("{}-{}-{}", date.get(..4)?, date.get(4..6)?, date.get(6..8)?);
    let zoned = clock.zip(data.text(tag::TIMEZONE_OFFSET_FROM_UTC)).and_then(|(clock, zone)| {
        datetime::instant(&format!("{day}T{}:{}:{}{zone}", clock.get(..2)?, clock.get(2..4)?, clock.get(4..6)?))
    });
    zoned.or_else(|| datetime::moment(&day))
}

#[cfg(test)]
mod tests;
