//! Joins the parts and serves until told to stop.

use super::{Failed, check, keys, say};
use crate::{
    audit::{NewRecord, RecordKind, Store},
    decision::{Decision, Parts},
    domain::{Clock, Ids, RandomIds, Secrets, SystemSecrets},
    http::{self, App, Links},
    inference::Engine,
    settings::Settings,
};
use serde_json::json;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// How long the record of a start or stop may take.
const LIFECYCLE_RECORD: Duration = Duration::from_secs(10);

pub(super) fn run(settings: Settings, clock: Arc<dyn Clock>) -> Result<(), Failed> {
    actix_web::rt::System::new().block_on(serve(settings, clock))
}

async fn serve(mut settings: Settings, clock: Arc<dyn Clock>) -> Result<(), Failed> {
    let listener = http::bind(&settings.http)?;
    let base = settings.http.base_url(listener.local_addr()?);
    if settings.decision.explanation_base.is_empty() {
        settings.decision.explanation_base.clone_from(&base);
    }
    let checked = check::load(&settings)?;
    let services = checked.services()?;
    let ids: Arc<dyn Ids> = Arc::new(RandomIds);
    let store = Arc::new(Store::open(&settings.audit, Arc::clone(&clock)).await?);
    let secrets: Arc<dyn Secrets> = Arc::new(SystemSecrets);
    let links = Arc::new(keys::links(&settings, &base, secrets.as_ref())?);
    let started = json!({
        "program": concat!("auscult ", env!("CARGO_PKG_VERSION")),
        "models": checked.manifests().iter().map(|one| json!({"name": one.name, "version": one.version, "manifest": one.digest()})).collect::<Vec<_>>(),
        "services": checked.definitions.iter().map(|one| json!({"id": one.id, "definition": one.digest})).collect::<Vec<_>>(),
    });
    append(&store, RecordKind::Startup, &started, clock.as_ref(), ids.as_ref()).await?;
    let engine = Engine::start(checked.models, &settings.inference)?;
    let decision = Arc::new(Decision::new(Parts {
        definitions: checked.definitions,
        services,
        engine,
        store: Arc::clone(&store),
        clock: Arc::clone(&clock),
        ids: Arc::clone(&ids),
        links: Arc::<Links>::clone(&links),
        write_deadline: settings.audit.write_deadline(),
        settings: settings.decision.clone(),
    }));
    greet(&base, &settings);
    let app = App::new(decision, checked.papers, Arc::clone(&clock), Arc::clone(&ids), secrets, links, settings.http)?;
    http::serve(app, listener, http::termination()).await?;
    append(&store, RecordKind::Shutdown, &json!({}), clock.as_ref(), ids.as_ref()).await?;
    store.close().await;
    tracing::info!("stopped: everything in flight was answered and recorded");
    Ok(())
}

async fn append(
    store: &Store,
    kind: RecordKind,
    content: &serde_json::Value,
    clock: &dyn Clock,
    ids: &dyn Ids,
) -> Result<(), Failed> {
    let time = clock.now();
    let new =
        NewRecord { id: ids.ordered(time), kind, time, service: None, cards: vec![], links: vec![], body: vec![] };
    store.append(new.sealed_in_envelope(content)?, Instant::now() + LIFECYCLE_RECORD).await?;
    Ok(())
}

/// What a person at the terminal needs to know.
fn greet(base: &str, settings: &Settings) {
    say(&format!("Auscult {} listens on {base}", env!("CARGO_PKG_VERSION")));
    if settings.http.demo {
        say(&format!("  open {base}/ in a browser, or run `auscult call walter-brandt` in another terminal"));
    }
    say(&format!("  CDS Hooks discovery: {base}/cds-services"));
    say("  Development mode: no client has to prove who it is. Not a certified medical device.");
    tracing::info!(address = base, "ready");
}
