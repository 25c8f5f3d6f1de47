//! Who may use the admin API: tokens, and addresses that are open to the world.

use std::fs;

use graceful_tests::{Http, PATIENCE, Service};
use tempfile::TempDir;

use crate::admin::{Operated, admin, ask, expect_problem};

const TOKEN: &str = "0123456789abcdef-token";

/// Everything behind the token, and what is open.
const GUARDED: [(&str, &str); 10] = [
    ("GET", "/admin/status"),
    ("GET", "/admin/health"),
    ("GET", "/admin/ready"),
    ("GET", "/admin/alive"),
    ("GET", "/admin/process"),
    ("GET", "/admin/metrics"),
    ("GET", "/admin/config"),
    ("GET", "/admin/overview"),
    ("POST", "/admin/shutdown"),
    ("DELETE", "/admin/shutdown"),
];

const OPEN: [&str; 5] = ["/health", "/readyz", "/metrics", "/openapi.json", "/admin/openapi.json"];

#[test]
fn nothing_without_it() {
    let operated = Operated::start(admin().env("GF_TOKEN", TOKEN));
    let bearer = |token: &str| format!("Bearer {token}");
    let wrong = [
        bearer("0123456789abcdef-tokeN"),
        bearer(&TOKEN[1..]),
        bearer(&format!("{TOKEN}x")),
        bearer(""),
        TOKEN.to_owned(),
        format!("Basic {TOKEN}"),
        bearer(&TOKEN.repeat(300)),
    ];
    for (method, path) in GUARDED {
        let answer = operated.ask(method, path, &[], "");
        expect_problem(&answer, 401, "authorization: Bearer");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"admin\""), "{path}");
        for wrong in &wrong {
            expect_problem(&operated.ask(method, path, &[("authorization", wrong)], ""), 401, "");
        }
    }
    // Longer than a head may be.
    operated.ask("GET", "/admin/status", &[("authorization", &bearer(&TOKEN.repeat(1000)))], "").expect_status(431);
    for path in OPEN {
        operated.get(path).expect_status(200);
    }
    let right = bearer(TOKEN);
    for (_, path) in GUARDED.iter().filter(|(method, _)| *method == "GET") {
        operated.ask("GET", path, &[("authorization", &right)], "").expect_status(200);
    }
    // With it, it does not matter who asks from where.
    let headers = [("authorization", right.as_str()), ("origin", "http://evil.example"), ("via", "1.1 proxy")];
    operated.ask("GET", "/admin/status", &headers, "").expect_status(200);
    operated.service.wait_text("admin request refused method=POST");
    operated.ask("POST", "/admin/shutdown", &[("authorization", &right)], "").expect_status(202);
    let exit = operated.service.wait(PATIENCE);
    exit.expect_code(0);
    assert!(!exit.has(TOKEN), "the token is in what {exit}");
}

#[test]
fn from_a_file_or_a_variable() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("token");
    fs::write(&file, format!("{TOKEN}\n")).expect("written");
    for service in [
        admin().env("ADMIN_TOKEN", TOKEN),
        admin().env("ADMIN_TOKEN_FILE", &file),
        admin().env("GF_TOKEN_FILE", &file),
        // What the program says comes first.
        admin().env("ADMIN_TOKEN", "another-one-of-16").env("GF_TOKEN", TOKEN),
    ] {
        let operated = Operated::start(service);
        operated.get("/admin/status").expect_status(401);
        operated.ask("GET", "/admin/status", &[("authorization", &format!("bearer {TOKEN}"))], "").expect_status(200);
        operated.service.stop().expect_code(0);
    }
}

#[test]
fn what_cannot_be_a_token_is_refused_at_the_start() {
    let folder = TempDir::new().expect("a folder");
    let file = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("written");
        path
    };
    let check = |service: Service, told: &str| {
        let exit = service.spawn().wait(PATIENCE);
        exit.expect_code(1).line(told);
        assert!(!exit.has("listening on"), "{exit}");
        exit
    };
    // A variable that is empty says nothing.
    check(
        admin().env("GF_ADDRESS", "0.0.0.0:0").env("ADMIN_TOKEN", ""),
        "the admin API would be open to the world on ",
    );
    let exit = check(admin().env("ADMIN_TOKEN", "my-short-secret"), "it is shorter than 16 characters");
    assert!(!exit.has("my-short-secret"), "{exit}");
    let exit = check(admin().env("ADMIN_TOKEN", "a secret with spaces"), "visible ASCII");
    assert!(!exit.has("a secret"), "{exit}");
    check(
        admin().env("ADMIN_TOKEN", TOKEN).env("ADMIN_TOKEN_FILE", file("both", TOKEN.as_bytes())),
        "remove one of them",
    );
    check(admin().env("ADMIN_TOKEN_FILE", file("empty", b"")), "it is empty");
    check(admin().env("ADMIN_TOKEN_FILE", file("break", b"\n")), "it is empty");
    check(admin().env("ADMIN_TOKEN_FILE", file("huge", &[b'x'; 1 << 20])), "it is longer than 4096 characters");
    check(admin().env("ADMIN_TOKEN_FILE", "/dev/zero"), "it is longer than 4096 characters");
    check(admin().env("ADMIN_TOKEN_FILE", folder.path().join("none")), "cannot be read from");
    check(admin().env("ADMIN_TOKEN_FILE", folder.path()), "cannot be read from");
    check(admin().env("GF_TOKEN", "short"), "Admin::token cannot be used");
}

#[test]
fn the_world_needs_one() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let exit = admin().env("GF_ADDRESS", address).spawn().wait(PATIENCE);
        exit.expect_code(1);
        exit.line("the admin API would be open to the world on ");
        exit.line("ADMIN_TOKEN_FILE");
        let operated = Operated::start(admin().env("GF_ADDRESS", "0.0.0.0:0").env("ADMIN_TOKEN", TOKEN));
        operated.get("/admin/status").expect_status(401);
        operated.service.stop().expect_code(0);
    }
    // What counts is what was bound, not how it was written.
    for address in ["localhost:0", "127.0.0.2:0"] {
        let operated = Operated::start(admin().env("GF_ADDRESS", address));
        operated.get("/admin/status").expect_status(200);
        operated.service.stop().expect_code(0);
    }
}

#[test]
fn an_inherited_listener_is_looked_at_too() {
    // Descriptor 3, as a supervisor would hand it over.
    const SCRIPT: &str = "
import os, socket, sys
listener = socket.create_server((sys.argv[1], 0))
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.execv(sys.argv[2], sys.argv[2:])
";
    let under = |host: &str| admin().env("GF_ADDRESS", "fd:3").under(["/usr/bin/python3", "-c", SCRIPT, host]);
    under("0.0.0.0").spawn().wait(PATIENCE).expect_code(1).line("open to the world on 0.0.0.0:");
    let operated = Operated::start(under("127.0.0.1"));
    operated.get("/admin/status").expect_status(200);
    operated.service.stop().expect_code(0);
}

#[test]
fn a_unix_socket_needs_none() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("admin.sock");
    let service = admin().env("GF_ADDRESS", format!("unix:{}", path.display())).start();
    let mut http = Http::unix(&path).expect("it listens");
    let mut get = |headers: &str| {
        http.ask(format!("GET /admin/status HTTP/1.1\r\nhost: whatever\r\n{headers}\r\n")).expect("answered")
    };
    get("").expect_status(200);
    expect_problem(&get("origin: http://evil.example\r\n"), 403, "another origin");
    expect_problem(&get("x-forwarded-for: 10.0.0.7\r\n"), 403, "through a proxy");
    service.stop().expect_code(0);
}

#[test]
fn a_browser_cannot_be_turned_against_it() {
    let operated = Operated::start(admin());
    let own = operated.address.to_string();
    let port = operated.address.port();
    let check = |headers: &[(&str, &str)], status: u16| {
        let answer = crate::admin::raw(operated.address, "GET", "/admin/status", headers, "");
        assert_eq!(answer.status, status, "{headers:?}: {answer:?}");
        if status == 403 {
            expect_problem(&answer, 403, "");
            // Nor does it shut down what it must not even look at.
            for method in ["POST", "DELETE"] {
                let answer = crate::admin::raw(operated.address, method, "/admin/shutdown", headers, "");
                expect_problem(&answer, 403, "");
            }
        }
    };
    let (localhost, origin) = (format!("localhost:{port}"), format!("http://{own}"));
    check(&[("host", &own)], 200);
    check(&[("host", &localhost)], 200);
    check(&[("host", "localhost")], 200);
    check(&[("host", "evil.example")], 403);
    check(&[("host", &format!("evil.example:{port}"))], 403);
    check(&[("host", &format!("127.0.0.1.evil.example:{port}"))], 403);
    check(&[("host", &own), ("origin", &origin)], 200);
    check(&[("host", &own), ("origin", &format!("http://{localhost}"))], 403);
    check(&[("host", &own), ("origin", "http://evil.example")], 403);
    check(&[("host", &own), ("origin", "null")], 403);
    check(&[("host", &own), ("sec-fetch-site", "cross-site")], 403);
    check(&[("host", &own), ("sec-fetch-site", "same-site")], 403);
    check(&[("host", &own), ("sec-fetch-site", "same-origin")], 200);
    check(&[("host", &own), ("sec-fetch-site", "none")], 200);
    check(&[("host", &own), ("x-forwarded-for", "10.0.0.7")], 403);
    // A link on another site may lead to the page: there is nothing in it.
    let headers = [("accept", "text/html"), ("sec-fetch-site", "cross-site")];
    let page = ask(operated.address, "GET", "/admin/overview", &headers, "");
    page.expect_status(200);
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    operated.get("/readyz").expect_status(200);
    assert_eq!(operated.status()["phase"], "serving");
    operated.service.stop().expect_code(0);
}
