//! Every address of the service, and what answers there.

use super::{errors::Refusal, operations, pages, services, settings::Settings, smart};
use actix_web::{
    HttpResponse, Resource,
    guard::{Any, Get, Guard, Head, Options, Post},
    http::header,
    web::{self, ServiceConfig},
};

pub(super) const READ: &str = "GET, HEAD, OPTIONS";
pub(super) const WRITE: &str = "POST, OPTIONS";

/// The whole service. Parts that bring addresses of their own are configured here, one line each.
pub fn configure(config: &mut ServiceConfig, settings: &Settings) {
    cds_services(config);
    for_operators(config);
    pages::configure(config, settings.demo);
    smart::configure(config);
    config.default_service(web::to(|| async { Err::<HttpResponse, _>(Refusal::Address) }));
}

fn cds_services(config: &mut ServiceConfig) {
    config
        .service(resource("/cds-services", READ).route(web::route().guard(reading()).to(services::discovery)))
        .service(resource("/cds-services/{id}", WRITE).route(web::route().guard(Post()).to(services::invoke)))
        .service(
            resource("/cds-services/{id}/feedback", WRITE).route(web::route().guard(Post()).to(services::feedback)),
        );
}

fn for_operators(config: &mut ServiceConfig) {
    config
        .service(resource("/healthz", READ).route(web::route().guard(reading()).to(operations::health)))
        .service(resource("/readyz", READ).route(web::route().guard(reading()).to(operations::ready)))
        .service(resource("/metrics", READ).route(web::route().guard(reading()).to(operations::metrics)));
}

/// GET, and HEAD, which is GET without the body.
pub(super) fn reading() -> impl Guard {
    Any(Get()).or(Head())
}

/// An address that says which methods it has: to OPTIONS with 204, to all others with 405.
pub(super) fn resource(path: &str, allow: &'static str) -> Resource {
    web::resource(path.to_owned())
        .route(
            web::route()
                .guard(Options())
                .to(move || async move { HttpResponse::NoContent().insert_header((header::ALLOW, allow)).finish() }),
        )
        .default_service(web::to(move || async move { Err::<HttpResponse, _>(Refusal::Method(allow)) }))
}
