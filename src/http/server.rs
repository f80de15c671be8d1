//! The listening socket, from the first connection to the last answer.
//!
//! Contract: told to stop, it takes no new connections, says so on `/readyz`, and finishes what is in flight within
//! the time set for it.

use super::{App, cors, edge, routes, tls};
use actix_web::{
    App as Actix, HttpServer,
    middleware::{NormalizePath, from_fn},
    web::Data,
};
use std::{future::Future, io, net::TcpListener, sync::atomic::Ordering, time::Duration};

/// Connections that one thread holds open; far more than clients of a hospital keep.
const CONNECTIONS_PER_WORKER: usize = 4_096;
/// Idle connections are kept this long: EHRs come back.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Binds the address in the settings; port 0 lets the system choose, [`TcpListener::local_addr`] tells what.
///
/// # Errors
/// The system's, when the address is taken or not ours.
pub fn bind(settings: &super::Settings) -> io::Result<TcpListener> {
    TcpListener::bind(settings.listen)
}

/// Serves until `stop` is done, then finishes what is in flight.
///
/// # Errors
/// When certificate or key cannot be used, or the socket cannot be listened on.
pub async fn serve(app: App, listener: TcpListener, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let settings = app.settings.clone();
    let app = Data::new(app);
    let (shared, stopping) = (app.clone(), app.clone());
    let mut server = HttpServer::new(move || {
        // The last wrapped is the outermost. A slash at the end or twice is not a different address.
        Actix::new()
            .app_data(shared.clone())
            .wrap(NormalizePath::trim())
            .wrap(cors::middleware(&shared.settings))
            .wrap(from_fn(edge::around))
            .configure(|config| routes::configure(config, &shared.settings))
    })
    .keep_alive(KEEP_ALIVE)
    .max_connections(CONNECTIONS_PER_WORKER)
    .shutdown_timeout(settings.shutdown_timeout_s)
    .shutdown_signal(async move {
        stop.await;
        stopping.draining.store(true, Ordering::Relaxed);
        tracing::info!("stopping: finishing what is in flight");
    });
    if settings.workers > 0 {
        server = server.workers(settings.workers);
    }
    match &settings.tls {
        Some(files) => server.listen_rustls_0_23(listener, tls::load(files).map_err(io::Error::other)?)?,
        None => server.listen(listener)?,
    }
    .run()
    .await
}

/// Done when the process is told to stop: Ctrl-C, or SIGTERM as `docker stop` and service managers send it. Where the
/// system does not let signals be watched this is never done, and the process ends as the system ends it.
pub async fn termination() {
    if let Err(error) = signalled().await {
        tracing::error!(%error, "signals cannot be watched: stopping will not wait for work in flight");
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
async fn signalled() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn signalled() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
