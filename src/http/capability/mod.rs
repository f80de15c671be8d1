//! Links that let their bearer see one card's explanation, as they are opened from an EHR without a login.
//!
//! Contract: a link opens one card's page until a time, and nothing else. Its key is checked, in constant time, before
//! anything is read, so that a wrong one does not tell which cards exist. In the address are an identifier, a time and
//! the key: nothing about a patient. The check is [`Bearer`], an extractor, so that it stands in a handler's signature.

pub mod key;

pub use key::{KeyError, KeyText, LinkKey};

use super::{
    App,
    pages::refused::{Refused, Why},
    smart::Registry,
};
use crate::{cards, decision::By};
use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    web::{Data, Query},
};
use serde::Deserialize;
use std::future::{Ready, ready};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// Longest signature worth looking at: 32 bytes in base64, and some.
const SIGNATURE_MAX: usize = 64;

/// Who signs links: the key, how long they last, and for whom a launch is offered.
#[derive(Debug)]
pub struct Links {
    /// Signs links and launches.
    pub(in crate::http) key: LinkKey,
    /// How long a link lasts.
    life: Duration,
    /// Base address under which clients reach the service, without a final slash.
    pub(in crate::http) base: String,
    /// The EHRs that may launch the explanation.
    pub(in crate::http) smart: Registry,
}

impl Links {
    /// Joins the parts.
    #[must_use]
    pub fn new(key: LinkKey, hours: u32, base: String, smart: Registry) -> Self {
        Self { key, life: Duration::hours(i64::from(hours)), base, smart }
    }

    /// The query of a link that was come by in this way and holds for a while from `now`.
    pub(in crate::http) fn query(&self, card: Uuid, by: By, now: OffsetDateTime) -> String {
        self.signed(card, by, (now + self.life).unix_timestamp())
    }

    fn signed(&self, card: Uuid, by: By, until: i64) -> String {
        let key = self.key.sign(purpose(by), &[&card.to_string(), &until.to_string()]);
        let by = if by == By::SmartLaunch { "&by=smart-launch" } else { "" };
        format!("until={until}&key={key}{by}")
    }

    fn admits(&self, card: Uuid, query: &str, now: OffsetDateTime) -> Result<Bearer, Why> {
        let Ok(Query(asked)) = Query::<Asked>::from_query(query) else { return Err(Why::Link) };
        let by = match asked.by.as_deref() {
            None => By::Link,
            Some("smart-launch") => By::SmartLaunch,
            Some(_) => return Err(Why::Link),
        };
        let parts = [card.to_string(), asked.until.to_string()];
        let [card_text, until] = &parts;
        let right = asked.key.len() <= SIGNATURE_MAX && self.key.verifies(purpose(by), &[card_text, until], &asked.key);
        // Only who holds a true link learns that it was one.
        match right {
            false => Err(Why::Link),
            true if asked.until < now.unix_timestamp() => Err(Why::Expired),
            true => Ok(Bearer { card, by, query: self.signed(card, by, asked.until), thanks: asked.thanks.is_some() }),
        }
    }
}

impl cards::Links for Links {
    fn admission(&self, card: Uuid, now: OffsetDateTime) -> String {
        self.query(card, By::Link, now)
    }

    fn launch(&self, fhir_server: &str) -> Option<String> {
        self.smart.at(fhir_server).map(|_| format!("{}/smart/launch", self.base))
    }
}

/// A link from a launch says so in the record of who looked; under its own purpose, so that nobody can add it.
const fn purpose(by: By) -> &'static str {
    match by {
        By::Link => "auscult-explain-v1",
        By::SmartLaunch => "auscult-explain-smart-v1",
    }
}

#[derive(Deserialize)]
struct Asked {
    until: i64,
    key: String,
    by: Option<String>,
    thanks: Option<String>,
}

/// Who holds a true link to one card, whoever that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// The one card.
    pub card: Uuid,
    /// How they came by the link.
    pub by: By,
    /// The query of this very link.
    pub query: String,
    /// Whether they come from having disagreed.
    pub thanks: bool,
}

impl FromRequest for Bearer {
    type Error = Refused;
    type Future = Ready<Result<Self, Refused>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(app) = request.app_data::<Data<App>>() else { return ready(Err(Refused::nowhere(Why::Link))) };
        let card = request.match_info().get("card").and_then(|card| Uuid::try_parse(card).ok());
        let admitted =
            card.ok_or(Why::Link).and_then(|card| app.links.admits(card, request.query_string(), app.clock.now()));
        ready(admitted.map_err(|why| Refused::at(&app.place, why)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Bearer, By, LinkKey, Links, Registry, Why};
    use crate::domain::SequentialSecrets;
    use time::{Duration, OffsetDateTime, macros::datetime};
    use uuid::{Uuid, uuid};

    const CARD: Uuid = uuid!("4e0a3a1e-3283-4575-ab82-028d55fe2719");
    const NOW: OffsetDateTime = datetime!(2026-11-23 14:00 UTC);

    fn links() -> Links {
        let key = LinkKey::passing(&SequentialSecrets::default()).unwrap();
        Links::new(key, 1, "https://auscult.example".into(), Registry::new(Vec::new()).unwrap())
    }

    #[test]
    fn a_link_opens_its_card_until_its_time_and_then_says_that_it_is_over() {
        let query = links().query(CARD, By::Link, NOW);
        let at = |now| links().admits(CARD, &query, now);
        let bearer = Bearer { card: CARD, by: By::Link, query: query.clone(), thanks: false };
        assert_eq!(at(NOW), Ok(bearer.clone()));
        assert_eq!(at(NOW + Duration::hours(1)), Ok(bearer));
        assert_eq!(at(NOW + Duration::seconds(3_601)), Err(Why::Expired));
        assert_eq!(links().admits(Uuid::nil(), &query, NOW + Duration::hours(9)), Err(Why::Link), "not even that");
    }

    #[test]
    fn nothing_of_a_link_can_be_changed() {
        let query = links().query(CARD, By::Link, NOW);
        let later = query.replacen("until=1", "until=2", 1);
        let (head, tail) = query.split_at(query.len() - 1);
        let forged = format!("{head}{}", if tail == "A" { "B" } else { "A" });
        let launched = format!("{query}&by=smart-launch");
        let stripped = links().query(CARD, By::SmartLaunch, NOW).replace("&by=smart-launch", "");
        for wrong in [
            "",
            "until=9999999999",
            "key=a&until=x",
            &later,
            &forged,
            &launched,
            &stripped,
            &format!("{query}&{query}"),
        ] {
            assert_eq!(links().admits(CARD, wrong, NOW), Err(Why::Link), "{wrong}");
        }
    }
}
