//! Python's clients: `http.client` and `requests`, with sessions, streams, and a signal in between.

use graceful_tests::{PATIENCE, Running, Service, Signal};

use crate::http::http;

/// Debian's, which knows `python3-requests`.
const PYTHON: &str = "/usr/bin/python3";

/// Runs a script on `base`, the service's address.
fn python(service: &Running, script: &str) -> Service {
    let begin = "import sys, time\nhost, base = sys.argv[1], 'http://' + sys.argv[1]\n";
    let script = format!("{begin}{script}");
    Service::program("python", PYTHON).args(["-c", &script, &service.address().to_string()]).env("no_proxy", "*")
}

#[test]
fn http_client_keeps_its_connection() {
    const SCRIPT: &str = r#"
import http.client, json
connection = http.client.HTTPConnection(host, timeout=60)
connection.connect()
socket = connection.sock
def ask(method, path, body=None, headers={}, **more):
    connection.request(method, path, body, headers, **more)
    answer = connection.getresponse()
    return answer.status, answer.read()
assert ask('GET', '/things/1') == (200, b'GET 1\n')
assert ask('HEAD', '/download?bytes=1000') == (200, b'')
assert ask('GET', '/download?bytes=100000') == (200, b'x' * 100000)
assert ask('GET', '/stream?chunks=5&bytes=100') == (200, b'x' * 500)
assert ask('POST', '/echo', b'body') == (200, b'body')
assert ask('POST', '/sum', json.dumps([1, 2, 3])) == (200, b'6')
assert ask('POST', '/echo', iter([b'in ', b'', b'chunks']), encode_chunked=True) == (200, b'in chunks')
assert ask('POST', '/nothing', b'x' * 5000)[0] == 404
assert ask('DELETE', '/things/2') == (200, b'DELETE 2\n')
assert ask('GET', '/panic')[0] == 500
assert connection.sock is socket, 'one connection for all of it'
connection.close()
try:
    answer = connection.request('GET', '/broken')
    connection.getresponse().read()
    assert False, 'it cannot be complete'
except http.client.IncompleteRead:
    pass
connection.close()
connection.request('POST', '/echo', b'y' * 20000000)
assert connection.getresponse().status == 413
print('well')
"#;
    let service = http().start();
    let exit = python(&service, SCRIPT).spawn().wait(PATIENCE);
    exit.expect_code(0).line("well");
    service.stop().expect_code(0);
}

#[test]
fn requests_with_a_session() {
    const SCRIPT: &str = r#"
import requests
session = requests.Session()
session.trust_env = False
for nth in range(20):
    assert session.get(f'{base}/things/{nth}').text == f'GET {nth}\n'
assert session.get(base + '/greeting').json() == ['good day']
assert session.post(base + '/sum', json=[4, 5]).json() == 9
assert session.post(base + '/count', data=(b'piece' for _ in range(1000))).text == '5000\n'
assert session.get(base + '/status/303').text == 'hello\n'
with session.get(base + '/stream?chunks=10&bytes=1000&ms=10', stream=True) as answer:
    assert sum(len(piece) for piece in answer.iter_content(100)) == 10000
assert session.options(base + '/things/1').headers['allow']
files = {'file': ('name', b'z' * 100000)}
assert int(session.post(base + '/count', files=files).text) > 100000
print('well')
"#;
    let service = http().start();
    let exit = python(&service, SCRIPT).spawn().wait(PATIENCE);
    exit.expect_code(0).line("well");
    // 27 requests and a redirect that was followed.
    service.stop().expect_code(0).expect_served(1).expect_answered(28);
}

#[test]
fn requests_around_the_signal() {
    const SCRIPT: &str = r#"
import requests, threading
session = requests.Session()
session.trust_env = False
assert session.get(base + '/').text == 'hello\n'
slow = threading.Thread(target=lambda: print('slow:', requests.get(base + '/told?ms=800').text.strip(), flush=True))
slow.start()
answered = 0
try:
    while True:
        answer = session.get(base + '/')
        assert answer.text == 'hello\n', answer
        answered += 1
        if answered == 50:
            print('under way', flush=True)
except requests.exceptions.ConnectionError as error:
    # Refused is the only way in which it may fail.
    assert 'Connection refused' in str(error), error
slow.join()
print('answered', answered + 2)
"#;
    let service = http().start();
    let client = python(&service, SCRIPT).spawn();
    client.wait_text("under way");
    service.wait_text("working");
    service.signal(Signal::SIGTERM);
    let seen = client.wait(PATIENCE);
    seen.expect_code(0).line("slow: done");
    let answered = seen.line("answered ")["answered ".len()..].parse().expect("a number");
    service.wait(PATIENCE).expect_code(0).expect_answered(answered);
}
