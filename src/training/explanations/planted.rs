//! Is a planted cause found? One trial per number: a shadow in a film, a spike in one variable, an illness in a
//! sentence; found means that it is the leading factor of the explanation.
//!
//! Contract: a cause counts only if the network reacts to it: what leaves the score where it was is no cause.

use super::cases::{self, Shadow};
use crate::{
    domain::{Attribution, Explanation, GreyImage, HeatMap, ModelInput},
    models::{Model, attribution::Effort, chest::reader::FilmReader, mortality::Mortality},
    training::TrainingError,
};

/// What became of one trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The planted cause leads.
    Found,
    /// Something else does.
    Missed,
    /// The network did not react to it.
    NoCause,
}

/// Least rise of the logit that makes a shadow a cause: the odds of pneumonia are twenty times as high.
const RISE_MIN: f64 = 3.0;

/// A shadow in a film of a clear chest, whose score is `clear`.
///
/// # Errors
/// [`TrainingError`] when the network fails.
pub fn shadow(
    network: &impl FilmReader,
    (film, clear): (&GreyImage, f64),
    case: usize,
) -> Result<Outcome, TrainingError> {
    let (image, shadow) = cases::shadowed(film, case);
    if network.scores(&[&image])?.iter().all(|score| score - clear < RISE_MIN) {
        return Ok(Outcome::NoCause);
    }
    let explanation = network.explain(&cases::film(image, "Chest"), Effort::FULL)?;
    let Attribution::Heat(map) = &explanation.attribution else { return Ok(Outcome::Missed) };
    Ok(if strongest_lies_in(map, shadow) { Outcome::Found } else { Outcome::Missed })
}

/// Whether the strongest place of the map, fields seen together with their neighbours, lies in the shadow or touches it.
fn strongest_lies_in(map: &HeatMap, shadow: Shadow) -> bool {
    let seen = together(map);
    let Some((at, value)) = seen.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)) else { return false };
    let (width, height) = (map.width.max(1), map.height.max(1));
    let (x, y) = (((at % width) as f64 + 0.5) / width as f64, ((at / width) as f64 + 0.5) / height as f64);
    let half = 0.5 / width.min(height) as f64;
    let distance = (x - shadow.centre.0).hypot(y - shadow.centre.1);
    *value > 0.0 && distance <= shadow.radius + half
}

/// Every field with its eight neighbours, weighed 1, 2, 4 from the corners inwards; the map's edge is repeated.
fn together(map: &HeatMap) -> Vec<f32> {
    let (width, height) = (map.width as isize, map.height as isize);
    let at = |x: isize, y: isize| map.values[(y.clamp(0, height - 1) * width + x.clamp(0, width - 1)) as usize];
    let seen = |x: isize, y: isize| -> f32 {
        let near = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx: isize| (dx, dy)));
        near.map(|(dx, dy): (isize, isize)| at(x + dx, y + dy) / (1 << (dx.abs() + dy.abs() + 2)) as f32).sum()
    };
    (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| seen(x, y)).collect()
}

/// Least change of the logit that makes a spike a cause: the odds change by a factor of 1.8. Drawn courses differ from each
/// other by a few tenths in each of the strongest variables.
const REACTION_MIN: f64 = 0.6;

/// A spike in one variable of an average course.
///
/// # Errors
/// [`TrainingError`] when the network fails.
pub fn spike(network: &Mortality, case: usize) -> Result<Outcome, TrainingError> {
    let contract = network.contract();
    let at = case % contract.variables.len();
    let variable = &contract.variables[at];
    let extreme = variable.range[case / contract.variables.len() % 2];
    let (usual, spiked) = (cases::course(contract, case, None), cases::course(contract, case, Some((at, extreme))));
    let scores = network.scores(&[&usual, &spiked])?;
    if (scores[1].score - scores[0].score).abs() < REACTION_MIN {
        return Ok(Outcome::NoCause);
    }
    let leading = |explanation: &Explanation| match &explanation.attribution {
        Attribution::Factors { factors } => factors.first().map(|factor| factor.variable.clone()),
        _ => None,
    };
    let explanation = network.explain(&ModelInput::Course(spiked), Effort::FULL)?;
    let found = leading(&explanation).as_deref() == Some(&variable.name);
    Ok(if found { Outcome::Found } else { Outcome::Missed })
}

/// An illness in a sentence.
///
/// # Errors
/// [`TrainingError`] when the network fails.
pub fn trigger(network: &dyn Model, case: usize) -> Result<Outcome, TrainingError> {
    let (words, at) = cases::sentence(case);
    let input = cases::note(&words);
    let ModelInput::Notes(notes) = &input else { return Ok(Outcome::Missed) };
    let text = notes[0].text.expose();
    let explanation = network.explain(&input, Effort::points(64))?;
    let Attribution::Words { mentions } = &explanation.attribution else { return Ok(Outcome::NoCause) };
    let Some(start) = text.find(words[at]) else { return Ok(Outcome::Missed) };
    let Some(mention) = mentions.iter().find(|one| one.start == start) else { return Ok(Outcome::NoCause) };
    let leading = mention.words.iter().max_by(|a, b| a.contribution.abs().total_cmp(&b.contribution.abs()));
    let found = leading.is_some_and(|word| mention.sentence + word.start == start);
    Ok(if found { Outcome::Found } else { Outcome::Missed })
}
