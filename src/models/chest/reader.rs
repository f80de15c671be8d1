//! What every network that reads chest films does alike: squash, refuse what cannot be judged, answer the rest.
//!
//! Contract: a film that is stated to be something else, is blank or noise, or is unlike those of the training data gets an
//! abstention in words; the others get one finding per label of the manifest.

use super::{
    film::Measures,
    suitability::{self, Limits},
};
use crate::{
    domain::{Abstention, Familiarity, Film, Finding, GreyImage, ModelInput, Prediction},
    models::{Model, ModelError},
};

/// What a network says of one film, whatever it shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Raw scores, one per label of the manifest.
    pub scores: Vec<f64>,
    /// Raw score of "this is no upright frontal chest film".
    pub stranger: f64,
    /// Distance from the training films in the network's features.
    pub distance: f64,
}

impl Answer {
    /// The raw score of the first label.
    #[must_use]
    pub fn score(&self) -> f64 {
        self.scores.first().copied().unwrap_or(f64::NAN)
    }

    fn is_finite(&self) -> bool {
        self.scores.iter().chain([&self.stranger, &self.distance]).all(|number| number.is_finite())
    }
}

/// When a network refuses a film.
#[derive(Debug, Clone, Copy)]
pub struct Guard<'a> {
    /// Films are squashed to this many pixels a side.
    pub side: usize,
    /// Films with a smaller side are refused.
    pub side_min: usize,
    /// Limits on pixels, score and distance; a network that came without any judges by the chart's words alone.
    pub limits: Option<Limits>,
    /// The mean of the equalised training films.
    pub template: &'a [f32],
}

/// A network that reads chest films.
pub trait FilmReader: Model {
    /// When it refuses.
    fn guard(&self) -> Guard<'_>;

    /// Its answers to squashed films.
    ///
    /// # Errors
    /// [`ModelError`] when the arithmetic fails.
    fn squashed_answers(&self, squashed: &[GreyImage]) -> Result<Vec<Answer>, ModelError>;

    /// A film squashed to the network's square.
    fn squashed(&self, image: &GreyImage) -> GreyImage {
        let side = self.guard().side;
        image.resized(side, side)
    }

    /// What the network says of images, whatever they show: for golden outputs, limits and evaluation.
    ///
    /// # Errors
    /// [`ModelError`] when the arithmetic fails or gives a number that is not finite.
    fn answers(&self, images: &[&GreyImage]) -> Result<Vec<Answer>, ModelError> {
        let squashed: Vec<GreyImage> = images.iter().map(|image| self.squashed(image)).collect();
        finite(self, &squashed)
    }

    /// Raw scores of the first label.
    ///
    /// # Errors
    /// As [`FilmReader::answers`].
    fn scores(&self, images: &[&GreyImage]) -> Result<Vec<f64>, ModelError> {
        Ok(self.answers(images)?.iter().map(Answer::score).collect())
    }

    /// Whether the pixels alone look like a film that can be judged.
    ///
    /// # Errors
    /// As [`FilmReader::answers`].
    fn reads(&self, image: &GreyImage) -> Result<bool, ModelError> {
        let squashed = self.squashed(image);
        if measured(self.guard(), &squashed).is_some() {
            return Ok(false);
        }
        Ok(finite(self, &[squashed])?.iter().all(|answer| unlike(self.guard(), answer).is_none()))
    }

    /// The film of an input.
    ///
    /// # Errors
    /// [`ModelError::Input`] when it is something else.
    fn film<'a>(&self, input: &'a ModelInput) -> Result<&'a Film, ModelError> {
        match input {
            ModelInput::Film(film) => Ok(film),
            _ => Err(ModelError::Input(self.manifest().name.clone())),
        }
    }

    /// The answers as they are served.
    ///
    /// # Errors
    /// As [`FilmReader::answers`], and when an input is no film.
    fn predictions(&self, inputs: &[&ModelInput]) -> Result<Vec<Prediction>, ModelError> {
        let films: Vec<&Film> = inputs.iter().map(|input| self.film(input)).collect::<Result<_, _>>()?;
        let mut squashed = Vec::new();
        let mut refusals = Vec::new();
        for film in &films {
            refusals.push(self.readable(film).map(|image| squashed.push(image)).err());
        }
        let mut answers = finite(self, &squashed)?.into_iter();
        let predictions = films.iter().zip(refusals).map(|(film, refusal)| match refusal {
            Some(refusal) => Ok(Prediction::abstained(refusal)),
            None => {
                let answer = answers.next().ok_or_else(|| ModelError::NotFinite(self.manifest().name.clone()))?;
                Ok(self.prediction(film, &answer))
            }
        });
        predictions.collect()
    }

    /// The film squashed, or why it cannot be read.
    ///
    /// # Errors
    /// The refusal.
    fn readable(&self, film: &Film) -> Result<GreyImage, Abstention> {
        let guard = self.guard();
        if let Some(refusal) = suitability::stated(film, guard.side_min, guard.limits.and_then(|one| one.age_end_years))
        {
            return Err(refusal);
        }
        let squashed = self.squashed(&film.image);
        measured(guard, &squashed).map_or(Ok(squashed), Err)
    }

    /// One answer as it is served.
    fn prediction(&self, film: &Film, answer: &Answer) -> Prediction {
        let guard = self.guard();
        let prediction = unlike(guard, answer).map_or_else(
            || {
                Prediction::scored(
                    self.findings(answer),
                    suitability::missing(film, guard.side, self.manifest().provenance.ages),
                )
            },
            Prediction::abstained,
        );
        match guard.limits {
            Some(limits) => {
                prediction.with_familiarity(Familiarity { distance: answer.distance, limit: limits.distance_max })
            }
            None => prediction,
        }
    }

    /// One finding per label, most probable first.
    fn findings(&self, answer: &Answer) -> Vec<Finding> {
        let manifest = self.manifest();
        let one = |(label, score): (&crate::models::manifest::Label, &f64)| {
            let probability = manifest.calibration.probability(*score);
            let certainty = label.certainty(probability);
            let (name, threshold) = (label.name.clone(), label.threshold);
            Finding { label: name, score: *score, probability, threshold, mention: None, certainty }
        };
        let mut findings: Vec<Finding> = manifest.labels.iter().zip(&answer.scores).map(one).collect();
        findings.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        findings
    }
}

fn finite<R: FilmReader + ?Sized>(reader: &R, squashed: &[GreyImage]) -> Result<Vec<Answer>, ModelError> {
    if squashed.is_empty() {
        return Ok(Vec::new());
    }
    let answers = reader.squashed_answers(squashed)?;
    if answers.iter().all(Answer::is_finite) {
        Ok(answers)
    } else {
        Err(ModelError::NotFinite(reader.manifest().name.clone()))
    }
}

fn measured(guard: Guard<'_>, squashed: &GreyImage) -> Option<Abstention> {
    suitability::measured(Measures::of(squashed, guard.template), guard.limits?)
}

fn unlike(guard: Guard<'_>, answer: &Answer) -> Option<Abstention> {
    suitability::unlike(answer.stranger, answer.distance, guard.limits?)
}
