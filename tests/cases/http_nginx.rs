//! nginx in front of two services, with connections that it keeps open to them.

use crate::proxy::{Proxy, roll};

/// Inside of its block `http`. Its idle connections are fewer than its clients, so it opens new ones as well.
const CONFIGURATION: &str = "
    upstream services {
        SERVERS
        keepalive 24;
        keepalive_timeout 30s;
    }
    server {
        listen FRONT;
        location / {
            proxy_pass http://services;
            proxy_http_version 1.1;
            proxy_set_header Connection '';
            proxy_read_timeout 30s;
        }
    }
";

#[test]
fn a_backend_leaves_and_nobody_notices() {
    let rolled = roll(|services| Proxy::nginx(services, CONFIGURATION));
    assert!(rolled.seen.total.load.answers > 1000, "{}", rolled.seen);
}
