//! nginx in front of two services, with connections that it keeps open to them.

use std::net::SocketAddr;

use crate::proxy::{Proxy, roll};

/// One process in the foreground. Its idle connections are fewer than its clients, so it opens new ones as well.
const CONFIGURATION: &str = "
daemon off;
master_process off;
pid FOLDER/pid;
error_log stderr warn;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path FOLDER/body;
    proxy_temp_path FOLDER/proxy;
    fastcgi_temp_path FOLDER/fastcgi;
    uwsgi_temp_path FOLDER/uwsgi;
    scgi_temp_path FOLDER/scgi;
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
}
";

fn nginx(services: [SocketAddr; 2]) -> Proxy {
    let servers = services.map(|address| format!("server {address};")).join("\n        ");
    let args = ["-e", "stderr", "-p", "FOLDER", "-c", "FOLDER/configuration"];
    Proxy::start("nginx", "/usr/sbin/nginx", &args, &CONFIGURATION.replace("SERVERS", &servers))
}

#[test]
fn a_backend_leaves_and_nobody_notices() {
    let rolled = roll(nginx);
    assert!(rolled.seen.total.load.answers > 1000, "{}", rolled.seen);
}
