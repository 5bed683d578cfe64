//! The HTTP server: three paths, one request a connection.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::view::Watched;
use super::{exposition, readiness, scrape};

/// So many are answered at the same time; who comes after waits.
const CONNECTIONS: usize = 16;
/// A request and its answer take no longer, or whoever asks is slow on purpose.
const LONGEST: Duration = Duration::from_secs(5);
/// What a request may be long.
const MAX_REQUEST: usize = 16 * 1024;
/// When no connection can be taken, as when there are no file descriptors left.
const LATER: Duration = Duration::from_millis(200);

/// Serves until it is aborted.
pub(super) async fn serve(listener: TcpListener, watched: Arc<Watched>) {
    let router = router(watched);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            taken = listener.accept(), if connections.len() < CONNECTIONS => match taken {
                Ok((stream, _)) => drop(connections.spawn(answer(stream, router.clone()))),
                Err(error) => {
                    tracing::debug!(%error, "Could not take a connection for metrics");
                    tokio::time::sleep(LATER).await;
                }
            },
        }
    }
}

async fn answer(stream: TcpStream, router: Router) {
    let connection = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(MAX_REQUEST)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    match tokio::time::timeout(LONGEST, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "A request for metrics broke off"),
        Err(_) => tracing::debug!("A request for metrics took too long"),
    }
}

fn router(watched: Arc<Watched>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(watched)
}

async fn metrics(State(watched): State<Arc<Watched>>) -> Response {
    match watched.look().await {
        Some(view) => {
            let text = scrape::text(&view, watched.counters());
            ([(header::CONTENT_TYPE, exposition::CONTENT_TYPE)], text).into_response()
        }
        None => stopping(),
    }
}

/// Whoever answers lives.
async fn healthz() -> &'static str {
    "ok\n"
}

async fn readyz(State(watched): State<Arc<Watched>>) -> Response {
    let Some(view) = watched.look().await else {
        return stopping();
    };
    let readiness = readiness::of(&view);
    let status = if readiness.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    // Texts and truth values always have a form in JSON.
    let mut text = serde_json::to_string_pretty(&readiness).unwrap_or_default();
    text.push('\n');
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (status, kind, text).into_response()
}

fn stopping() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, "the daemon is stopping\n").into_response()
}
