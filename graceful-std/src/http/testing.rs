//! Requests for the tests of this module, and what comes back.

use std::net::SocketAddr;
use std::sync::OnceLock;

use graceful_core::{PeerAddress, Runtime, Stop};

use super::body::{Body, Kind};
use super::params::Params;
use super::request::{Context, Request};
use super::response::Response;
use super::router::Routes;
use super::stream::BodyWriter;

/// A token that does not fire: its runtime is never told to stop.
pub(crate) fn stop() -> Stop {
    static STOP: OnceLock<Stop> = OnceLock::new();
    let begin = || {
        let runtime = Runtime::builder("messages").start().expect("a guest");
        let stop = runtime.app().stop();
        std::mem::forget(runtime);
        stop
    };
    STOP.get_or_init(begin).clone()
}

/// A request without a body.
pub(crate) fn request(method: &str, target: &str) -> Request {
    with_params(method, target, Params::default())
}

fn with_params(method: &str, target: &str, params: Params) -> Request {
    let request = ::http::Request::builder().method(method).uri(target).body(()).expect("a request");
    let peer = PeerAddress::from(SocketAddr::from(([127, 0, 0, 1], 4711)));
    Request::new(request.into_parts().0, Body::empty(), params, Context::new(peer, stop()))
}

/// What the session does: find, then call.
pub(crate) fn call(routes: &Routes, method: &str, target: &str) -> Response {
    let asked = request(method, target);
    let found = routes.find(asked.method(), asked.path());
    (found.endpoint.call)(with_params(method, target, found.params))
}

/// The body as it would be sent.
pub(crate) fn sent(body: Body) -> String {
    let mut bytes = Vec::new();
    match body.into_kind() {
        Kind::Bytes(all) => bytes.extend_from_slice(&all),
        Kind::Empty => {}
        Kind::Incoming(mut reader) => {
            let mut piece = [0; 512];
            loop {
                match reader.read(&mut piece).expect("readable") {
                    0 => break,
                    count => bytes.extend_from_slice(&piece[..count]),
                }
            }
        }
        Kind::Reader { mut reader, .. } => drop(std::io::copy(&mut reader, &mut bytes).expect("readable")),
        Kind::Writer(write) => write(&mut BodyWriter::new(&mut bytes, &stop())).expect("writes"),
    }
    String::from_utf8(bytes).expect("text")
}
