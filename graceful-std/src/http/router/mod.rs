//! Which handler answers which request.

mod compile;
mod error;
mod pattern;
mod routes;
mod state;

use std::fmt;

use ::http::Method;

pub use error::RouteError;
pub(crate) use routes::Routes;
pub(crate) use state::{MissingState, States};

use super::handler::{Call, Handler};
use super::middleware::{Layer, Middleware};
use state::Own;

/// Says which handler answers which request.
///
/// Nothing is checked while it is put together. When the server starts, patterns that contradict each other, two handlers
/// for the same requests, and values that handlers ask for and nobody provides are errors that say what to do.
///
/// # Patterns
///
/// | pattern | matches | parameters |
/// |---|---|---|
/// | `/orders` | that path, not `/orders/` | |
/// | `/orders/{id}` | `/orders/7`, not `/orders/` nor `/orders/7/lines` | `id` = `7` |
/// | `/images/img-{id}.png` | `/images/img-7.png` | `id` = `7` |
/// | `/files/{*path}` | `/files/a`, `/files/a/b`, not `/files/` | `path` = `a/b` |
/// | `/{{literally}}` | `/{literally}` | |
///
/// Fixed text comes before parameters, and parameters before `{*rest}`, in whatever order they are added. Paths are compared
/// as they are sent, byte by byte: escapes are not decoded, `..` and `//` are not resolved, slashes at the end count.
/// Values of parameters are decoded ([`Request::param`](super::Request::param)). A pattern has up to eight of them.
///
/// # Methods
///
/// - `HEAD` is answered by the `GET` handler, without its body, unless it has a handler of its own.
/// - A path that is known, but not for this method, is answered with 405 and `allow`.
/// - `OPTIONS` is answered with 204 and `allow`, unless it has a handler of its own; so is `OPTIONS *`, without `allow`.
/// - [`any`](Router::any) answers every method that has no handler of its own on that path.
///
/// # Examples
/// ```
/// use graceful::http::{Error, Json, Method, Next, Request, Router, StatusCode};
///
/// struct Db;
///
/// fn show(db: &Db, request: Request) -> Result<Json<u64>, Error> {
///     Ok(Json(request.parse_param("id")?))
/// }
///
/// let admin = Router::new()
///     .delete("/orders/{id}", || StatusCode::NO_CONTENT)
///     .with(|request: Request, next: Next<'_>| match request.header("authorization") {
///         Some(_) => Ok(next.run(request)),
///         None => Err(StatusCode::UNAUTHORIZED),
///     });
///
/// let routes = Router::new()
///     .get("/orders/{id}", show)
///     .route(Method::PATCH, "/orders/{id}", |request: Request| format!("patched {:?}\n", request.param("id")))
///     .any("/echo", |request: Request| request.into_body())
///     .nest("/admin", admin)
///     .fallback(|| (StatusCode::NOT_FOUND, "nothing here\n"))
///     .state(Db);
/// # drop(routes);
/// ```
#[derive(Default)]
#[must_use]
pub struct Router {
    routes: Vec<Route>,
    nested: Vec<(String, Router)>,
    layers: Vec<Pending<Layer>>,
    fallback: Option<Pending<Call>>,
    state: Own,
}

struct Route {
    /// `None`: any.
    method: Option<Method>,
    pattern: String,
    handler: Pending<Call>,
}

/// A user's function, which still needs its values.
struct Pending<T> {
    name: &'static str,
    resolve: Resolve<T>,
}

type Resolve<T> = Box<dyn FnOnce(&States<'_>) -> Result<T, MissingState> + Send>;

impl Router {
    /// A router that answers everything with 404.
    pub fn new() -> Self {
        Self::default()
    }

    /// A router that gives everything to one handler: the whole application is a function.
    pub fn from_handler<M>(handler: impl Handler<M>) -> Self {
        Self::new().fallback(handler)
    }

    /// Answers `GET` requests, and `HEAD` requests.
    pub fn get<M>(self, pattern: impl Into<String>, handler: impl Handler<M>) -> Self {
        self.route(Method::GET, pattern, handler)
    }

    /// Answers `HEAD` requests otherwise than those of `GET`.
    pub fn head<M>(self, pattern: impl Into<String>, handler: impl Handler<M>) -> Self {
        self.route(Method::HEAD, pattern, handler)
    }

    /// Answers `POST` requests.
    pub fn post<M>(self, pattern: impl Into<String>, handler: impl Handler<M>) -> Self {
        self.route(Method::POST, pattern, handler)
    }

    /// Answers `PUT` requests.
    pub fn put<M>(self, pattern: impl Into<String>, handler: impl Handler<M>) -> Self {
        self.route(Method::PUT, pattern, handler)
    }

    /// Answers `PATCH` requests.
    pub fn patch<M>(self, pattern: impl Into<String>, handler: impl Handler<M>) -> Self {
        self.route(Method::PATCH, pattern, handler)
    }

    /// Answers `DELETE` requests.
    pub fn delete<M>(self, pattern: impl Into<String>, handler: impl Handler<M>) -> Self {
        self.route(Method::DELETE, pattern, handler)
    }

    /// Answers `OPTIONS` requests otherwise than with the methods that are allowed.
    pub fn options<M>(self, pattern: impl Into<String>, handler: impl Handler<M>) -> Self {
        self.route(Method::OPTIONS, pattern, handler)
    }

    /// Answers requests of that method, which may be one of your own.
    pub fn route<M>(mut self, method: Method, pattern: impl Into<String>, handler: impl Handler<M>) -> Self {
        let handler = Pending::handler(handler);
        self.routes.push(Route { method: Some(method), pattern: pattern.into(), handler });
        self
    }

    /// Answers requests of every method that has no handler of its own on that path.
    pub fn any<M>(mut self, pattern: impl Into<String>, handler: impl Handler<M>) -> Self {
        let handler = Pending::handler(handler);
        self.routes.push(Route { method: None, pattern: pattern.into(), handler });
        self
    }

    /// Answers requests whose path no pattern matches, of every method. A second call replaces the first.
    ///
    /// **Default:** 404; for a [nested](Router::nest) router, that of the router around it.
    pub fn fallback<M>(mut self, handler: impl Handler<M>) -> Self {
        self.fallback = Some(Pending::handler(handler));
        self
    }

    /// Puts the routes of another router under a prefix, which may have parameters: its `/` answers `/prefix`, its `/x`
    /// answers `/prefix/x`. Under the prefix `/` they are among the others.
    ///
    /// It keeps what is its own: its middleware runs inside of this router's, its state comes before this one's, and its
    /// fallback answers what is under the prefix and not known, if it has one.
    pub fn nest(mut self, prefix: impl Into<String>, router: Self) -> Self {
        self.nested.push((prefix.into(), router));
        self
    }

    /// Puts a function around all handlers of this router: those that were added before and after, those of nested
    /// routers, the fallback, and the answers 400, 404 and 405.
    ///
    /// The first one that is added is the outermost: it sees the request first and the response last.
    ///
    /// A nested router without a fallback of its own has no 404 of its own either, so its middleware does not see those.
    pub fn with<M>(mut self, middleware: impl Middleware<M>) -> Self {
        self.layers.push(Pending::layer(middleware));
        self
    }

    /// Gives the handlers and the middleware of this router, and of the routers in it, a value that they ask for as `&T`.
    /// It comes before what `main` has [provided](graceful_core::App::provide) under that type.
    ///
    /// A second value of the same type is an error when the server starts.
    pub fn state<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.state.insert(std::sync::Arc::new(value));
        self
    }
}

#[cfg(all(test, feature = "admin"))]
impl Router {
    /// Methods and patterns of all routes, those of nested routers as well.
    pub(crate) fn list(&self) -> Vec<(String, String)> {
        let method = |route: &Route| route.method.as_ref().map_or("*", Method::as_str).to_owned();
        let mut list: Vec<_> = self.routes.iter().map(|route| (method(route), route.pattern.clone())).collect();
        for (prefix, nested) in &self.nested {
            list.extend(nested.list().into_iter().map(|(method, pattern)| (method, format!("{prefix}{pattern}"))));
        }
        list
    }
}

impl Pending<Call> {
    fn handler<M, H: Handler<M>>(handler: H) -> Self {
        Self { name: std::any::type_name::<H>(), resolve: Box::new(move |states| handler.into_call(states)) }
    }
}

impl Pending<Layer> {
    fn layer<M, H: Middleware<M>>(middleware: H) -> Self {
        Self { name: std::any::type_name::<H>(), resolve: Box::new(move |states| middleware.into_layer(states)) }
    }
}

impl<T> Pending<T> {
    /// With the values it asks for.
    fn resolve(self, states: &States<'_>) -> Result<T, RouteError> {
        let name = self.name;
        (self.resolve)(states)
            .map_err(|MissingState { type_name }| RouteError::MissingState { type_name, function: name })
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("routes", &self.routes).field("nested", &self.nested).finish_non_exhaustive()
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = self.method.as_ref().map_or("*", Method::as_str);
        write!(f, "{method} {} -> {}", self.pattern, self.handler.name)
    }
}

#[cfg(test)]
mod tests;
