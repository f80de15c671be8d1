//! The explanation as a SMART app: an EHR launches it from a card, and the open patient must be the card's.
//!
//! Contract: only registered EHRs; the way back is for the browser that went ([`Returning`]); nothing is remembered
//! here between the two, and no token is kept. What the launch gives is a link as those on cards are, freshly signed.
//! SMART App Launch 2.2, EHR launch, `code` with PKCE.

mod registry;
mod settings;
mod ticket;

pub use registry::{Registered, Registry, RegistryError};
pub use settings::{Issuer, problems};

use super::{
    App,
    identity::Anyone,
    outbound::OutboundError,
    pages::refused::{Refused, Why},
    routes::resource,
    visit,
};
use crate::decision::{By, Fit, Launch};
use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    dev::Payload,
    http::header::{self, HeaderValue},
    web::{self, Data, Query},
};
use reqwest::Url;
use serde::Deserialize;
use std::future::{Ready, ready};
use ticket::{LIFE_S, Ticket};

/// Longest launch or code worth passing on.
const OPAQUE_MAX: usize = 4_096;

/// The routes.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .service(resource("/smart/launch", "GET, OPTIONS").route(web::get().to(launch)))
        .service(resource("/smart/callback", "GET, OPTIONS").route(web::get().to(callback)));
}

#[derive(Deserialize)]
struct Launched {
    iss: String,
    launch: String,
}

/// `GET /smart/launch`: on to the authorisation server of the EHR that launches.
async fn launch(_: Anyone, app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Refused> {
    begin(&app, request.query_string()).await.map_err(|why| Refused::at(&app.place, why))
}

async fn begin(app: &App, query: &str) -> Result<HttpResponse, Why> {
    let Query(asked) = Query::<Launched>::from_query(query).map_err(|_| Why::Launch)?;
    let ehr = app.links.smart.at(&asked.iss).ok_or(Why::Launch)?;
    if asked.launch.is_empty() || asked.launch.len() > OPAQUE_MAX {
        return Err(Why::Launch);
    }
    let endpoints = app.links.smart.endpoints(ehr).await.map_err(|error| failed("smart-configuration", &error))?;
    let ticket = Ticket::new(&ehr.issuer.issuer, app.secrets.as_ref(), app.clock.now()).map_err(|_| Why::Unrecorded)?;
    let url = authorisation(app, ehr, (&endpoints.authorization_endpoint, &asked.launch), &ticket)?;
    let (name, value) = ticket.cookie(&app.links.key);
    let mut response = HttpResponse::Found();
    response.insert_header((header::LOCATION, url.as_str()));
    response.insert_header((header::SET_COOKIE, cookie(app, &name, &value, LIFE_S)));
    Ok(response.finish())
}

/// Where the user is sent (SMART App Launch, Obtain authorization code).
fn authorisation(app: &App, ehr: &Registered, (to, launch): (&str, &str), ticket: &Ticket) -> Result<Url, Why> {
    let mut url = Url::parse(to).map_err(|_| Why::Server)?;
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &ehr.issuer.client_id)
        .append_pair("redirect_uri", &redirect(app))
        .append_pair("scope", &ehr.issuer.scopes)
        .append_pair("state", &ticket.state(&app.links.key))
        .append_pair("aud", &ehr.issuer.issuer)
        .append_pair("launch", launch)
        .append_pair("code_challenge", &ticket.challenge())
        .append_pair("code_challenge_method", "S256");
    Ok(url)
}

/// `GET /smart/callback`: back from the authorisation server, and on to the card's page.
async fn callback(returning: Returning, app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Refused> {
    let back = finish(&app, &returning, &request).await.map_err(|why| Refused::at(&app.place, why))?;
    let mut response = HttpResponse::SeeOther();
    response.insert_header((header::LOCATION, back));
    response.insert_header((header::SET_COOKIE, cookie(&app, &ticket::name(&returning.state), "", 0)));
    Ok(response.finish())
}

async fn finish(app: &App, returning: &Returning, request: &HttpRequest) -> Result<String, Why> {
    let code = returning.code.as_deref().ok_or(Why::Declined)?;
    let ehr = app.links.smart.at(&returning.ticket.issuer).ok_or(Why::Launch)?;
    let proof = (code, returning.ticket.verifier.as_str());
    let granted = app.links.smart.exchange(ehr, proof, &redirect(app)).await;
    let granted = granted.map_err(|error| failed("token", &error))?;
    let card = granted.card().ok_or(Why::NoCard)?;
    let launch = Launch {
        fhir_server: ehr.issuer.issuer.clone(),
        patient: granted.patient().ok_or_else(|| failed("token", &OutboundError::Shape))?,
    };
    let visit = visit::visit(card, By::SmartLaunch, request);
    let call = visit::call(app, By::SmartLaunch, request, &[]);
    match app.decision.fits(&launch, &visit, &call).await? {
        Fit::NoCard => Err(Why::NoCard),
        Fit::OtherPatient => Err(Why::OtherPatient),
        Fit::Same => {
            let query = app.links.query(card, By::SmartLaunch, app.clock.now());
            Ok(format!("{}/explain/{card}?{query}", app.place.prefix))
        }
    }
}

fn failed(what: &'static str, error: &OutboundError) -> Why {
    tracing::warn!(what, %error, "an authorisation server could not be used");
    Why::Server
}

fn redirect(app: &App) -> String {
    format!("{}/smart/callback", app.links.base)
}

/// `Lax`, because the way back begins at another site; only for the address of the way back.
fn cookie(app: &App, name: &str, value: &str, life_s: i64) -> HeaderValue {
    let secure = if app.links.base.starts_with("https://") { "; Secure" } else { "" };
    let path = &app.place.prefix;
    let text = format!("{name}={value}; Path={path}/smart/callback; Max-Age={life_s}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// The browser that was sent to the authorisation server, back in time.
#[derive(Debug)]
pub struct Returning {
    ticket: Ticket,
    state: String,
    /// None when the authorisation server declined.
    code: Option<String>,
}

#[derive(Deserialize)]
struct Answered {
    state: String,
    code: Option<String>,
}

impl FromRequest for Returning {
    type Error = Refused;
    type Future = Ready<Result<Self, Refused>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(app) = request.app_data::<Data<App>>() else { return ready(Err(Refused::nowhere(Why::State))) };
        ready(Self::read(app, request).ok_or_else(|| Refused::at(&app.place, Why::State)))
    }
}

impl Returning {
    fn read(app: &App, request: &HttpRequest) -> Option<Self> {
        let Query(answered) = Query::<Answered>::from_query(request.query_string()).ok()?;
        let sent = request.headers().get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
        let cookies = sent.flat_map(|line| line.split(';')).filter_map(|one| one.trim().split_once('='));
        let ticket = Ticket::find(&answered.state, cookies, &app.links.key, app.clock.now())?;
        let code = answered.code.filter(|code| !code.is_empty() && code.len() <= OPAQUE_MAX);
        Some(Self { ticket, state: answered.state, code })
    }
}
