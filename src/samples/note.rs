//! Notes of the samples, written for the purpose.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Media type and base64 of a note in `notes/`.
pub(super) fn attachment(file: &str) -> (&'static str, String) {
    let text = match file {
        "walter-brandt.txt" => include_str!("notes/walter-brandt.txt"),
        "mila-horvat.txt" => include_str!("notes/mila-horvat.txt"),
        "amara-okafor.txt" => include_str!("notes/amara-okafor.txt"),
        "hostile-input.txt" => include_str!("notes/hostile-input.txt"),
        "pedro-alvarez.html" => include_str!("notes/pedro-alvarez.html"),
        "rosa-marin.rtf" => include_str!("notes/rosa-marin.rtf"),
        "helga-nilsen.txt" => include_str!("notes/helga-nilsen.txt"),
        "tomas-lind.txt" => include_str!("notes/tomas-lind.txt"),
        _ => "",
    };
    let media_type = match file.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("rtf") => "application/rtf",
        _ => "text/plain; charset=utf-8",
    };
    (media_type, STANDARD.encode(text))
}
