//! The outline of a region: marching squares (Lorensen & Cline 1987, in the plane).
//!
//! Contract: closed at the film's edge, because outside lies less than any level. Pieces are not joined; with round
//! ends they look as if they were.

use super::raster::Raster;
use std::fmt::Write as _;

/// Pixels per square: finer adds bytes, not shape.
const SQUARE: usize = 2;

/// The outline of where `raster` exceeds `level`, as path commands in a picture of `size`.
pub(super) fn path(raster: &Raster, level: f32, (width, height): (f64, f64)) -> String {
    let (columns, rows) = (raster.width.div_ceil(SQUARE), raster.height.div_ceil(SQUARE));
    // The line is drawn along the edge, not half outside it.
    let place = |x: f64, pixels: usize, length: f64| {
        ((x * SQUARE as f64 + 0.5) * length / pixels as f64).clamp(2.5, (length - 2.5).max(2.5))
    };
    let mut path = String::new();
    for row in 0..=rows {
        for column in 0..=columns {
            for [(x1, y1), (x2, y2)] in pieces(raster, level, column, row) {
                let (x1, x2) = (place(x1, raster.width, width), place(x2, raster.width, width));
                let (y1, y2) = (place(y1, raster.height, height), place(y2, raster.height, height));
                // Writing to a String cannot fail.
                let _infallible = write!(path, "M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}");
            }
        }
    }
    path
}

type Piece = [(f64, f64); 2];

/// Where the level crosses the square whose lower right corner is (column, row).
fn pieces(raster: &Raster, level: f32, column: usize, row: usize) -> Vec<Piece> {
    let corners = [(0, 0), (1, 0), (1, 1), (0, 1)].map(|(right, down)| {
        let value = above(raster, level, column + right, row + down);
        ((column + right) as f64 - 1.0, (row + down) as f64 - 1.0, value)
    });
    let crossing = |(a, b): (usize, usize)| {
        let ((ax, ay, from), (bx, by, to)) = (corners[a], corners[b]);
        let share = from / (from - to);
        ((from > 0.0) != (to > 0.0)).then_some((ax + (bx - ax) * share, ay + (by - ay) * share))
    };
    let sides = [(0, 1), (1, 2), (2, 3), (3, 0)].map(crossing);
    let crossed: Vec<(f64, f64)> = sides.into_iter().flatten().collect();
    match crossed.as_slice() {
        [a, b] => vec![[*a, *b]],
        // A saddle: both ways of joining are right; take the one that keeps the first corner apart.
        [a, b, c, d] => vec![[*a, *d], [*b, *c]],
        _ => Vec::new(),
    }
}

/// By how much a pixel exceeds the level; negative beyond the film. Places count from 1.
fn above(raster: &Raster, level: f32, column: usize, row: usize) -> f64 {
    let index = |place: usize, pixels: usize| place.checked_sub(1).map(|at| at * SQUARE).filter(|at| *at < pixels);
    let inside = index(column, raster.width).zip(index(row, raster.height));
    let value = inside.and_then(|(x, y)| raster.values.get(y * raster.width + x));
    value.map_or(-1e-3, |value| f64::from(value - level) + 1e-12)
}

#[cfg(test)]
mod tests {
    use super::path;
    use crate::{domain::HeatMap, explain::heat::raster::Raster};

    fn outline(values: Vec<f32>, side: usize) -> String {
        let raster = Raster::of(&HeatMap { width: side, height: side, values }, 1.0, 64);
        path(&raster, 0.5, (400.0, 400.0))
    }

    #[test]
    fn a_spot_gets_a_closed_outline_around_it() {
        let mut values = vec![0.0; 25];
        values[12] = 1.0;
        let path = outline(values, 5);
        let ends: Vec<&str> = path.split(['M', 'L']).filter(|end| !end.is_empty()).collect();
        assert!(ends.len() > 8);
        for end in &ends {
            assert_eq!(ends.iter().filter(|other| other == &end).count() % 2, 0, "{end} is a loose end");
        }
        let all_near = ends
            .iter()
            .flat_map(|end| end.split(' '))
            .all(|number| (120.0..=280.0).contains(&number.parse::<f64>().unwrap()));
        assert!(all_near);
    }

    #[test]
    fn a_region_at_the_edge_is_closed_along_the_edge() {
        let path = outline(vec![1.0], 1);
        assert!(path.contains("M2.5 ") && path.contains("397.5"));
    }

    #[test]
    fn nothing_above_the_level_has_no_outline() {
        assert!(outline(vec![0.1], 1).is_empty());
    }
}
