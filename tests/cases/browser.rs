//! A real browser: Chromium without a window, driven over its DevTools protocol.

use std::collections::VecDeque;
use std::net::{SocketAddr, TcpStream};

use graceful_tests::{PATIENCE, Running, Service};
use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

/// Runs in the page before its own scripts: tells of everything that happens to its WebSockets, in order.
const RECORDER: &str = "
    const Plain = WebSocket;
    WebSocket = class extends Plain {
        constructor(...parameters) {
            super(...parameters);
            const tell = event => seen(JSON.stringify(event));
            this.addEventListener('open', () => tell({type: 'open'}));
            this.addEventListener('message', ({data}) => tell({type: 'message', data}));
            this.addEventListener('close', ({code, reason, wasClean}) => tell({type: 'close', code, reason, wasClean}));
        }
    };";

/// A page in a browser of its own.
pub(crate) struct Page {
    browser: Running,
    devtools: WebSocket<TcpStream>,
    session: Option<String>,
    commands: u64,
    /// What happened to its WebSockets and was not looked at yet.
    seen: VecDeque<Value>,
    _profile: TempDir,
}

impl Page {
    /// Starts a browser and opens the page.
    #[track_caller]
    pub(crate) fn open(url: &str) -> Self {
        let profile = TempDir::new().expect("a temporary directory");
        let browser = Service::program("chromium", "chromium")
            // Without a sandbox, since tests run as root and in containers; and with nothing that goes out to the world.
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
            .args(["--no-proxy-server", "--disable-background-networking", "--disable-component-update"])
            .args(["--disable-crash-reporter", "--remote-debugging-port=0"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .env("HOME", profile.path())
            .spawn();
        let devtools = connect(&browser);
        let mut page = Self { browser, devtools, session: None, commands: 0, seen: VecDeque::new(), _profile: profile };
        let target = page.command("Target.createTarget", json!({"url": "about:blank"}))["targetId"].take();
        let session = page.command("Target.attachToTarget", json!({"targetId": target, "flatten": true}));
        page.session = session["sessionId"].as_str().map(str::to_owned);
        page.command("Runtime.enable", json!({}));
        page.command("Runtime.addBinding", json!({"name": "seen"}));
        page.command("Page.enable", json!({}));
        page.command("Page.addScriptToEvaluateOnNewDocument", json!({"source": RECORDER}));
        page.command("Page.navigate", json!({"url": url}));
        page
    }

    /// The next thing that happens to a WebSocket of the page: `{"type":"open"}`, `{"type":"message","data":…}` or
    /// `{"type":"close","code":…,"reason":…,"wasClean":…}`.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Value {
        while self.seen.is_empty() {
            self.read();
        }
        self.seen.pop_front().expect("it is not empty")
    }

    /// Waits for such a thing, and skips what comes before.
    #[track_caller]
    pub(crate) fn wait(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let event = self.next();
            if wanted(&event) {
                return event;
            }
        }
    }

    /// What an expression is in the page.
    #[track_caller]
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "returnByValue": true, "userGesture": true});
        let mut answer = self.command("Runtime.evaluate", parameters);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].take()
    }

    /// Closes the browser.
    #[track_caller]
    pub(crate) fn close(mut self) {
        self.session = None;
        self.command("Browser.close", json!({}));
        self.browser.wait(PATIENCE).expect_code(0);
    }

    #[track_caller]
    fn command(&mut self, method: &str, parameters: Value) -> Value {
        self.commands += 1;
        let mut command = json!({"id": self.commands, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            command["sessionId"] = session.as_str().into();
        }
        self.devtools.send(command.to_string().into()).expect("the browser listens");
        loop {
            let mut message = self.read();
            if message["id"] == self.commands {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].take();
            }
        }
    }

    /// Reads one message of the browser. An error that no script of the page has caught is one of the test.
    #[track_caller]
    fn read(&mut self) -> Value {
        let message = match self.devtools.read() {
            Ok(Message::Text(text)) => serde_json::from_str::<Value>(&text).expect("JSON"),
            Ok(_) => return Value::Null,
            Err(error) => panic!("the browser says nothing any more: {error}; {}", self.browser),
        };
        match message["method"].as_str() {
            Some("Runtime.bindingCalled") => {
                let payload = message["params"]["payload"].as_str().unwrap_or_default();
                self.seen.push_back(serde_json::from_str(payload).expect("JSON"));
            }
            Some("Runtime.exceptionThrown") => panic!("an error in the page: {message}"),
            _ => {}
        }
        message
    }
}

fn connect(browser: &Running) -> WebSocket<TcpStream> {
    const BEGINNING: &str = "DevTools listening on ";
    let line = browser.wait_text(BEGINNING);
    let url = line.text()[BEGINNING.len()..].trim();
    let address = url.trim_start_matches("ws://").split('/').next().unwrap_or_default();
    let address: SocketAddr = address.parse().unwrap_or_else(|error| panic!("{url}: {error}"));
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    tungstenite::client(url, stream).expect("upgraded").0
}
