//! True grade against answered grade.

use super::plot::{chart, finish};
use crate::models::evaluation::Report;

/// A table of cases by true grade (rows) and answered grade (columns), shaded by the share of its row; empty without
/// grades.
#[must_use]
pub fn confusion(report: &Report) -> String {
    let table = &report.confusion;
    if table.is_empty() {
        return String::new();
    }
    let side = (300.0 / table.len() as f64).min(60.0);
    let (left, top) = (52.0, 62.0);
    let mut svg = chart(top + side * table.len() as f64 + 14.0, "True and answered grades", &described(table));
    svg.text("s", (left, 38.0), "answered grade");
    svg.text("s", (4.0, 56.0), "true");
    for (row, line) in table.iter().enumerate() {
        let all = line.iter().sum::<usize>().max(1) as f64;
        let y = top + side * row as f64;
        svg.text("b m", (left + side * (row as f64 + 0.5), 56.0), &row.to_string());
        svg.text("b e", (left - 10.0, y + side / 2.0 + 4.0), &row.to_string());
        for (column, count) in line.iter().enumerate() {
            let (x, share) = (left + side * column as f64, *count as f64 / all);
            svg.raw(&format!("<g opacity=\"{:.2}\">", 0.06 + 0.6 * share));
            svg.rect("f1", (x + 1.0, y + 1.0), (side - 2.0, side - 2.0));
            svg.raw("</g>");
            svg.text("b m", (x + side / 2.0, y + side / 2.0), &count.to_string());
            svg.text("s m", (x + side / 2.0, y + side / 2.0 + 14.0), &format!("{:.0} %", 100.0 * share));
        }
    }
    finish(svg)
}

fn described(table: &[Vec<usize>]) -> String {
    let row = |(grade, line): (usize, &Vec<usize>)| {
        let counts: Vec<String> =
            line.iter().enumerate().map(|(answered, count)| format!("{count} as {answered}")).collect();
        format!("of true grade {grade}: {}", counts.join(", "))
    };
    table.iter().enumerate().map(row).collect::<Vec<_>>().join("; ")
}
