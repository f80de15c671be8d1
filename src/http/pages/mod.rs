//! Pages for people: the small EHR at `/`, the explanation behind a card, and the networks' papers.
//!
//! Contract: `GET` only reads, and records who looked. Who may see a chart or the records is decided by [`Caller`], as
//! for every clinical route; the explanation of a card is for the bearer of its link (`http::capability`); the networks'
//! papers are for everyone. `http.demo = false` removes the small EHR.

mod card;
pub mod disagree;
pub mod explanation;
pub mod frame;
pub mod markdown;
pub mod models;
mod records;
pub mod refused;
pub mod trust;

use super::{
    App,
    identity::{Anyone, Caller},
    routes::{READ, WRITE, reading, resource},
};
use crate::{
    explain::{heat, note},
    samples,
};
use actix_web::{
    HttpResponse, Responder,
    http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    web,
};
use serde_json::json;

/// The routes. `demo` adds the small EHR.
pub fn configure(config: &mut web::ServiceConfig, demo: bool) {
    config
        .service(resource("/explain/{card}", "GET, OPTIONS").route(web::get().to(card::explanation)))
        .service(resource("/explain/{card}/feedback", WRITE).route(web::post().to(card::feedback)))
        .service(resource("/try/style.css", READ).route(web::route().guard(reading()).to(style)))
        .service(resource("/try/opacity.js", READ).route(web::route().guard(reading()).to(opacity)))
        .service(resource("/models", READ).route(web::route().guard(reading()).to(models::list)))
        .service(resource("/models.json", READ).route(web::route().guard(reading()).to(models::list_json)))
        .service(resource("/models/{name}", READ).route(web::route().guard(reading()).to(models::one)));
    if demo {
        config
            .route("/", web::get().to(index))
            .route("/try/app.js", web::get().to(script))
            .route("/try/samples", web::get().to(list))
            .route("/try/samples/{id}", web::get().to(sample))
            .route("/try/markdown", web::post().to(markdown))
            .route("/try/records", web::get().to(records::newest))
            .route("/try/records/{id}", web::get().to(records::one));
    }
}

/// An HTML page. No inline script; the only inline styles are the two pictures', named by their digests.
pub(super) fn html(body: impl Into<String>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, frame::policy([])))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(body.into())
}

async fn index(_caller: Caller) -> impl Responder {
    html(include_str!("assets/index.html"))
}

async fn style(_: Anyone) -> impl Responder {
    let body = [include_str!("assets/style.css"), heat::CONTROL_CSS, note::CSS].concat();
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/css; charset=utf-8")).body(body)
}

/// The slider over a film; without it the page has a choice of steps.
async fn opacity(_: Anyone) -> impl Responder {
    let content_type = (CONTENT_TYPE, "text/javascript; charset=utf-8");
    HttpResponse::Ok().insert_header(content_type).body(include_str!("assets/opacity.js"))
}

async fn script(_caller: Caller) -> impl Responder {
    let content_type = (CONTENT_TYPE, "text/javascript; charset=utf-8");
    HttpResponse::Ok().insert_header(content_type).body(include_str!("assets/app.js"))
}

async fn list(_caller: Caller) -> impl Responder {
    let samples: Vec<_> = samples::all()
        .iter()
        .map(|one| json!({"id": one.id, "name": one.name, "gender": one.gender, "age": one.age, "story": one.story}))
        .collect();
    HttpResponse::Ok().json(samples)
}

/// The request an EHR would send for this sample, ready to be posted.
async fn sample(_caller: Caller, app: web::Data<App>, id: web::Path<String>) -> impl Responder {
    match samples::find(&id) {
        None => HttpResponse::NotFound().json(json!({"message": "there is no such sample"})),
        Some(sample) => {
            let instance = app.ids.random().to_string();
            HttpResponse::Ok().json(samples::invocation(sample, "patient-view", &instance, app.clock.now()))
        }
    }
}

async fn markdown(_caller: Caller, body: String) -> impl Responder {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/html; charset=utf-8")).body(markdown::html(&body))
}
