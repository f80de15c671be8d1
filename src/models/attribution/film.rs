//! What networks of films share: integrated gradients of the pixels, Grad-CAM, and occlusion.
//!
//! Contract: a film is explained as the network reads it, in all its views at once (as it is, mirrored); the explained
//! score is their mean. Maps are given over the squashed film, mirrored views turned back.

use super::{
    Effort,
    path::{Integrated, Line},
};
use crate::domain::{Attribution, Explanation, GreyImage, HeatMap, SecondOpinion};
use candle_core::{D, Device, Result, Tensor, Var};
use std::collections::BTreeMap;

/// A network of films as a function with a gradient.
pub trait Differentiable {
    /// Views, rows, columns and planes of its input.
    fn shape(&self) -> [usize; 4];

    /// Its input for a squashed film, all views one after another.
    fn input(&self, squashed: &GreyImage) -> Vec<f32>;

    /// The input of a film that shows nothing: what a film is compared with, and what hides a part of it.
    fn baseline(&self) -> Vec<f32>;

    /// What that film is, in words.
    fn baseline_words(&self) -> &'static str;

    /// The last features, none negative: (views, rows, columns, planes) → (views, rows, columns, channels).
    ///
    /// # Errors
    /// Candle's.
    fn features(&self, planes: &Tensor) -> Result<Tensor>;

    /// Raw score of the explained label for each view's features: (views).
    ///
    /// # Errors
    /// Candle's.
    fn view_scores(&self, features: &Tensor) -> Result<Tensor>;
}

/// Mean score over the views, (inputs, views, rows, columns, planes) → (inputs).
fn score(network: &dyn Differentiable, inputs: &Tensor) -> Result<Tensor> {
    let count = inputs.dim(0)?;
    let [views, ..] = network.shape();
    let scores = network.view_scores(&network.features(&inputs.flatten(0, 1)?)?)?;
    scores.reshape((count, views))?.mean(1)
}

/// Integrated gradients of the score from the baseline: one number per view, pixel and plane.
///
/// # Errors
/// Candle's.
pub fn integrated(network: &dyn Differentiable, input: &[f32], effort: Effort) -> Result<Integrated> {
    let baseline = network.baseline();
    let line = Line { input, baseline: &baseline, shape: &network.shape() };
    line.integrate(effort, &|inputs| score(network, inputs))
}

/// The same with exactly so many points.
///
/// # Errors
/// Candle's.
pub fn integrated_with(network: &dyn Differentiable, input: &[f32], points: usize) -> Result<Vec<f64>> {
    let baseline = network.baseline();
    let line = Line { input, baseline: &baseline, shape: &network.shape() };
    line.with_points(points, &|inputs| score(network, inputs))
}

/// Grad-CAM (Selvaraju et al., ICCV 2017) of every view, without its final ReLU: (views, rows, columns). The features'
/// channels are weighed with the mean of their gradients over positions.
///
/// # Errors
/// Candle's.
pub fn grad_cam(network: &dyn Differentiable, input: &[f32]) -> Result<Tensor> {
    let planes = Tensor::from_slice(input, &network.shape(), &Device::Cpu)?;
    let features = Var::from_tensor(&network.features(&planes)?.detach())?;
    let gradients = network.view_scores(&features)?.sum_all()?.backward()?;
    let Some(gradient) = gradients.get(&features) else {
        candle_core::bail!("the score passes no gradient to the features")
    };
    let weights = gradient.mean_keepdim(1)?.mean_keepdim(2)?;
    features.as_tensor().broadcast_mul(&weights)?.sum(D::Minus1)
}

/// The whole explanation of a film: integrated gradients added up to a map of `fields` (rows, columns), with both checks.
///
/// # Errors
/// Candle's.
pub fn explained(
    network: &dyn Differentiable,
    squashed: &GreyImage,
    fields: (usize, usize),
    effort: Effort,
) -> Result<Explanation> {
    let input = network.input(squashed);
    let Integrated { parts, check } = integrated(network, &input, effort)?;
    let map = folded(network, &parts, fields);
    let opinion = occluded(network, &input, &map)?;
    let [_, rows, columns, _] = network.shape();
    let parameters = BTreeMap::from([
        ("fields".to_owned(), format!("{} × {}", map.width, map.height)),
        ("points".to_owned(), check.points.to_string()),
        ("rule".to_owned(), "midpoint".to_owned()),
        ("baseline".to_owned(), network.baseline_words().to_owned()),
        ("change".to_owned(), format!("{:.4}", check.change)),
        ("film".to_owned(), format!("squashed to {columns} × {rows} pixels")),
    ]);
    let bounds = (check.gap, check.tolerance);
    let heat = Attribution::Heat(map);
    Ok(Explanation::checked("integrated gradients", parameters, bounds, opinion, heat)
        .with_work(effort.points_max, check.spent))
}

/// Contributions of pixels summed over planes, views (mirrored ones turned back) and the pixels of each field.
#[must_use]
pub fn folded(network: &dyn Differentiable, parts: &[f64], (height, width): (usize, usize)) -> HeatMap {
    let [_, rows, columns, planes] = network.shape();
    let mut sums = vec![0.0f64; height * width];
    for (view, parts) in parts.chunks_exact(rows * columns * planes).enumerate() {
        for (at, parts) in parts.chunks_exact(planes).enumerate() {
            let (row, column) = (at / columns, at % columns);
            let column = if view % 2 == 1 { columns - 1 - column } else { column };
            sums[row * height / rows * width + column * width / columns] += parts.iter().sum::<f64>();
        }
    }
    HeatMap { width, height, values: sums.into_iter().map(|sum| sum as f32).collect() }
}

/// A rectangle of a map's cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// First row.
    pub row: usize,
    /// First column.
    pub column: usize,
    /// Rows and columns.
    pub side: usize,
}

impl Block {
    /// The block of a quarter of the map's side, but at least one cell, that contributes most, whichever way.
    #[must_use]
    pub fn leading(map: &HeatMap) -> Option<(Self, f64)> {
        let side = map.width.max(map.height).div_ceil(4).min(map.width).min(map.height);
        if side == 0 || map.values.len() != map.width * map.height {
            return None;
        }
        let places = (0..=map.height - side)
            .flat_map(|row| (0..=map.width - side).map(move |column| Self { row, column, side }));
        let summed = places.map(|block| (block, block.sum(map)));
        summed.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))
    }

    fn sum(&self, map: &HeatMap) -> f64 {
        let rows =
            (self.row..self.row + self.side).map(|row| &map.values[row * map.width + self.column..][..self.side]);
        rows.flatten().map(|value| f64::from(*value)).sum()
    }

    /// Whether a pixel of a picture lies in it, when the map covers `rows` × `columns` pixels.
    fn holds(&self, map: &HeatMap, (row, rows): (usize, usize), (column, columns): (usize, usize)) -> bool {
        let (row, column) = (row * map.height / rows.max(1), column * map.width / columns.max(1));
        (self.row..self.row + self.side).contains(&row) && (self.column..self.column + self.side).contains(&column)
    }
}

/// The leading block of the map replaced by the baseline in all views and the score taken again (Zeiler & Fergus, ECCV
/// 2014). The map must cover the network's input.
///
/// # Errors
/// Candle's.
pub fn occluded(network: &dyn Differentiable, input: &[f32], map: &HeatMap) -> Result<Option<SecondOpinion>> {
    let Some((block, attributed)) = Block::leading(map) else { return Ok(None) };
    let [_, rows, columns, _] = network.shape();
    let without =
        hidden(network, input, &network.baseline(), |row, column| block.holds(map, (row, rows), (column, columns)));
    let both = Tensor::from_vec([input, &without].concat(), [&[2], &network.shape()[..]].concat(), &Device::Cpu)?;
    let scores = score(network, &both)?.to_vec1::<f32>()?;
    let change = f64::from(scores[0]) - f64::from(scores[1]);
    Ok(Some(SecondOpinion::new("occlusion", "the part of the film that counted most", attributed, change)))
}

/// The input with the baseline's pixels wherever `gone` says so (row and column of the film), in all views.
fn hidden(
    network: &dyn Differentiable,
    input: &[f32],
    baseline: &[f32],
    gone: impl Fn(usize, usize) -> bool,
) -> Vec<f32> {
    let [_, rows, columns, planes] = network.shape();
    let mut without = input.to_vec();
    let pixels = without.chunks_exact_mut(planes).zip(baseline.chunks_exact(planes));
    for (at, (pixel, base)) in pixels.enumerate() {
        let (view, row, column) = (at / (rows * columns), at / columns % rows, at % columns);
        let column = if view % 2 == 1 { columns - 1 - column } else { column };
        if gone(row, column) {
            pixel.copy_from_slice(base);
        }
    }
    without
}

/// Scores with only some fields of a map of so many rows and columns as they are and the others as in the baseline, for
/// each set of kept fields.
///
/// # Errors
/// Candle's.
pub fn scores_keeping(
    network: &dyn Differentiable,
    input: &[f32],
    (map_rows, map_columns): (usize, usize),
    sets: &[Vec<bool>],
) -> Result<Vec<f64>> {
    let [_, rows, columns, _] = network.shape();
    let baseline = network.baseline();
    let mut scores = Vec::with_capacity(sets.len());
    for kept in sets {
        let without = hidden(network, input, &baseline, |row, column| {
            let field = row * map_rows / rows * map_columns + column * map_columns / columns;
            !kept.get(field).copied().unwrap_or(true)
        });
        let one = Tensor::from_vec(without, [&[1], &network.shape()[..]].concat(), &Device::Cpu)?;
        scores.push(f64::from(score(network, &one)?.to_vec1::<f32>()?[0]));
    }
    Ok(scores)
}

#[cfg(test)]
mod tests {
    use super::{Block, Differentiable, folded, grad_cam, integrated, occluded};
    use crate::{
        domain::{GreyImage, HeatMap},
        models::attribution::Effort,
    };
    use candle_core::{Result, Tensor};

    /// Two views of 4 × 4 with one plane; features are the pixels squared, weighed by 1 and −2 in two channels.
    struct Squares;

    impl Differentiable for Squares {
        fn shape(&self) -> [usize; 4] {
            [2, 4, 4, 1]
        }

        fn input(&self, squashed: &GreyImage) -> Vec<f32> {
            let own: Vec<f32> = squashed.pixels().iter().map(|value| f32::from(*value)).collect();
            let mirrored = own.chunks_exact(4).flat_map(|row| row.iter().rev().copied()).collect::<Vec<f32>>();
            [own, mirrored].concat()
        }

        fn baseline(&self) -> Vec<f32> {
            vec![0.0; 32]
        }

        fn baseline_words(&self) -> &'static str {
            "black"
        }

        fn features(&self, planes: &Tensor) -> Result<Tensor> {
            Tensor::cat(&[planes.sqr()?, planes.relu()?], 3)
        }

        fn view_scores(&self, features: &Tensor) -> Result<Tensor> {
            let head = Tensor::new(&[1f32, -2.0], features.device())?;
            features.broadcast_mul(&head)?.flatten_from(1)?.sum(1)
        }
    }

    fn film() -> GreyImage {
        let mut pixels = vec![1; 16];
        pixels[2] = 9;
        GreyImage::new(4, 4, pixels).unwrap()
    }

    #[test]
    fn both_views_contribute_and_the_mirrored_one_is_turned_back() {
        let input = Squares.input(&film());
        let found = integrated(&Squares, &input, Effort::FULL).unwrap();
        let map = folded(&Squares, &found.parts, (4, 4)).values;
        // 81 − 18 where the bright pixel is, 1 − 2 elsewhere.
        assert!((map[2] - 63.0).abs() < 0.1 && (map[0] + 1.0).abs() < 0.01, "{map:?}");
        assert!(found.check.gap <= found.check.tolerance);
    }

    #[test]
    fn grad_cam_weighs_channels_by_their_mean_gradient() {
        let map = grad_cam(&Squares, &Squares.input(&film())).unwrap().to_vec3::<f32>().unwrap();
        assert_eq!((map[0][0][2], map[0][0][0], map[1][0][1]), (63.0, -1.0, 63.0));
    }

    #[test]
    fn the_leading_block_is_taken_away_and_its_change_compared() {
        let input = Squares.input(&film());
        let map = |values| HeatMap { width: 4, height: 4, values };
        let values = folded(&Squares, &integrated(&Squares, &input, Effort::FULL).unwrap().parts, (4, 4)).values;
        let (block, sum) = Block::leading(&map(values.clone())).unwrap();
        assert_eq!((block, sum.round()), (Block { row: 0, column: 2, side: 1 }, 63.0));
        let agreed = occluded(&Squares, &input, &map(values.clone())).unwrap().unwrap();
        assert!(agreed.agrees && (agreed.change - 63.0).abs() < 0.1, "{agreed:?}");
        let turned = values.iter().map(|value| -value).collect();
        assert!(!occluded(&Squares, &input, &map(turned)).unwrap().unwrap().agrees);
        assert!(Block::leading(&HeatMap { width: 0, height: 0, values: vec![] }).is_none());
    }
}
