//! curl: keep-alive, HTTP/1.0, uploads of every kind.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use graceful_tests::{PATIENCE, Running};

use crate::http::{http, text};

/// Runs curl with these arguments and something on its stdin; what it prints.
#[track_caller]
fn curl(service: &Running, args: &str, stdin: &str) -> String {
    let base = format!("http://{}", service.address());
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "60", "--noproxy", "*"]);
    command.args(args.split(' ').map(|word| word.replace("BASE", &base)));
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut input = child.stdin.take().expect("a pipe");
    let text = stdin.to_owned();
    let writing = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    // It need not read everything.
    let _ = writing.join().expect("no panic");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "curl {args}: {} {error}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn one_connection_for_several_requests() {
    let service = http().start();
    let said = curl(
        &service,
        "--write-out %{num_connects};%{http_version}; BASE/things/1 BASE/things/2 BASE/stream?chunks=2&bytes=3",
        "",
    );
    assert_eq!(said, "GET 1\n1;1.1;GET 2\n0;1.1;xxxxxx0;1.1;");
    service.stop().expect_code(0).expect_served(1).expect_answered(3);
}

#[test]
fn methods_versions_and_redirects() {
    let service = http().start();
    assert_eq!(curl(&service, "--http1.0 --write-out %{http_code} BASE/things/1", ""), "GET 1\n200");
    assert_eq!(curl(&service, "--http1.0 BASE/stream?chunks=3&bytes=1", ""), "xxx");
    let head = curl(&service, "--head BASE/download?bytes=12345", "");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("content-length: 12345\r\n"), "{head}");
    assert_eq!(curl(&service, "-X DELETE BASE/things/9", ""), "DELETE 9\n");
    assert_eq!(curl(&service, "--location --write-out %{num_redirects} BASE/status/303", ""), "hello\n1");
    let events = curl(&service, "--write-out %{http_code} BASE/panic", "");
    assert!(events.ends_with("500"), "{events}");
    service.stop().expect_code(0);
}

#[test]
fn uploads() {
    let service = http().start();
    let body = text(3_000_000);
    // It waits for 100 Continue by itself; were it not to come, it would go on after a minute.
    let began = Instant::now();
    let write_out = "--write-out %{http_code}";
    let said = curl(
        &service,
        &format!("{write_out} --expect100-timeout 59 -H Expect:100-continue --data-binary @- BASE/count"),
        &body,
    );
    assert_eq!(said, "3000000\n200");
    // Of unknown length, so in chunks; curl asks before those, too.
    let said = curl(&service, "-X POST --expect100-timeout 59 -H Expect:100-continue -T - BASE/count", &body);
    assert_eq!(said, "3000000\n");
    assert_eq!(curl(&service, "-X POST -H Expect: -T - BASE/echo", &body[..1000]), &body[..1000]);
    assert!(began.elapsed() < Duration::from_secs(30), "an invitation did not come: {:?}", began.elapsed());
    // The refused case: the limit is two megabytes, and the body is never sent.
    let said = curl(
        &service,
        "--write-out %{http_code};%{size_upload} --output /dev/null --expect100-timeout 59 -H Expect:100-continue --data-binary @- BASE/echo",
        &body,
    );
    assert_eq!(said, "413;0");
    // Without asking, it sends as much as it gets rid of, and still sees the answer.
    let said =
        curl(&service, "--write-out %{http_code} --output /dev/null -H Expect: --data-binary @- BASE/echo", &body);
    assert_eq!(said, "413");
    let said = curl(&service, "-H Expect: --data-binary @- BASE/ignore", &body[..50_000]);
    assert_eq!(said, "ignored\n");
    service.stop().expect_code(0);
}

#[test]
fn a_download_under_way_at_the_signal_is_complete() {
    let service = http().start();
    let url = format!("http://{}/stream?chunks=20&bytes=1000&ms=50", service.address());
    let child = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "60", "--noproxy", "*", &url])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    while service.lines().is_empty() || !connected(&service) {
        std::thread::sleep(Duration::from_millis(5));
    }
    service.signal(graceful_tests::Signal::SIGTERM);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success() && output.stdout == [b'x'; 20_000], "{} bytes", output.stdout.len());
    service.wait(PATIENCE).expect_code(0).expect_served(1).expect_answered(1);
}

/// Whether somebody is connected, as the kernel tells.
fn connected(service: &Running) -> bool {
    let place = format!(":{:04X}", service.address().port());
    let sockets = std::fs::read_to_string("/proc/net/tcp").expect("a list of sockets");
    let mut lines = sockets.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines.any(|words| words.len() > 3 && words[1].ends_with(&place) && words[3] == "01")
}
