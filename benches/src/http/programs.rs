//! The servers that are compared.

use graceful_benches::Result;
use nix::sys::signal::Signal;

use crate::contest::candidate::{Candidate, FLOOR, Role, Source, directory, ours};

pub(crate) fn all() -> Result<Vec<Candidate>> {
    let peers = directory("http")?.join("release");
    let peer = |name: &str, binary: &str, role| Candidate::new(name, Source::Program(peers.join(binary)), role);
    Ok(vec![
        Candidate {
            // As many as the pool that the crowd is compared with. They are started when they are needed.
            environment: vec![("GRACEFUL_WORKERS".to_owned(), "1000".to_owned())],
            ..ours()?
        },
        peer(FLOOR, "raw", Role::Fixed),
        // SIGTERM is its fast shutdown.
        Candidate { stop: Signal::SIGQUIT, ..Candidate::new("nginx", Source::Nginx, Role::Fixed) },
        peer("may_minihttp", "peer-may-minihttp", Role::Framework),
        peer("actix", "peer-actix", Role::Framework),
        peer("axum", "peer-axum", Role::Framework),
        peer("astra", "peer-astra", Role::Framework),
        peer("rouille", "peer-rouille", Role::Framework),
        peer("tiny_http", "peer-tiny-http", Role::Framework),
        peer("shared", "shared", Role::Design),
        peer("threads", "peer-pool", Role::Pool),
    ])
}
