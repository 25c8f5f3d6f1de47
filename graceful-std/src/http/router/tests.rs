//! Tests of routers as a whole: what is written, and what answers.

use std::any::{Any, TypeId};
use std::sync::Arc;

use ::http::StatusCode;

use super::*;
use crate::http::testing::{call, sent};
use crate::http::{Body, IntoResponse, Json, Next, Request, Response};

fn nothing(_: TypeId) -> Option<Arc<dyn Any + Send + Sync>> {
    None
}

fn compiled(router: Router) -> Routes {
    router.compile(&nothing).expect("a good router")
}

fn refused(router: Router) -> String {
    router.compile(&nothing).expect_err("a bad router").to_string()
}

/// Status and body.
fn answer(routes: &Routes, method: &str, target: &str) -> (u16, String) {
    let response = call(routes, method, target);
    (response.status().as_u16(), sent(response.into_body()))
}

/// Which route answers, and with which parameters.
fn say(request: Request) -> String {
    let params: Vec<String> = request.params().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{} {}", request.route().unwrap_or("none"), params.join(","))
}

#[test]
fn the_most_special_pattern_answers() {
    let patterns = [
        "/",
        "/{*rest}",
        "/orders",
        "/orders/",
        "/orders/new",
        "/orders/{id}",
        "/orders/{id}/lines/{line}",
        "/images/img-{id}.png",
        "/{{x}}",
    ];
    for reversed in [false, true] {
        let mut patterns = patterns;
        if reversed {
            patterns.reverse();
        }
        let routes = compiled(patterns.into_iter().fold(Router::new(), |router, pattern| router.get(pattern, say)));
        let check =
            |target: &str, said: &str| assert_eq!(answer(&routes, "GET", target), (200, said.into()), "{target}");
        check("/", "/ ");
        check("/orders", "/orders ");
        check("/orders/", "/orders/ ");
        check("/orders/new", "/orders/new ");
        check("/orders/7?x=1", "/orders/{id} id=7");
        check("/orders/new2", "/orders/{id} id=new2");
        check("/orders/7/lines/8", "/orders/{id}/lines/{line} id=7,line=8");
        check("/orders/7/lines", "/{*rest} rest=orders/7/lines");
        check("/images/img-7.png", "/images/img-{id}.png id=7");
        check("/images/img-7.gif", "/{*rest} rest=images/img-7.gif");
        check("//", "/{*rest} rest=/");
        check("/a/../b", "/{*rest} rest=a/../b");
        check("/orders/a%2Fb%20c", "/orders/{id} id=a/b c");
    }
}

#[test]
fn parameters_have_the_names_of_their_own_route() {
    let routes = compiled(Router::new().get("/{id}", say).post("/{name}", say).get("/{other}/x", say));
    assert_eq!(answer(&routes, "GET", "/7").1, "/{id} id=7");
    assert_eq!(answer(&routes, "POST", "/7").1, "/{name} name=7");
    assert_eq!(answer(&routes, "GET", "/7/x").1, "/{other}/x other=7");
}

#[test]
fn a_broken_escape_is_a_bad_request() {
    let routes = compiled(Router::new().get("/a/{id}", say).fallback(say));
    for target in ["/a/%", "/a/%4", "/a/%zz", "/a/%ff"] {
        assert_eq!(answer(&routes, "GET", target).0, 400, "{target}");
    }
    assert_eq!(answer(&routes, "GET", "/%ff").0, 200, "no parameter, nothing to decode");
}

#[test]
fn parameters_are_parsed() {
    fn parse(request: Request) -> Result<String, crate::http::Error> {
        request.parse_param::<u8>("id").map(|id| id.to_string())
    }
    let routes = compiled(Router::new().get("/{id}", parse));
    assert_eq!(answer(&routes, "GET", "/%37"), (200, "7".into()));
    assert_eq!(answer(&routes, "GET", "/256"), (400, "the path's id is not valid\n".into()));
}

#[test]
fn methods_have_their_handlers() {
    let routes = compiled(
        Router::new()
            .get("/a", || "get")
            .post("/a", || "post")
            .route(Method::from_bytes(b"PURGE").expect("a token"), "/a", || "purge")
            .get("/head", || "get")
            .head("/head", || "head")
            .options("/head", || "options")
            .delete("/c", || "delete")
            .put("/c", || "put")
            .patch("/c", || "patch")
            .any("/any", || "any")
            .put("/any", || "put"),
    );
    let check = |method: &str, path: &str, status: u16, body: &str, allow: Option<&str>| {
        let response = call(&routes, method, path);
        let found = response.headers().get("allow").map(|value| value.to_str().expect("visible").to_owned());
        assert_eq!((response.status().as_u16(), found.as_deref()), (status, allow), "{method} {path}");
        assert_eq!(sent(response.into_body()), body, "{method} {path}");
    };
    let a = Some("GET, HEAD, OPTIONS, POST, PURGE");
    let refused = "405 Method Not Allowed\n";
    check("GET", "/a", 200, "get", None);
    check("HEAD", "/a", 200, "get", None);
    check("POST", "/a", 200, "post", None);
    check("PURGE", "/a", 200, "purge", None);
    check("PUT", "/a", 405, refused, a);
    check("get", "/a", 405, refused, a);
    check("OPTIONS", "/a", 204, "", a);
    check("HEAD", "/head", 200, "head", None);
    check("OPTIONS", "/head", 200, "options", None);
    check("POST", "/head", 405, refused, Some("GET, HEAD, OPTIONS"));
    check("GET", "/c", 405, refused, Some("DELETE, OPTIONS, PATCH, PUT"));
    check("HEAD", "/c", 405, refused, Some("DELETE, OPTIONS, PATCH, PUT"));
    check("DELETE", "/c", 200, "delete", None);
    check("PATCH", "/c", 200, "patch", None);
    check("PUT", "/any", 200, "put", None);
    for method in ["GET", "HEAD", "OPTIONS", "DELETE"] {
        check(method, "/any", 200, "any", None);
    }
    check("OPTIONS", "*", 204, "", None);
    check("OPTIONS", "/none", 404, "404 Not Found\n", None);
    check("GET", "/none", 404, "404 Not Found\n", None);
}

#[test]
fn a_nested_router_is_under_its_prefix() {
    let inner = Router::new().get("/", say).get("/x/{id}", say).nest("/deep", Router::new().get("/{*rest}", say));
    let routes = compiled(Router::new().nest("/api/{version}", inner).nest("/", Router::new().get("/top", say)));
    let check = |target: &str, said: &str| assert_eq!(answer(&routes, "GET", target).1, said, "{target}");
    check("/api/v1", "/api/{version} version=v1");
    check("/api/v1/x/7", "/api/{version}/x/{id} version=v1,id=7");
    check("/api/v1/deep/a/b", "/api/{version}/deep/{*rest} version=v1,rest=a/b");
    check("/api/v1/", "404 Not Found\n");
    check("/top", "/top ");
}

#[test]
fn a_fallback_answers_what_is_under_its_prefix() {
    let with = Router::new().get("/x", || "x").fallback(|| "inner fallback");
    let without = Router::new().get("/x", || "x");
    let routes = compiled(Router::new().nest("/with", with).nest("/without", without).fallback(|| "fallback"));
    let check =
        |method: &str, target: &str, body: &str| assert_eq!(answer(&routes, method, target).1, body, "{target}");
    check("GET", "/with/x", "x");
    check("GET", "/with", "inner fallback");
    check("GET", "/with/", "inner fallback");
    check("POST", "/with/y/z", "inner fallback");
    check("POST", "/with/x", "405 Method Not Allowed\n");
    check("GET", "/withy", "fallback");
    check("GET", "/without/y", "fallback");
    check("GET", "/", "fallback");
}

#[test]
fn one_handler_may_answer_everything() {
    let routes = compiled(Router::from_handler(|request: Request| request.path().to_owned()));
    for (method, path) in [("GET", "/"), ("DELETE", "/a/b"), ("HEAD", "/%ff")] {
        assert_eq!(answer(&routes, method, path), (200, path.into()));
    }
}

/// Middleware that leaves its mark on the way in and on the way out.
fn mark(name: &'static str) -> impl Fn(Request, Next<'_>) -> Response + Send + Sync + 'static {
    move |mut request: Request, next: Next<'_>| {
        let way = request.extensions_mut().get_or_insert_default::<String>();
        way.push_str(name);
        let mut response = next.run(request);
        response.headers_mut().append("x-way", name.parse().expect("visible"));
        response
    }
}

fn way_in(request: Request) -> String {
    request.extensions().get::<String>().cloned().unwrap_or_default()
}

#[test]
fn middleware_runs_from_the_outside_in_and_back() {
    let inner = Router::new().get("/x", way_in).with(mark("c"));
    let router = Router::new().with(mark("a")).get("/", way_in).nest("/in", inner).with(mark("b")).fallback(way_in);
    let routes = compiled(router);
    let check = |method: &str, path: &str, status: u16, way_out: &[&str]| {
        let response = call(&routes, method, path);
        let found: Vec<_> =
            response.headers().get_all("x-way").iter().map(|name| name.to_str().expect("visible")).collect();
        assert_eq!((response.status().as_u16(), found), (status, way_out.to_vec()), "{method} {path}");
        if status == 200 {
            let way_in: Vec<char> = way_out.iter().rev().flat_map(|name| name.chars()).collect();
            assert_eq!(sent(response.into_body()), way_in.into_iter().collect::<String>(), "{method} {path}");
        }
    };
    check("GET", "/", 200, &["b", "a"]);
    check("GET", "/none", 200, &["b", "a"]);
    check("POST", "/", 405, &["b", "a"]);
    check("OPTIONS", "/", 204, &["b", "a"]);
    check("OPTIONS", "*", 204, &["b", "a"]);
    check("GET", "/in/x", 200, &["c", "b", "a"]);
    check("POST", "/in/x", 405, &["c", "b", "a"]);
    check("GET", "/in/none", 200, &["b", "a"]);
}

#[test]
fn middleware_may_answer_itself() {
    let router =
        Router::new().get("/{id}", || "reached").with(|request: Request, next: Next<'_>| match request.param("id") {
            Some("7") => Ok(next.run(request)),
            _ => Err(StatusCode::FORBIDDEN),
        });
    let routes = compiled(router);
    assert_eq!(answer(&routes, "GET", "/7"), (200, "reached".into()));
    assert_eq!(answer(&routes, "GET", "/8").0, 403);
    assert_eq!(answer(&routes, "GET", "/").0, 403, "the fallback is behind it too");
}

struct Name(&'static str);
struct Age(u32);
struct Missing;

#[test]
fn state_is_found_by_its_type() {
    fn name(name: &Name) -> &'static str {
        name.0
    }
    fn both(name: &Name, age: &Age, request: Request) -> Json<(&'static str, u32, String)> {
        Json((name.0, age.0, request.path().to_owned()))
    }
    fn three(name: &Name, age: &Age, _: &String) -> (StatusCode, String) {
        (StatusCode::CREATED, format!("{} {}", name.0, age.0))
    }
    fn guard(name: &Name, request: Request, next: Next<'_>) -> Response {
        if name.0 == "inner" { "guarded".into_response() } else { next.run(request) }
    }
    let provided = |id: TypeId| -> Option<Arc<dyn Any + Send + Sync>> {
        match id {
            _ if id == TypeId::of::<Age>() => Some(Arc::new(Age(3))),
            _ if id == TypeId::of::<String>() => Some(Arc::new(String::new())),
            _ => None,
        }
    };
    let router = Router::new()
        .get("/name", name)
        .get("/both", both)
        .get("/three", three)
        .get("/closure", |age: &Age| age.0.to_string())
        .nest("/inner", Router::new().get("/name", name).state(Name("nested")))
        .nest("/outer", Router::new().get("/name", name))
        .nest("/guarded", Router::new().get("/", name).with(guard).state(Name("inner")))
        .state(Name("outer"));
    let routes = router.compile(&provided).expect("all is there");
    let check = |path: &str, body: &str| assert_eq!(answer(&routes, "GET", path).1, body, "{path}");
    check("/name", "outer");
    check("/both", r#"["outer",3,"/both"]"#);
    check("/three", "outer 3");
    check("/closure", "3");
    check("/inner/name", "nested");
    check("/outer/name", "outer");
    check("/guarded", "guarded");
}

#[test]
fn mistakes_are_told_when_the_server_starts() {
    fn needy(_: &Missing) {}
    fn guard(_: &Missing, request: Request, next: Next<'_>) -> Response {
        next.run(request)
    }
    let check = |router: Router, words: &[&str]| {
        let error = refused(router);
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    };
    let state = ["tests::Missing", "app.provide(value)", ".state(value)"];
    check(Router::new().get("/", needy), &state);
    check(Router::new().fallback(needy), &state);
    check(Router::new().with(guard), &state);
    check(Router::new().nest("/a", Router::new().get("/", needy)), &["needy"]);
    check(Router::new().nest("/a", Router::new().state(Missing)).get("/", needy), &state);
    check(Router::new().state(Age(1)).state(Age(2)), &["two values", "tests::Age"]);
    check(Router::new().get("/a", || ()).get("/a", || ()), &["GET", "/a", "two handlers"]);
    check(Router::new().get("/{a}", || ()).get("/{b}", || ()), &["GET", "/{a}", "/{b}"]);
    check(Router::new().any("/a", || ()).nest("/", Router::new().any("/a", || ())), &["*", "/a"]);
    check(Router::new().get("/{*a}", || ()).get("/{b}", || ()), &["/{*a}", "/{b}"]);
    check(Router::new().get("/a{x}", || ()).get("/{y}b", || ()), &["/a{x}", "/{y}b"]);
    check(Router::new().get("/{a}-{b}", || ()), &["/{a}-{b}", "one parameter"]);
    check(Router::new().get("a", || ()), &["\"a\"", "begins with a slash"]);
    check(Router::new().nest("/a/", Router::new().get("/", || ())), &["/a/", "does not end with a slash"]);
    check(Router::new().nest("/{id}", Router::new().get("/{id}", || ())), &["/{id}/{id}", "same name"]);
    let fallback = || Router::new().fallback(|| ());
    check(Router::new().nest("/a", fallback()).nest("/a", fallback()), &["/a"]);
}

#[test]
fn endpoints_are_numbered() {
    let routes = compiled(Router::new().get("/a", || ()).post("/a", || ()).any("/b", || ()).with(mark("x")));
    let ordinals: Vec<usize> = routes.endpoints().iter().map(|endpoint| endpoint.ordinal).collect();
    assert_eq!(ordinals, (0..routes.len()).collect::<Vec<_>>());
    assert_eq!(routes.find(&Method::POST, "/a").endpoint.name, "/a");
    assert_eq!(routes.find(&Method::PUT, "/a").endpoint.name, "/a");
    assert_eq!(routes.find(&Method::PUT, "/c").endpoint.name, "not found");
}

#[test]
fn a_body_is_given_on() {
    let routes = compiled(Router::new().any("/", Request::into_body));
    assert_eq!(answer(&routes, "GET", "/"), (200, String::new()));
    fn assert_send<T: Send>() {}
    assert_send::<(Router, Request, Body)>();
    fn assert_shared<T: Send + Sync>() {}
    assert_shared::<Routes>();
}
