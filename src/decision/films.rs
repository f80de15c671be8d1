//! Which film each network is handed.
//!
//! Contract: a film stated to show one part of the body never goes to the network of another part when a service asks
//! both, nor when there is a film of its own or an unstated one; an unstated film goes to the network that was called,
//! and to the chest network where both are asked. Every film that is not looked at is listed.

use super::reading::{FILM_UNREADABLE, Material, nothing};
use crate::{
    cards::Input,
    domain::{Film, Ignored, ModelInput, Patient, Region},
    fhir::{self, Gathered},
};
use std::sync::Arc;
use time::{Duration, OffsetDateTime};

/// Two films within this time are of one visit: both knees are often taken on two plates.
const VISIT: Duration = Duration::hours(24);

/// The films of a chart, newest first.
pub(super) struct Films {
    films: Vec<Film>,
    ignored: Vec<Ignored>,
}

/// What a network gets, what is not looked at, and what the cards must say of it.
type Chosen = (Material, Vec<Ignored>, Option<String>);

impl Films {
    pub(super) fn of(gathered: &Gathered<'_>) -> Self {
        let found = fhir::films(gathered);
        Self { films: found.value, ignored: found.ignored }
    }

    /// The newest film for `input`; films chosen for another network, or not meant for this one, are left alone.
    pub(super) fn choose(
        &mut self,
        input: Input,
        wants: impl Fn(Input) -> bool,
        patient: Option<&Patient>,
        now: OffsetDateTime,
    ) -> Chosen {
        let (own, what) = match input {
            Input::KneeFilm => (Region::Knee, "knee film"),
            _ => (Region::Chest, "chest film"),
        };
        let both = wants(Input::Film) && wants(Input::KneeFilm);
        // What could not be read is listed once, by the first network that asks.
        let mut ignored = std::mem::take(&mut self.ignored);
        let region = |film: &Film| Region::stated(film.body_site.as_deref());
        // Where both networks are asked, whatever is not stated to be a knee is the chest network's to read or refuse.
        let fits = |film: &Film| match (both, own, region(film)) {
            (true, Region::Knee, region) => region == Region::Knee,
            (true, _, region) => region != Region::Knee,
            (false, ..) => true,
        };
        let rank = |film: &Film| match region(film) {
            region if region == own => 0,
            // A chest film is what most charts hold, so an unstated one is as good as a stated one only there.
            Region::Unstated => usize::from(own == Region::Knee),
            _ => 2,
        };
        let best = self.films.iter().filter(|film| fits(film)).map(rank).min();
        let place = self.films.iter().position(|film| fits(film) && Some(rank(film)) == best);
        let Some(place) = place else {
            // A film that could not be read may have been the one looked for.
            let material = nothing(what, &ignored, &FILM_UNREADABLE);
            return (material, ignored, None);
        };
        let mut newest = self.films.remove(place);
        let other_side = self.other_side(&newest);
        let (left, kept): (Vec<Film>, Vec<Film>) =
            std::mem::take(&mut self.films).into_iter().partition(|film| fits(film));
        self.films = kept;
        let remark =
            other_side.map(|side| format!("the film of the {side} knee of the same visit (one film is read per call)"));
        ignored.extend(left.into_iter().map(|film| not_looked_at(film, own)));
        newest.age_years = patient.and_then(|patient| patient.age_years(newest.time.unwrap_or(now)));
        (Material::Input(Arc::new(ModelInput::Film(newest))), ignored, remark)
    }

    /// The other knee, when it was filmed at the same visit.
    fn other_side(&self, newest: &Film) -> Option<&'static str> {
        let near = |film: &Film| match (film.time, newest.time) {
            (Some(one), Some(other)) => (one - other).abs() <= VISIT,
            (one, other) => one == other,
        };
        let knee = |film: &Film| Region::stated(film.body_site.as_deref()) == Region::Knee;
        let other = self.films.iter().filter(|film| knee(film) && near(film)).find(|film| film.side != newest.side)?;
        newest.side?;
        other.side.map(crate::domain::Side::as_str)
    }
}

fn not_looked_at(film: Film, own: Region) -> Ignored {
    let region = Region::stated(film.body_site.as_deref());
    let (reason, detail) = if region == own || region == Region::Unstated {
        ("older-film", "A newer film was looked at.")
    } else {
        ("other-body-site", "It is stated to show another part of the body.")
    };
    Ignored { reference: film.source.reference, reason, detail: detail.into() }
}
