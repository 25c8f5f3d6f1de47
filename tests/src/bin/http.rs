//! An HTTP server with a route for everything that can happen to one. It serves on `ADDR` (default `127.0.0.1:0`) and on each
//! address of `GF_MORE` (with commas between them; `unix:/path` too), and prints `also on …` for those.
//!
//! | route | what it does |
//! |---|---|
//! | `GET /` | answers `hello` |
//! | `/echo` (any method) | reads the whole body, and answers with it |
//! | `POST /reflect` | answers with the body while it arrives |
//! | `POST /count?ms=N&wait=N` | says `began` and `got N` on stdout, sleeping so long before it reads (`wait`) and after each read (`ms`); answers how much there was |
//! | `POST /first?bytes=N` | answers with so many bytes of the body, and leaves the rest |
//! | `POST /ignore` | answers without the body |
//! | `POST /sum` | takes a JSON list of numbers; answers its sum |
//! | `GET /work?ms=N` | sleeps before it answers |
//! | `GET /surprise?ms=N` | another such route |
//! | `GET /told?ms=N` | says `working` on stdout, and sleeps |
//! | `GET /stuck` | says `stuck` on stdout and never answers |
//! | `GET /panic`, `/panic/late`, `/error`, `/broken` | panics, panics in the body, fails, fails in the body |
//! | `GET /events` | sends an event every 20 ms until the service stops, `bye` at last |
//! | `GET /poll` | answers `come back later` once the service stops |
//! | `GET /stream?chunks=N&bytes=N&ms=N` | so many chunks of that size, with a rest before each |
//! | `GET /download?bytes=N` | so many bytes |
//! | `GET /file` | the file `GF_FILE` |
//! | `GET /head` | the request's head as the handler sees it |
//! | `GET /header?value=V` | a response with this header, and others |
//! | `GET /status/{code}` | that status |
//! | `GET /ready` | whether the service wants traffic |
//! | `GET /greeting`, `/inner/greeting` | what `main` provided; what the inner router has |
//! | `/things/{id}` (`GET`, `PUT`, `DELETE`) | method and parameter |
//! | `GET /files/{*path}`, `/numbers/{n}` | the parameter |
//! | `GET /admin/secret` | behind middleware that wants the header `authorization` |
//!
//! `GF_MISSING` adds a route that asks for a value which nobody provides. `GF_MAX_BODY`, `GF_MAX_REQUEST_LINE`,
//! `GF_MAX_HEADERS`, `GF_MAX_HEAD`, `GF_MAX_CONNECTIONS`, `GF_MAX_PER_PEER`, `GF_MAX_REQUESTS`, the timeouts `GF_HEAD_TIMEOUT`,
//! `GF_BODY_TIMEOUT`, `GF_WRITE_TIMEOUT`, `GF_KEEP_ALIVE` (in milliseconds) and `GF_READ_ONLY` are the server's settings.
#![forbid(unsafe_code)]

use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use graceful::http::{
    Body, Error, Event, HeaderValue, IntoResponse, Json, Next, Request, Response, Router, Server, StatusCode, file, sse,
};
use graceful::{App, BoxError};
use graceful_tests::fixture::{say, setting};

/// Provided by `main`.
struct Greeting(&'static str);

/// Of the inner router only.
struct Inner(u32);

/// Provided by nobody.
struct Missing;

#[graceful::main(timeout = "30s", drain = "20s", flush = "1s")]
fn main(app: &App) -> Result<(), BoxError> {
    app.provide(Greeting("good day"));
    let address = std::env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:0".to_owned());
    let address = app.http(address, server()?)?;
    for more in setting("more").iter().flat_map(|list| list.split(',')) {
        let also = app.http(more, server()?)?;
        say(&format!("also on {also}"));
    }
    say(&format!("listening on http://{address}"));
    Ok(())
}

fn server() -> Result<Server, BoxError> {
    let mut server = Server::new(routes());
    if let Some(bytes) = number("max_body")? {
        server = server.max_body(bytes);
    }
    if let Some(bytes) = number("max_request_line")? {
        server = server.max_request_line(bytes);
    }
    if let Some(headers) = number("max_headers")? {
        server = server.max_headers(headers);
    }
    if let Some(bytes) = number("max_head")? {
        server = server.max_head(bytes);
    }
    if let Some(connections) = number("max_connections")? {
        server = server.max_connections(connections);
    }
    if let Some(connections) = number("max_per_peer")? {
        server = server.max_connections_per_peer(connections);
    }
    if let Some(requests) = number("max_requests")? {
        server = server.max_requests_per_connection(requests);
    }
    if let Some(millis) = number("head_timeout")? {
        server = server.head_timeout(Duration::from_millis(millis));
    }
    if let Some(millis) = number("body_timeout")? {
        server = server.body_timeout(Duration::from_millis(millis));
    }
    if let Some(millis) = number("write_timeout")? {
        server = server.write_timeout(Duration::from_millis(millis));
    }
    if let Some(millis) = number("keep_alive")? {
        server = server.keep_alive(Duration::from_millis(millis));
    }
    Ok(if setting("read_only").is_some() { server.read_only_while_stopping() } else { server })
}

fn number<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(name: &str) -> Result<Option<T>, BoxError> {
    setting(name).map(|text| text.parse()).transpose().map_err(BoxError::from)
}

fn routes() -> Router {
    let admin = Router::new().get("/secret", || "the secret\n").with(|request: Request, next: Next<'_>| match request
        .header("authorization")
    {
        Some(_) => Ok(next.run(request)),
        None => Err(StatusCode::UNAUTHORIZED),
    });
    let inner =
        Router::new().get("/greeting", |greeting: &Greeting, inner: &Inner| format!("{} {}\n", greeting.0, inner.0));
    let thing = |request: Request| format!("{} {}\n", request.method(), request.param("id").unwrap_or("?"));
    let routes = Router::new()
        .get("/", || "hello\n")
        .any("/echo", echo)
        .post("/reflect", |request: Request| request.into_body())
        .post("/count", count)
        .post("/first", first)
        .post("/ignore", || "ignored\n")
        .post("/sum", sum)
        .get("/work", work)
        .get("/surprise", work)
        .get("/told", told)
        .get("/stuck", stuck)
        .get("/panic", || -> &'static str { panic!("as asked") })
        .get("/panic/late", panic_late)
        .get("/error", || -> io::Result<()> { Err(io::Error::other("the disk is full")) })
        .get("/broken", || Body::reader(io::repeat(b'x').take(100).chain(Broken)))
        .get("/events", events)
        .get("/poll", poll)
        .get("/stream", stream)
        .get("/download", download)
        .get("/file", |request: Request| file(setting("file").unwrap_or_default()).if_modified(&request))
        .get("/head", head)
        .get("/header", header)
        .get("/status/{code}", status)
        .get("/ready", ready)
        .get("/greeting", |greeting: &Greeting| Json([greeting.0]))
        .get("/things/{id}", thing)
        .put("/things/{id}", thing)
        .delete("/things/{id}", thing)
        .get("/files/{*path}", |request: Request| format!("{:?}\n", request.param("path")))
        .get("/numbers/{n}", |request: Request| Ok::<_, Error>(format!("{}\n", request.parse_param::<i64>("n")?)))
        .nest("/admin", admin)
        .nest("/inner", inner.state(Inner(7)))
        .with(name_the_route);
    if setting("missing").is_some() { routes.get("/missing", |_: &Missing| "never\n") } else { routes }
}

fn name_the_route(request: Request, next: Next<'_>) -> Response {
    let route = request.route().unwrap_or("none");
    let mut response = next.run(request);
    response.headers_mut().insert("x-route", HeaderValue::from_static(route));
    response
}

fn echo(mut request: Request) -> Result<Vec<u8>, Error> {
    Ok(request.body().read_to_bytes()?.to_vec())
}

fn count(mut request: Request) -> Result<String, Error> {
    say("began");
    thread::sleep(millis(&request, "wait")?);
    let rest = millis(&request, "ms")?;
    request.body().set_limit(u64::MAX);
    let (mut bytes, mut buffer) = (0, vec![0; 64 * 1024]);
    loop {
        let read = request.body().read(&mut buffer)?;
        if read == 0 {
            return Ok(format!("{bytes}\n"));
        }
        bytes += read as u64;
        say(&format!("got {bytes}"));
        thread::sleep(rest);
    }
}

fn first(mut request: Request) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0; query(&request, "bytes")?];
    request.body().read_exact(&mut bytes)?;
    Ok(bytes)
}

fn sum(mut request: Request) -> Result<Json<i64>, Error> {
    let numbers: Vec<i64> = request.body().json()?;
    Ok(Json(numbers.iter().sum()))
}

fn work(request: Request) -> Result<&'static str, Error> {
    thread::sleep(millis(&request, "ms")?);
    Ok("done\n")
}

fn told(request: Request) -> Result<&'static str, Error> {
    say("working");
    work(request)
}

fn stuck() -> &'static str {
    say("stuck");
    loop {
        thread::park();
    }
}

fn panic_late() -> Body {
    Body::writer(|out| {
        out.write_all(b"so far so good\n")?;
        out.flush()?;
        panic!("in the body")
    })
}

fn events() -> Response {
    sse(|events| {
        let stop = events.stop();
        for tick in 0_u64.. {
            events.send(&Event::new().data(tick.to_string()))?;
            if stop.sleep(Duration::from_millis(20)).is_err() {
                break;
            }
        }
        events.send(&Event::new().data("bye"))
    })
}

fn poll(request: Request) -> &'static str {
    say("polled");
    match request.stop().sleep(Duration::from_secs(3600)) {
        Ok(()) => "nothing new\n",
        Err(_) => "come back later\n",
    }
}

fn stream(request: Request) -> Result<Body, Error> {
    let (chunks, bytes): (u64, usize) = (query(&request, "chunks")?, query(&request, "bytes")?);
    let rest = millis(&request, "ms")?;
    Ok(Body::writer(move |out| {
        for _ in 0..chunks {
            thread::sleep(rest);
            out.write_all(&vec![b'x'; bytes])?;
            out.flush()?;
        }
        Ok(())
    }))
}

fn download(request: Request) -> Result<Body, Error> {
    Ok(Body::sized_reader(io::repeat(b'x'), query(&request, "bytes")?))
}

fn head(request: Request) -> String {
    let mut text = format!("{} {} {:?}\n", request.method(), request.uri(), request.version());
    for (name, value) in request.headers() {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{name}: {}", value.as_bytes().escape_ascii());
    }
    text
}

fn header(request: Request) -> Result<Response, Error> {
    let value = request.query_param("value").unwrap_or_default().into_owned();
    let mut response = ([("x-value", value)], "with headers\n").into_response();
    for cookie in ["a=1", "b=2"] {
        response.headers_mut().append("set-cookie", HeaderValue::from_static(cookie));
    }
    // What is the server's to say is not believed.
    response.headers_mut().insert("content-length", HeaderValue::from_static("3"));
    response.headers_mut().insert("transfer-encoding", HeaderValue::from_static("gzip"));
    Ok(response)
}

fn status(request: Request) -> Result<Response, Error> {
    let code: u16 = request.parse_param("code")?;
    let mut response = StatusCode::from_u16(code)?.into_response();
    if response.status().is_redirection() {
        response.headers_mut().insert("location", HeaderValue::from_static("/"));
    }
    Ok(response)
}

fn ready(request: Request) -> Result<&'static str, StatusCode> {
    if request.stop().is_requested() { Err(StatusCode::SERVICE_UNAVAILABLE) } else { Ok("ready\n") }
}

fn query<T: FromStr>(request: &Request, name: &str) -> Result<T, Error> {
    let text = request.query_param(name).unwrap_or_default();
    text.parse().map_err(|_| Error::status(StatusCode::BAD_REQUEST, format!("{name} is a number")))
}

fn millis(request: &Request, name: &str) -> Result<Duration, Error> {
    if request.query_param(name).is_none() {
        return Ok(Duration::ZERO);
    }
    query(request, name).map(Duration::from_millis)
}

/// Nobody can read it.
struct Broken;

impl io::Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk is gone"))
    }
}
