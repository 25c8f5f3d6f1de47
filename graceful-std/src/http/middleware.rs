//! Functions around handlers.

use std::fmt;
use std::sync::Arc;

use super::handler::Call;
use super::into_response::IntoResponse;
use super::request::Request;
use super::response::{self, Response};
use super::router::{MissingState, States};

/// A function around the handlers of a router: it sees the request first and the response last.
///
/// It takes up to three values by type, as [handlers](super::Handler) do, then the [`Request`] and [`Next`]. It runs after
/// the route was found, so [`Request::route`] and the parameters are there; what it does to the request does not change
/// which handler answers.
///
/// ```
/// # use graceful::http::{IntoResponse, Next, Request, Response, Router, StatusCode};
/// # struct Keys; impl Keys { fn knows(&self, key: Option<&str>) -> bool { true } }
/// fn authorize(keys: &Keys, request: Request, next: Next<'_>) -> Response {
///     if keys.knows(request.header("authorization")) { next.run(request) } else { StatusCode::UNAUTHORIZED.into_response() }
/// }
///
/// let routes = Router::new()
///     .get("/", || "Hello, World!")
///     .with(|request: Request, next: Next<'_>| {
///         let mut response = next.run(request);
///         response.headers_mut().insert("x-frame-options", "DENY".parse().expect("a header's value"));
///         response
///     })
///     .with(authorize);
/// # drop(routes);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not middleware",
    label = "not middleware",
    note = "middleware takes up to three `&T`, then `Request` and `Next<'_>`, and returns what can be a response (`IntoResponse`)",
    note = "write the types of a closure's parameters: `|request: Request, next: Next<'_>| …`"
)]
pub trait Middleware<M>: Send + Sync + 'static {
    #[doc(hidden)]
    fn into_layer(self, states: &States<'_>) -> Result<Layer, MissingState>;
}

/// Middleware that has all it needs.
pub(crate) type Layer = Arc<dyn Fn(Request, Next<'_>) -> Response + Send + Sync>;

/// What is behind a [`Middleware`]: further ones, and the handler at the end.
///
/// Not running it answers the request without the handler.
#[derive(Clone, Copy)]
pub struct Next<'a> {
    layers: &'a [Layer],
    call: &'a Call,
}

impl<'a> Next<'a> {
    pub(crate) fn new(layers: &'a [Layer], call: &'a Call) -> Self {
        Self { layers, call }
    }

    /// Answers the request.
    pub fn run(self, request: Request) -> Response {
        match self.layers.split_first() {
            Some((layer, layers)) => layer(request, Self { layers, call: self.call }),
            None => response::complete((self.call)(request)),
        }
    }
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").field("layers", &self.layers.len()).finish_non_exhaustive()
    }
}

macro_rules! middleware {
    ($($state:ident $value:ident),*) => {
        impl<F, R, $($state),*> Middleware<fn($(&$state,)* Request, Next<'_>) -> R> for F
        where
            F: Fn($(&$state,)* Request, Next<'_>) -> R + Send + Sync + 'static,
            R: IntoResponse,
            $($state: Send + Sync + 'static,)*
        {
            fn into_layer(self, _states: &States<'_>) -> Result<Layer, MissingState> {
                $(let $value = _states.get::<$state>()?;)*
                Ok(Arc::new(move |request, next| self($(&$value,)* request, next).into_response()))
            }
        }
    };
}

middleware!();
middleware!(A a);
middleware!(A a, B b);
middleware!(A a, B b, C c);
