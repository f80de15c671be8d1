//! A class activation map over its film.
//!
//! Contract: the numbers are the network's, one per field of a coarse grid that covers the whole film; between the
//! fields' centres they are interpolated, never smoothed over. The film keeps its proportions. What spoke for the
//! finding is orange, what spoke against it blue, nothing is transparent; an outline says where the strongest half of
//! the support lies, also in black and white. Ids are not used, so that several films fit on a page.

mod contour;
mod control;
mod raster;

use super::svg::{Svg, signed};
use crate::domain::HeatMap;
pub use control::{CONTROL_CSS, opacity_control};
use raster::Raster;

const WIDTH: f64 = 400.0;
/// A film is drawn no taller than this: it should fit a screen together with its legend.
const TALLEST: f64 = 520.0;
const LEGEND: f64 = 124.0;
/// A sign marks the strongest field of either side if it has at least this share of the largest number.
const SIGNED: f32 = 0.2;
/// Longer side of the interpolated map.
const FINE: usize = 256;

/// The picture's style sheet, for a page's content security policy.
pub const STYLE: &str = ".hm{display:block;width:100%;max-width:30rem;height:auto}\
    .hm text{font:14.5px system-ui,sans-serif;fill:currentColor}.hm .mi{text-anchor:middle}.hm .en{text-anchor:end}\
    .hm .no{fill:#222}.hm .un{fill:#777}.hm .o1{fill:none;stroke:#000;stroke-width:4.5}\
    .hm .o2{fill:none;stroke:#fff;stroke-width:2}.hm .outline{stroke-linecap:round;stroke-linejoin:round}\
    .hm .ti{stroke:currentColor;stroke-width:1}";

/// How sides are named on a kind of film.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sides {
    /// A frontal film of the whole patient: the patient's right is on the left of the picture.
    Patient,
    /// A film of one joint, where only the picture has sides.
    Picture,
}

/// The film (as a `data:` URL) of the given size with its map above it; `title` names the picture.
#[must_use]
pub fn overlay(heat: &HeatMap, film_url: Option<&str>, film_size: (u32, u32), title: &str) -> String {
    let (left, width, height) = placed(film_size);
    let raster = Raster::of(heat, width / height, FINE);
    let mut svg = Svg::described("hm", (WIDTH, height + LEGEND), (title, &described(heat, &raster)), STYLE);
    let film = film_url.filter(|url| url.starts_with("data:image/") && !url.contains(['"', '<', '>', '&']));
    svg.raw(&format!("<g transform=\"translate({left:.1} 0)\">"));
    match film {
        Some(url) => image(&mut svg, url, (0.0, 0.0), (width, height)),
        None => svg.rect("no", (0.0, 0.0), (width, height)),
    }
    svg.raw("<g class=\"map\" opacity=\"0.75\">");
    if let Some(url) = raster.png() {
        image(&mut svg, &url, (0.0, 0.0), (width, height));
    }
    svg.raw("</g>");
    outline(&mut svg, heat, &raster, (width, height));
    svg.raw("</g>");
    legend(&mut svg, heat, &raster, height);
    svg.finish()
}

/// Left edge, width and height of the film in the picture.
fn placed((width, height): (u32, u32)) -> (f64, f64, f64) {
    let ratio = if width == 0 || height == 0 { 1.0 } else { f64::from(height) / f64::from(width) };
    let ratio = ratio.clamp(0.2, 5.0);
    let drawn = (TALLEST / ratio).min(WIDTH);
    ((WIDTH - drawn) / 2.0, drawn, drawn * ratio)
}

fn image(svg: &mut Svg, url: &str, (x, y): (f64, f64), (width, height): (f64, f64)) {
    svg.raw(&format!(
        "<image href=\"{url}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
         preserveAspectRatio=\"none\"/>"
    ));
}

/// Outline and signs, white on black, so that they are seen on every shade of the film: without colour, what speaks
/// against looks like what speaks for.
fn outline(svg: &mut Svg, heat: &HeatMap, raster: &Raster, size: (f64, f64)) {
    let mut path = raster.half_of_support().map(|level| contour::path(raster, level, size)).unwrap_or_default();
    for sign in [1.0, -1.0] {
        let strong = peak(heat, sign).filter(|(_, size)| *size >= SIGNED * raster.largest);
        let Some((index, _)) = strong else { continue };
        let centre = |place: usize, count: usize, length: f64| (place as f64 + 0.5) * length / count as f64;
        let x = centre(index % heat.width, heat.width, size.0);
        let y = centre(index / heat.width, heat.height, size.1);
        path.push_str(&if sign > 0.0 { plus((x, y)) } else { minus((x, y)) });
    }
    svg.raw("<g class=\"outline\">");
    svg.path("o1", &path);
    svg.path("o2", &path);
    svg.raw("</g>");
}

fn minus((x, y): (f64, f64)) -> String {
    format!("M{:.1} {y:.1}h12", x - 6.0)
}

fn plus((x, y): (f64, f64)) -> String {
    format!("{}M{x:.1} {:.1}v12", minus((x, y)), y - 6.0)
}

/// Field and size of the strongest number of a sign.
fn peak(heat: &HeatMap, sign: f32) -> Option<(usize, f32)> {
    let fields = heat.values.iter().enumerate().take(heat.width.checked_mul(heat.height)?);
    let sizes = fields.map(|(index, value)| (index, value * sign)).filter(|(_, size)| size.is_finite() && *size > 0.0);
    sizes.max_by(|a, b| a.1.total_cmp(&b.1))
}

/// Colour bar with its numbers, and what the outline means.
fn legend(svg: &mut Svg, heat: &HeatMap, raster: &Raster, film: f64) {
    let (left, width, top) = (30.0, WIDTH - 60.0, film + 30.0);
    svg.text("", (left, film + 21.0), "← speaks against");
    svg.text("en", (left + width, film + 21.0), "speaks for →");
    svg.rect("un", (left, top), (width, 14.0));
    svg.raw("<g class=\"map\" opacity=\"0.75\">");
    if let Some(url) = raster::colour_bar() {
        image(svg, &url, (left, top), (width, 14.0));
    }
    svg.raw("</g>");
    for step in 0..5 {
        let share = f64::from(step) / 4.0;
        let (x, value) = (left + width * share, (2.0 * share - 1.0) * f64::from(raster.largest));
        svg.line("ti", (x, top + 14.0), (x, top + 18.0));
        svg.text("mi", (x, top + 32.0), &if step == 2 { "0".into() } else { number(value) });
    }
    let (columns, rows) = (heat.width, heat.height);
    svg.text("", (0.0, top + 51.0), &format!("Log-odds per field; the film has {columns} × {rows} fields."));
    let signs = format!("{}{}", plus((8.0, top + 84.0)), minus((24.0, top + 84.0)));
    let outline = format!("M3 {:.1}h26", top + 65.0);
    // On the dark of a film, where they are white.
    svg.rect("no", (0.0, top + 56.0), (32.0, 39.0));
    for path in [Some(signs), raster.half_of_support().map(|_| outline)].into_iter().flatten() {
        svg.path("o1", &path);
        svg.path("o2", &path);
    }
    svg.text("", (38.0, top + 89.0), "strongest field for and against");
    if raster.half_of_support().is_some() {
        svg.text("", (38.0, top + 70.0), "outline: the strongest half of what speaks for it");
    }
}

fn number(value: f64) -> String {
    if value.abs() >= 0.095 { signed(value) } else { format!("{value:+.3}").replace('-', "−") }
}

fn described(heat: &HeatMap, raster: &Raster) -> String {
    let place = strongest(heat, Sides::Picture).map_or_else(|| "nowhere".into(), |place| format!("in the {place}"));
    format!(
        "Orange fields speak for the finding, blue ones against it. The strongest support is {place}. A field \
         contributes at most {:.3} log-odds to either side.",
        raster.largest
    )
}

/// Where on the film the finding has its strongest support, in words a reader of films uses.
#[must_use]
pub fn strongest(heat: &HeatMap, sides: Sides) -> Option<&'static str> {
    let (index, _) = peak(heat, 1.0)?;
    let row = index / heat.width * 3 / heat.height;
    // A field whose centre lies this close to the middle is on neither side.
    let across = ((index % heat.width) as f64 + 0.5) / heat.width as f64 - 0.5;
    let column = if across.abs() < 0.06 { 1 } else { usize::from(across > 0.0) * 2 };
    PLACES
        .get(row.min(2) * 3 + column)
        .map(|(patient, picture)| if sides == Sides::Patient { *patient } else { *picture })
}

/// By row and column of thirds: with the patient's sides, and without.
const PLACES: [(&str, &str); 9] = [
    ("upper third, left of the picture (the patient's right)", "upper third, left of the picture"),
    ("upper third, near the midline", "upper third, near the middle of the picture"),
    ("upper third, right of the picture (the patient's left)", "upper third, right of the picture"),
    ("middle third, left of the picture (the patient's right)", "middle third, left of the picture"),
    ("middle third, near the midline", "middle third, near the middle of the picture"),
    ("middle third, right of the picture (the patient's left)", "middle third, right of the picture"),
    ("lower third, left of the picture (the patient's right)", "lower third, left of the picture"),
    ("lower third, near the midline", "lower third, near the middle of the picture"),
    ("lower third, right of the picture (the patient's left)", "lower third, right of the picture"),
];

#[cfg(test)]
mod tests {
    use super::{Sides, overlay, placed, strongest};
    use crate::domain::HeatMap;

    #[test]
    fn the_strongest_place_is_named_from_the_patients_side_where_there_is_one() {
        let mut heat = HeatMap { width: 4, height: 4, values: vec![0.0; 16] };
        assert_eq!(strongest(&heat, Sides::Patient), None);
        heat.values[12] = 1.0;
        heat.values[3] = f32::NAN;
        assert_eq!(strongest(&heat, Sides::Patient), Some("lower third, left of the picture (the patient's right)"));
        assert_eq!(strongest(&heat, Sides::Picture), Some("lower third, left of the picture"));
    }

    #[test]
    fn the_middle_column_is_on_neither_side() {
        let mut heat = HeatMap { width: 7, height: 7, values: vec![0.0; 49] };
        heat.values[3] = 1.0;
        assert_eq!(strongest(&heat, Sides::Patient), Some("upper third, near the midline"));
    }

    #[test]
    fn only_a_data_url_of_an_image_is_embedded() {
        let heat = HeatMap { width: 1, height: 2, values: vec![1.0, -1.0] };
        let svg = overlay(&heat, Some("https://example.org/x.png"), (10, 20), "t");
        assert!(!svg.contains("example.org") && !svg.contains("style="));
        let svg = overlay(&heat, Some("data:image/png;base64,AA=="), (10, 20), "t");
        assert!(svg.contains("data:image/png;base64,AA==") && svg.contains("class=\"map\"") && svg.contains("<desc>"));
        assert!(svg.contains(">+1.00<") && svg.contains(">−1.00<"));
    }

    #[test]
    fn a_film_keeps_its_proportions() {
        assert_eq!(placed((800, 400)), (0.0, 400.0, 200.0));
        assert_eq!(placed((200, 520)), (100.0, 200.0, 520.0));
        assert_eq!(placed((0, 7)), (0.0, 400.0, 400.0));
    }

    #[test]
    fn a_map_without_fields_or_with_too_few_numbers_is_a_picture_all_the_same() {
        for heat in [
            HeatMap { width: 0, height: 0, values: vec![] },
            HeatMap { width: 3, height: 3, values: vec![1.0, f32::NAN] },
            HeatMap { width: 2, height: 2, values: vec![-1.0; 4] },
        ] {
            assert!(overlay(&heat, None, (10, 10), "t").ends_with("</svg>"));
        }
    }
}
