//! HAProxy in front of two services, with connections that all clients share, and a look at their readiness.

use crate::proxy::{Proxy, roll};

const CONFIGURATION: &str = "
global
    maxconn 512
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    timeout http-keep-alive 30s
    http-reuse always
    retries 3
    option redispatch
    option httpchk GET /ready
    default-server check inter 200ms fall 2 rise 1
frontend front
    bind FRONT
    default_backend services
backend services
    balance roundrobin
    SERVERS
";

#[test]
fn a_backend_leaves_and_nobody_notices() {
    let rolled = roll(|services| Proxy::haproxy(services, CONFIGURATION));
    assert!(rolled.seen.total.load.answers > 1000, "{}", rolled.seen);
    // It was told by the readiness check, long before the listener was gone.
    assert!(!rolled.exits[0].has("connections cut"), "{}", rolled.exits[0]);
}
