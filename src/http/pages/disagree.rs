//! The end of the explanation page: how to disagree, and what others said.
//!
//! Contract: a form without scripts, with the card's own reasons as they were recorded; everything written is shown as
//! the characters that it is.

use super::explanation::{list, text, when};
use crate::cds_hooks::feedback::ReasonCode;
use maud::{Markup, html};
use serde_json::Value;

/// Longest comment, in characters.
pub const COMMENT_CHARS_MAX: usize = 2_000;

/// What the section says of what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// Nothing was sent.
    Nothing,
    /// It is recorded.
    Thanks,
    /// No reason of the card's was chosen, or, where it has none, nothing was written.
    NoReason,
    /// The comment is too long.
    TooLong,
}

/// The form.
pub struct Form<'a> {
    /// Where it is sent; with the key.
    pub action: &'a str,
    /// What was written already.
    pub comment: &'a str,
    /// The reason chosen already.
    pub chosen: Option<usize>,
    /// What became of it.
    pub said: Said,
}

/// The reasons that a recorded card offers.
#[must_use]
pub fn reasons(envelope: &Value, card: &str) -> Vec<ReasonCode> {
    let response: Value = serde_json::from_str(text(envelope, "/content/response")).unwrap_or_default();
    let card = list(&response, "/cards").iter().find(|one| one["uuid"] == card);
    let part = |reason: &Value, name| reason.get(name).and_then(Value::as_str).map(str::to_owned);
    let reason = |reason| {
        Some(ReasonCode {
            system: part(reason, "system"),
            code: part(reason, "code")?,
            display: part(reason, "display"),
        })
    };
    card.map_or(&[][..], |card| list(card, "/overrideReasons")).iter().filter_map(reason).collect()
}

/// The section.
#[must_use]
pub fn section(form: &Form<'_>, reasons: &[ReasonCode], feedback: &[Value]) -> Markup {
    html! {
        section #disagree {
            h2 { "If you disagree" }
            (notice(form.said, reasons.is_empty()))
            p { "What you say is stored with this record and read by those who maintain the network." }
            form.disagree method="post" action=(form.action) {
                @if !reasons.is_empty() { (choice(form, reasons)) }
                p {
                    label for="comment" { @if reasons.is_empty() { "What is wrong?" } @else { "Anything to add? (optional)" } }
                    textarea #comment name="comment" rows="4" maxlength=(COMMENT_CHARS_MAX) required[reasons.is_empty()] { (form.comment) }
                }
                p { button type="submit" { "Send and record" } }
            }
            @for one in feedback { (given(one)) }
        }
    }
}

fn notice(said: Said, free: bool) -> Markup {
    let words = match said {
        Said::Nothing => return html! {},
        Said::Thanks => return html! { p role="status" { b { "Recorded. Thank you." } } },
        Said::NoReason if free => "Please write what is wrong; nothing has been recorded yet.",
        Said::NoReason => "Please choose a reason; nothing has been recorded yet.",
        Said::TooLong => "Please shorten the comment to 2,000 characters; nothing has been recorded yet.",
    };
    html! { p.bad role="alert" { (words) } }
}

fn choice(form: &Form<'_>, reasons: &[ReasonCode]) -> Markup {
    html! {
        fieldset {
            legend { "Why do you not follow this card?" }
            @for (index, reason) in reasons.iter().enumerate() {
                label {
                    input type="radio" name="reason" value=(index) required checked[form.chosen == Some(index)];
                    " " (reason.display.as_deref().unwrap_or(&reason.code))
                }
            }
        }
    }
}

fn given(one: &Value) -> Markup {
    let reason = text(one, "/content/feedback/overrideReason/reason/display");
    let comment = text(one, "/content/feedback/overrideReason/userComment");
    html! {
        p.quiet {
            (when(text(one, "/t"))) ": " (text(one, "/content/feedback/outcome"))
            @if !reason.is_empty() { " (" (reason) ")" }
            @if !comment.is_empty() { ": " (comment) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, Said, reasons, section};
    use serde_json::json;

    #[test]
    fn the_form_offers_the_cards_own_reasons_and_keeps_what_was_written_as_text() {
        let response = json!({"cards": [
            {"uuid": "c0", "overrideReasons": [{"code": "other-card", "system": "s", "display": "Other"}]},
            {"uuid": "c1", "overrideReasons": [{"code": "known", "system": "s", "display": "Known <already>"}]}]});
        let envelope = json!({"content": {"response": response.to_string()}});
        let own = reasons(&envelope, "c1");
        let form = Form {
            action: "/explain/c1/feedback?key=k",
            comment: "</textarea><b>",
            chosen: None,
            said: Said::NoReason,
        };
        let page = section(&form, &own, &[]).into_string();
        assert!(page.contains("Known &lt;already&gt;") && !page.contains("Other<"), "{page}");
        assert!(page.contains("&lt;/textarea&gt;&lt;b&gt;") && page.contains("choose a reason"), "{page}");
        assert!(!page.contains("checked"));
    }

    #[test]
    fn a_card_without_reasons_asks_for_words() {
        let form = Form { action: "", comment: "", chosen: None, said: Said::Nothing };
        let page = section(&form, &reasons(&json!({}), "c1"), &[]).into_string();
        assert!(page.contains("required") && !page.contains("radio"), "{page}");
    }
}
