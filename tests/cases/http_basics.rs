//! Requests and answers: methods, versions, routes, headers, values by type.

use std::collections::BTreeSet;

use graceful_tests::{Answer, PATIENCE, get, post};

use crate::http::{connect, http};

fn request(method: &str, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: test\r\n\r\n")
}

fn allowed(answer: &Answer) -> BTreeSet<String> {
    let allow = answer.header("allow").expect("the methods are named");
    allow.split(',').map(|method| method.trim().to_owned()).collect()
}

#[test]
fn methods_and_paths() {
    let service = http().start();
    let mut client = connect(&service);
    for method in ["GET", "PUT", "DELETE"] {
        let answer = client.ask(request(method, "/things/7")).expect("answered");
        answer.expect(200, format!("{method} 7\n"));
    }
    let expected: BTreeSet<String> =
        ["DELETE", "GET", "HEAD", "OPTIONS", "PUT"].into_iter().map(str::to_owned).collect();
    for method in ["POST", "PATCH", "BREW"] {
        let answer = client.ask(request(method, "/things/7")).expect("answered");
        assert_eq!(allowed(answer.expect_status(405)), expected, "{method}");
    }
    let answer = client.ask(request("OPTIONS", "/things/7")).expect("answered");
    assert_eq!(allowed(answer.expect(204, "")), expected);
    client.ask(request("OPTIONS", "*")).expect("answered").expect(204, "");
    client.ask(request("BREW", "/echo")).expect("answered").expect(200, "");
    for path in ["/nothing", "/things", "/things/", "/things/7/parts", "//", "/hello/../"] {
        client.get(path).expect_status(404);
    }
    // All on one connection.
    drop(client);
    service.stop().expect_code(0).expect_served(1);
}

#[test]
fn head_is_get_without_its_body() {
    let service = http().start();
    let mut client = connect(&service);
    for path in ["/", "/download?bytes=100000", "/stream?chunks=3&bytes=10", "/nothing", "/events"] {
        client.send(request("HEAD", path)).expect("it reads");
        let head = client.head().expect("answered");
        if path == "/events" {
            continue;
        }
        let whole = client.get(path);
        assert_eq!(head.status, whole.status, "{path}");
        let framing = |answer: &Answer| {
            ["content-length", "transfer-encoding", "content-type"].map(|name| answer.header(name).map(str::to_owned))
        };
        assert_eq!(framing(&head), framing(&whole), "{path}");
    }
    // What was announced did not come: the next answer follows right behind.
    client.get("/").expect(200, "hello\n");
}

#[test]
fn connections_are_kept_by_version_and_wish() {
    let service = http().start();
    let ask = |request: &str| {
        let mut client = connect(&service);
        let answer = client.ask(request).expect("answered");
        (answer, client)
    };
    for (request, stays) in [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", true),
        ("GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n", true),
        ("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false),
        ("GET / HTTP/1.1\r\nHost: x\r\nConnection: te, CLOSE\r\n\r\n", false),
        ("GET / HTTP/1.0\r\n\r\n", false),
        ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true),
        ("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false),
    ] {
        let (answer, mut client) = ask(request);
        answer.expect(200, "hello\n");
        assert_eq!(answer.version, "HTTP/1.1");
        if stays {
            assert!(!answer.closes(), "{request:?}: {answer:?}");
            // An HTTP/1.0 client has to be told.
            let told = answer.header("connection") == Some("keep-alive");
            assert_eq!(told, request.contains("HTTP/1.0"), "{request:?}: {answer:?}");
            client.get("/").expect(200, "hello\n");
        } else {
            assert!(answer.closes(), "{request:?}: {answer:?}");
            client.expect_end();
        }
    }
    // A body of unknown length ends with the connection for a client that does not know chunks.
    let (answer, _) = ask("GET /stream?chunks=3&bytes=10 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    answer.expect(200, "x".repeat(30));
    assert!(answer.closes() && answer.header("transfer-encoding").is_none(), "{answer:?}");
}

#[test]
fn every_answer_has_a_date_and_its_route() {
    let service = http().start();
    let mut client = connect(&service);
    for (path, route) in
        [("/", "/"), ("/things/1", "/things/{id}"), ("/nothing", "none"), ("/inner/greeting", "/inner/greeting")]
    {
        let answer = client.get(path);
        let date = answer.header("date").expect("a date");
        assert!(date.len() == 29 && date.ends_with(" GMT") && &date[3..5] == ", ", "{answer:?}");
        // By middleware, around everything.
        assert_eq!(answer.header("x-route"), Some(route), "{answer:?}");
    }
}

#[test]
fn parameters_are_decoded_and_checked() {
    let service = http().start();
    let mut client = connect(&service);
    client.get("/files/a/b%20c").expect(200, "Some(\"a/b c\")\n");
    client.get("/files/%2e%2e/x").expect(200, "Some(\"../x\")\n");
    client.get("/numbers/-12").expect(200, "-12\n");
    client.get("/numbers/12a").expect_status(400);
    for broken in ["/files/%", "/files/%4", "/files/%ff", "/things/%zz"] {
        client.get(broken).expect_status(400);
    }
    let answer = client.get("/head?a=b%20c");
    assert!(answer.text().starts_with("GET /head?a=b%20c HTTP/1.1\nhost: test\n"), "{answer:?}");
}

#[test]
fn json_and_headers() {
    let service = http().start();
    let mut client = connect(&service);
    let answer = client.ask(post("/sum", "[1, 2, 3]")).expect("answered");
    assert_eq!(answer.expect(200, "6").header("content-type"), Some("application/json"));
    client.ask(post("/sum", "[1, 2")).expect("answered").expect_status(400);
    client.ask(post("/sum", "{}")).expect("answered").expect_status(400);

    let answer = client.get("/header?value=one");
    assert_eq!(answer.expect(200, "with headers\n").header("x-value"), Some("one"));
    let cookies: Vec<&str> =
        answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.as_str()).collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    // Nobody gets a header in between.
    for value in ["a%0d%0aset-cookie:%20evil", "a%0ab", "a%0db", "a%00b"] {
        let answer = client.get(&format!("/header?value={value}"));
        answer.expect_status(500);
        assert_eq!(answer.header("x-value"), None, "{answer:?}");
    }
    for code in [204, 304] {
        let answer = client.get(&format!("/status/{code}"));
        assert_eq!(answer.expect(code, "").header("content-length"), None);
    }
    let answer = client.get("/status/303");
    assert_eq!((answer.expect(303, "").header("location"), answer.header("content-length")), (Some("/"), Some("0")));
    // A handler cannot send an interim answer, nor one that is none.
    client.get("/status/101").expect_status(500);
    client.get("/admin/secret").expect_status(401);
    let request = "GET /admin/secret HTTP/1.1\r\nHost: test\r\nAuthorization: me\r\n\r\n";
    client.ask(request).expect("answered").expect(200, "the secret\n");
}

#[test]
fn values_by_type() {
    let service = http().start();
    let mut client = connect(&service);
    client.get("/greeting").expect(200, "[\"good day\"]");
    client.get("/inner/greeting").expect(200, "good day 7\n");
    drop(client);
    service.stop().expect_code(0);
}

#[test]
fn a_value_that_nobody_provides_refuses_the_start() {
    let exit = http().env("GF_MISSING", "yes").spawn().wait(PATIENCE);
    exit.expect_code(1);
    let line = exit.line("::Missing");
    assert!(line.contains("app.provide"), "it says what to do: {exit}");
    assert!(!exit.has("listening on"), "{exit}");
}

#[test]
fn files() {
    let directory = tempfile::TempDir::new().expect("a temporary directory");
    let path = directory.path().join("page.html");
    std::fs::write(&path, "<p>hello</p>\n").expect("it can be written");
    let service = http().env("GF_FILE", &path).start();
    let mut client = connect(&service);
    let answer = client.get("/file");
    answer.expect(200, "<p>hello</p>\n");
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{answer:?}");
    let modified = answer.header("last-modified").expect("when it was changed");
    let again = format!("GET /file HTTP/1.1\r\nHost: test\r\nIf-Modified-Since: {modified}\r\n\r\n");
    client.ask(again).expect("answered").expect(304, "");
    std::fs::remove_file(&path).expect("it is there");
    client.get("/file").expect_status(404);
}

#[test]
fn several_listeners() {
    let service = http().env("GF_MORE", "127.0.0.1:0,127.0.0.1:0").start();
    let mut first = connect(&service);
    let mut second = graceful_tests::Http::connect(service.address_after("also on ")).expect("it listens");
    for client in [&mut first, &mut second] {
        client.get("/").expect(200, "hello\n");
    }
    let exit = service.stop();
    for client in [&mut first, &mut second] {
        client.expect_end();
    }
    exit.expect_code(0).expect_served(2).expect_answered(2);
}

#[test]
fn bytes_that_come_one_by_one_are_a_request_too() {
    let service = http().start();
    let mut client = connect(&service);
    let requests = [get("/"), post("/sum", "[4, 5]"), post("/echo", "body")];
    for byte in requests.concat().as_bytes() {
        client.send([*byte]).expect("it reads");
    }
    for body in ["hello\n", "9", "body"] {
        client.answer().expect("answered").expect(200, body);
    }
    // Empty lines before a request are not one.
    client.ask(format!("\r\n\r\n{}", get("/"))).expect("answered").expect(200, "hello\n");
}
