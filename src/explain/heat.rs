//! A class activation map over its film.

use super::svg::Svg;
use crate::domain::HeatMap;

const SIDE: f64 = 480.0;
/// The picture's style sheet, for a page's content security policy.
pub const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:currentColor}.hot{fill:#d55e00}.cold{fill:#56b4e9}\
    image{image-rendering:auto}";

/// The film (as a `data:` URL) with what spoke for the finding in orange and against it in blue; the stronger, the
/// more opaque. The map's grid covers the whole film.
#[must_use]
pub fn overlay(heat: &HeatMap, film_url: Option<&str>, title: &str) -> String {
    let mut svg = Svg::new(SIDE, SIDE + 30.0, title, STYLE);
    svg.raw("<defs><filter id=\"soft\"><feGaussianBlur stdDeviation=\"9\"/></filter><clipPath id=\"film\">");
    svg.rect("", (0.0, 0.0), (SIDE, SIDE));
    svg.raw("</clipPath></defs>");
    match film_url.filter(|url| url.starts_with("data:image/") && !url.contains(['"', '<', '>', '&'])) {
        Some(url) => svg.raw(&format!(
            "<image href=\"{url}\" x=\"0\" y=\"0\" width=\"{SIDE:.0}\" height=\"{SIDE:.0}\" preserveAspectRatio=\"none\"/>"
        )),
        None => svg.raw("<rect width=\"480\" height=\"480\" fill=\"#222\"/>"),
    }
    svg.raw("<g clip-path=\"url(#film)\"><g filter=\"url(#soft)\">");
    cells(&mut svg, heat);
    svg.raw("</g></g>");
    svg.rect("hot", (0.0, SIDE + 11.0), (14.0, 14.0));
    svg.text("", (20.0, SIDE + 23.0), "speaks for the finding");
    svg.rect("cold", (200.0, SIDE + 11.0), (14.0, 14.0));
    svg.text("", (220.0, SIDE + 23.0), "speaks against it");
    svg.finish()
}

fn cells(svg: &mut Svg, heat: &HeatMap) {
    let largest = heat.values.iter().map(|value| value.abs()).fold(f32::MIN_POSITIVE, f32::max);
    let (width, height) = (SIDE / heat.width.max(1) as f64, SIDE / heat.height.max(1) as f64);
    for (index, value) in heat.values.iter().enumerate().take(heat.width * heat.height) {
        let opacity = f64::from(value.abs() / largest) * 0.55;
        if opacity < 0.03 {
            continue;
        }
        let (x, y) = ((index % heat.width) as f64 * width, (index / heat.width) as f64 * height);
        let class = if *value > 0.0 { "hot" } else { "cold" };
        svg.raw(&format!("<g opacity=\"{opacity:.2}\">"));
        svg.rect(class, (x, y), (width, height));
        svg.raw("</g>");
    }
}

/// Where on the film the finding has its strongest support, in words a reader of films uses.
#[must_use]
pub fn strongest(heat: &HeatMap) -> Option<&'static str> {
    let (index, value) = heat.values.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
    if *value <= 0.0 || heat.width == 0 || heat.height == 0 {
        return None;
    }
    let (column, row) = (index % heat.width, index / heat.width);
    let left_of_picture = column * 2 < heat.width;
    // On a frontal film the patient's right side is on the left of the picture.
    Some(match (row * 3 / heat.height, left_of_picture) {
        (0, true) => "upper third, left of the picture (the patient's right)",
        (0, false) => "upper third, right of the picture (the patient's left)",
        (1, true) => "middle third, left of the picture (the patient's right)",
        (1, false) => "middle third, right of the picture (the patient's left)",
        (_, true) => "lower third, left of the picture (the patient's right)",
        (_, false) => "lower third, right of the picture (the patient's left)",
    })
}

#[cfg(test)]
mod tests {
    use super::{overlay, strongest};
    use crate::domain::HeatMap;

    #[test]
    fn the_strongest_place_is_named_from_the_patients_side() {
        let mut heat = HeatMap { width: 4, height: 4, values: vec![0.0; 16] };
        assert_eq!(strongest(&heat), None);
        heat.values[12] = 1.0;
        assert_eq!(strongest(&heat), Some("lower third, left of the picture (the patient's right)"));
    }

    #[test]
    fn only_a_data_url_of_an_image_is_embedded() {
        let heat = HeatMap { width: 1, height: 2, values: vec![1.0, -1.0] };
        let svg = overlay(&heat, Some("https://example.org/x.png"), "t");
        assert!(!svg.contains("example.org"));
        let svg = overlay(&heat, Some("data:image/png;base64,AA=="), "t");
        assert!(
            svg.contains("data:image/png;base64,AA==")
                && svg.contains("class=\"hot\"")
                && svg.contains("class=\"cold\"")
        );
    }
}
