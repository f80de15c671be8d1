//! Requests with images made here.

use super::{FILMS_MAX, films};
use crate::domain::Film;
use crate::fhir::{Extracted, KeyRequest, Limits, gather};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_dictionary_std::tags as tag;
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use serde_json::{Value, json};
use time::macros::datetime;

fn read(resources: Vec<Value>) -> Extracted<Vec<Film>> {
    let entries: Vec<Value> = resources.into_iter().map(|resource| json!({"resource": resource})).collect();
    let prefetch = json!({"films": {"resourceType": "Bundle", "entry": entries}});
    let keys = [KeyRequest { key: "films".into(), template: "{{context.anything}}".into(), required: false }];
    films(&gather(&keys, prefetch.as_object(), "1", &Limits::default()).unwrap())
}

fn reasons(read: &Extracted<Vec<Film>>) -> Vec<&str> {
    read.ignored.iter().map(|one| one.reason).collect()
}

fn first_pixels(read: &Extracted<Vec<Film>>) -> Vec<u8> {
    read.value.iter().map(|film| film.image.pixels()[0]).collect()
}

/// A 2 × 1 PNG whose first pixel is `shade`.
fn png(shade: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes).write_image(&[shade, 0], 2, 1, ExtendedColorType::L8).unwrap();
    bytes
}

fn attached(content_type: &str, bytes: impl AsRef<[u8]>) -> Value {
    json!({"contentType": content_type, "data": STANDARD.encode(bytes)})
}

fn media(id: &str, created: &str, content: Value) -> Value {
    json!({
        "resourceType": "Media", "id": id, "status": "completed", "createdDateTime": created, "content": content,
        "modality": {"coding": [{"code": "DX", "display": "Digital radiography"}]},
        "bodySite": {"coding": [{"system": "http://snomed.info/sct", "code": "51185008", "display": "Thorax"}]},
        "view": {"text": "PA"},
    })
}

fn dicom() -> Vec<u8> {
    let mut data = InMemDicomObject::new_empty();
    for (tag, value) in [
        (tag::COLUMNS, 2_u16),
        (tag::ROWS, 1),
        (tag::SAMPLES_PER_PIXEL, 1),
        (tag::BITS_ALLOCATED, 8),
        (tag::BITS_STORED, 8),
        (tag::HIGH_BIT, 7),
        (tag::PIXEL_REPRESENTATION, 0),
    ] {
        data.put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
    }
    for (tag, vr, value) in [
        (tag::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME1"),
        (tag::MODALITY, VR::CS, "CR"),
        (tag::VIEW_POSITION, VR::CS, "AP"),
        (tag::STUDY_INSTANCE_UID, VR::UI, "2.25.5"),
        (tag::STUDY_DATE, VR::DA, "20250401"),
    ] {
        data.put(DataElement::new(tag, vr, PrimitiveValue::from(value)));
    }
    data.put(DataElement::new(tag::PIXEL_DATA, VR::OB, PrimitiveValue::U8([0_u8, 9].as_slice().into())));
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax("1.2.840.10008.1.2.1")
        .media_storage_sop_class_uid("1.2.840.10008.5.1.4.1.1.1")
        .media_storage_sop_instance_uid("2.25.6");
    let mut bytes = Vec::new();
    data.with_meta(meta).unwrap().write_all(&mut bytes).unwrap();
    bytes
}

#[test]
fn films_come_newest_first_with_what_their_resources_say() {
    let read = read(vec![
        media("old", "2026-01-01T00:00:00Z", attached("image/png", png(1))),
        media("undated", "", attached("image/png", png(2))),
        media("new", "2026-02-01T00:00:00Z", attached("application/octet-stream", png(3))),
    ]);
    assert_eq!(first_pixels(&read), [3, 1, 2]);
    let film = &read.value[1];
    assert_eq!((film.source.reference.as_str(), film.content_type.as_str()), ("Media/old", "image/png"));
    assert_eq!(film.time, Some(datetime!(2026-01-01 00:00 UTC)));
    let said = (film.modality.as_deref(), film.body_site.as_deref(), film.view.as_deref());
    assert_eq!(said, (Some("DX"), Some("Thorax"), Some("PA")));
    assert!(read.ignored.is_empty());
}

#[test]
fn what_a_dicom_file_states_outranks_its_resource_and_its_study_fills_in() {
    let study = json!({
        "resourceType": "ImagingStudy", "id": "s", "status": "available", "started": "2025-04-02T10:00:00Z",
        "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:2.25.5"}],
        "series": [{"modality": {"code": "MG"}, "bodySite": {"code": "51185008", "display": "Chest"}}],
    });
    let document = json!({
        "resourceType": "DocumentReference", "id": "d", "status": "current", "date": "2026-01-01",
        "content": [{"attachment": attached("application/dicom", dicom())}],
    });
    let read = read(vec![study, document]);
    let film = &read.value[0];
    assert_eq!((film.image.pixels(), film.content_type.as_str()), (&[255, 0][..], "application/dicom"));
    let said = (film.modality.as_deref(), film.body_site.as_deref(), film.view.as_deref());
    assert_eq!(said, (Some("CR"), Some("Chest"), Some("AP")));
    assert_eq!(film.time, Some(datetime!(2025-04-01 12:00 UTC)));
    assert!(read.ignored.is_empty());
}

#[test]
fn studies_lend_their_words_to_media_that_name_them_and_are_named_without_pixels() {
    let study = |id: &str| json!({"resourceType": "ImagingStudy", "id": id, "status": "available", "modality": [{"code": "CR"}], "started": "2026-03-03T03:00:00Z"});
    let part = json!({"resourceType": "Media", "id": "m", "status": "completed", "partOf": [{"reference": "ImagingStudy/a"}], "content": attached("image/png", png(1))});
    let holder = json!({"resourceType": "ImagingStudy", "id": "c", "status": "available", "contained": [{"resourceType": "Media", "id": "x", "view": {"coding": [{"code": "LATERAL"}]}, "content": attached("image/png", png(2))}]});
    let foreign = json!({"resourceType": "ImagingStudy", "id": "f", "status": "available", "subject": {"reference": "Patient/1"}, "contained": [{"resourceType": "Media", "subject": {"reference": "Patient/2"}, "content": attached("image/png", png(3))}]});
    let read = read(vec![study("a"), study("lonely"), part, holder, foreign]);
    assert_eq!(first_pixels(&read), [1, 2]);
    assert_eq!(
        (read.value[0].modality.as_deref(), read.value[0].time),
        (Some("CR"), Some(datetime!(2026-03-03 03:00 UTC)))
    );
    assert_eq!(
        (read.value[1].view.as_deref(), read.value[1].source.reference.as_str()),
        (Some("LATERAL"), "ImagingStudy/c")
    );
    let ignored: Vec<_> = read.ignored.iter().map(|one| (one.reference.as_str(), one.reason)).collect();
    let expected = [
        ("ImagingStudy/f", "unresolved-subject"),
        ("ImagingStudy/lonely", "no-pixels"),
        ("ImagingStudy/f", "no-pixels"),
    ];
    assert_eq!(ignored, expected);
}

#[test]
fn a_binary_is_read_once_whoever_refers_to_it() {
    let binary =
        json!({"resourceType": "Binary", "id": "b", "contentType": "image/png", "data": STANDARD.encode(png(7))});
    let owner = media("m", "2026-01-01", json!({"contentType": "image/png", "url": "Binary/b"}));
    let read_both = read(vec![owner, binary.clone()]);
    assert_eq!((read_both.value.len(), read_both.ignored.len()), (1, 0));
    let film = &read_both.value[0];
    assert_eq!((film.source.reference.as_str(), film.view.as_deref()), ("Binary/b", Some("PA")));
    assert_eq!(first_pixels(&read(vec![binary])), [7]);
    let twice = read(vec![
        media("a", "2026", attached("image/png", png(7))),
        media("b", "2025", attached("image/png", png(7))),
    ]);
    assert_eq!((twice.value.len(), reasons(&twice)), (1, vec!["duplicate"]));
}

#[test]
fn what_cannot_be_used_is_named() {
    let with = |id: &str, status: &str| {
        let mut one = media(id, "", attached("image/png", png(1)));
        one["status"] = json!(status);
        one
    };
    let mut huge = png(1);
    huge[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    let document = |content: Value| json!({"resourceType": "DocumentReference", "id": "d", "status": "current", "content": [{"attachment": content}]});
    let read = read(vec![
        with("a", "entered-in-error"),
        with("b", "not-done"),
        media("c", "", attached("image/png", huge)),
        media("d", "", attached("image/jpeg", b"\xff\xd8\xff\xe0 broken")),
        media("e", "", attached("image/png", b"no png")),
        media("f", "", attached("video/mp4", b"no film")),
        media("g", "", json!({"contentType": "image/png", "url": "https://elsewhere/film.png"})),
        media("h", "", json!({"contentType": "image/png", "data": "***"})),
        document(attached("image/tiff", b"II*\0")),
        document(attached("text/plain", "a note is no film")),
        document(json!({"data": STANDARD.encode("nor is this")})),
        json!({"resourceType": "Media", "id": "i", "status": "completed"}),
    ]);
    assert!(read.value.is_empty());
    let expected = [
        "entered-in-error",
        "not-done",
        "no-data",
        "image-too-large",
        "undecodable-image",
        "undecodable-image",
        "unsupported-media-type",
        "by-url",
        "undecodable-base64",
        "unsupported-media-type",
    ];
    assert_eq!(reasons(&read), expected);
}

#[test]
fn a_withdrawn_study_withdraws_its_films() {
    let study = json!({"resourceType": "ImagingStudy", "id": "s", "status": "entered-in-error"});
    let mut part = media("m", "2026", attached("image/png", png(1)));
    part["partOf"] = json!([{"reference": "ImagingStudy/s"}]);
    let read = read(vec![study, part]);
    assert_eq!((read.value.len(), reasons(&read)), (0, vec!["entered-in-error", "entered-in-error"]));
}

#[test]
fn the_number_of_films_is_bounded_and_the_newest_are_kept() {
    let many = (0..30_u8)
        .map(|n| media(&n.to_string(), &format!("{}", 1_990 + u16::from(n)), attached("image/png", png(n))))
        .collect();
    let read = read(many);
    assert_eq!((read.value.len(), first_pixels(&read)[0], reasons(&read)), (FILMS_MAX, 29, vec!["too-many-films"]));
}
