//! Whether a network's reasons can be believed: what was measured of its explanations.

use super::words::{count, noun};
use crate::models::{
    Papers,
    explained::{Curves, Figures, Share},
};
use maud::{Markup, html};

/// The section; nothing when nothing was measured.
pub fn section(papers: &Papers) -> Markup {
    let Some(figures) = &papers.explained else { return html! {} };
    let (_, many) = noun(papers.manifest.kind);
    html! {
        section #reasons {
            h2 { "Can its reasons be believed?" }
            p { "Every answer that becomes a card comes with reasons (" (figures.method) "), and every explanation is checked; one that fails says so. On " (count(figures.n)) " held-out " (many) ":" }
            ul {
                li { (of_hundred(figures.complete)) " of 100 explanations add up to the score they explain, within the tolerance stated on the card." }
                li { "In " (of_hundred(figures.agreed)) " of 100 an independent check (taking the leading factor away) moves the score the way the explanation says." }
                li { (of_hundred(figures.reliable)) " of 100 passed every check; the others are marked as unreliable." }
            }
            (curves(&figures.curves, many))
            (costs(figures))
        }
    }
}

fn of_hundred(share: Share) -> String {
    let digits = if share.count == share.of { 0 } else { 1 };
    format!("{:.digits$} ({:.1} to {:.1})", 100.0 * share.share, 100.0 * share.interval[0], 100.0 * share.interval[1])
}

fn curves(curves: &Curves, many: &str) -> Markup {
    html! {
        table.narrow {
            caption { "Does the score follow? Mean raw score (log-odds) while factors are taken away, or put in, one after another: in the order the explanation gives, and in random order (" (count(curves.n)) " " (many) ")" }
            thead { tr { th scope="col" { "" } th scope="col" { "Its order" } th scope="col" { "Random" } th scope="col" { "Its order is better in" } } }
            tbody {
                tr { th scope="row" { "Taken away first (low is good)" } td { (format!("{:.2}", curves.deletion)) } td { (format!("{:.2}", curves.deletion_random)) } td { (of_hundred(curves.deletion_better)) " of 100" } }
                tr { th scope="row" { "Put in first (high is good)" } td { (format!("{:.2}", curves.insertion)) } td { (format!("{:.2}", curves.insertion_random)) } td { (of_hundred(curves.insertion_better)) " of 100" } }
            }
        }
    }
}

fn costs(figures: &Figures) -> Markup {
    html! {
        @if figures.points > 0.0 { p.quiet { "Gradients were taken at " (format!("{:.0}", figures.points)) " points on average, all tries together." } }
    }
}
