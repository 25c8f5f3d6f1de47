//! The servers that are compared.

use graceful_benches::Result;

use crate::contest::candidate::{Candidate, FLOOR, Role, Source, directory, ours};

pub(crate) fn all() -> Result<Vec<Candidate>> {
    let peers = directory("ws")?.join("release");
    let peer = |name: &str, binary: &str, role| Candidate::new(name, Source::Program(peers.join(binary)), role);
    Ok(vec![
        ours()?,
        peer(FLOOR, "peer-ws-raw", Role::Fixed),
        peer("axum", "peer-ws-axum", Role::Framework),
        peer("tokio-tungstenite", "peer-ws-tokio-tungstenite", Role::Framework),
        peer("tungstenite", "peer-ws-tungstenite", Role::Framework),
    ])
}
