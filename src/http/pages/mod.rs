//! Pages for people: the small EHR at `/`, the explanation behind a card, and the networks' papers.
//!
//! Contract: `GET` only reads. Who may see a chart or a record is decided by [`Caller`], as for every clinical route;
//! the networks' papers are for everyone. `http.demo = false` removes the small EHR.

pub mod explanation;
pub mod frame;
pub mod markdown;
pub mod models;
mod records;
pub mod trust;

use super::{
    App,
    identity::{Anyone, Caller},
    routes::{READ, reading, resource},
};
use crate::samples;
use actix_web::{
    HttpResponse, Responder,
    http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    web,
};
use serde_json::json;

/// The routes. `demo` adds the small EHR.
pub fn configure(config: &mut web::ServiceConfig, demo: bool) {
    config.route("/explain/{card}", web::get().to(records::explanation));
    config
        .service(resource("/try/style.css", READ).route(web::route().guard(reading()).to(style)))
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
fn html(body: impl Into<String>) -> HttpResponse {
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
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/css; charset=utf-8")).body(include_str!("assets/style.css"))
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
