//! How strongly the map covers its film: a choice that works without scripts, and a slider for those who run them.
//!
//! Contract: the control stands beside or before the picture inside the same `.film`. `opacity.js` (a file of the
//! service's own) shows the slider in place of the choices; without it the choices work by style sheet alone. A browser
//! that cannot do that either does not show them: a control that does nothing is worse than none.

use maud::{Markup, html};

/// Value, name and whether it is chosen at first; the picture begins with the same.
const CHOICES: [(&str, &str, bool); 5] =
    [("0", "Off", false), ("25", "25 %", false), ("50", "50 %", false), ("75", "75 %", true), ("100", "Full", false)];

/// What the control needs of the page's style sheet.
pub const CONTROL_CSS: &str = include_str!("control.css");

/// The control.
#[must_use]
pub fn opacity_control() -> Markup {
    html! {
        fieldset.opacity {
            legend { "Colours" }
            @for (value, name, chosen) in CHOICES {
                label { input type="radio" name="map-opacity" value=(value) checked[chosen]; (name) }
            }
            input type="range" min="0" max="100" step="5" value="75" aria-label="Colours over the film, in percent" data-opacity hidden;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CHOICES, CONTROL_CSS, opacity_control};

    #[test]
    fn every_choice_has_its_rule_in_the_style_sheet() {
        let html = opacity_control().into_string();
        for (value, name, _) in CHOICES {
            assert!(html.contains(&format!("value=\"{value}\"")) && html.contains(name));
            assert!(CONTROL_CSS.contains(&format!("[value=\"{value}\"]:checked)")), "{value}");
        }
        assert!(!html.contains("style=") && !html.contains("<script") && html.contains("hidden"));
    }
}
