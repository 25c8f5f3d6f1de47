//! axum on tokio's runtime of several threads, with its graceful shutdown.

use std::io;

use axum::Router;
use axum::extract::RawQuery;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> io::Result<()> {
    let app = Router::new().route("/", get(|| async { peer::GREETING })).route("/work", get(work));
    let listener = TcpListener::bind(peer::address()).await?;
    let mut term = signal(SignalKind::terminate())?;
    peer::announce(listener.local_addr()?)?;
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            term.recv().await;
        })
        .await
}

async fn work(RawQuery(query): RawQuery) -> &'static str {
    let time = peer::work(&query.unwrap_or_default());
    match tokio::task::spawn_blocking(move || std::thread::sleep(time)).await {
        Ok(()) => "done",
        Err(_) => "it panicked",
    }
}
