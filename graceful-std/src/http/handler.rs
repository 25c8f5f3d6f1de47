//! Functions that answer requests.

use super::into_response::IntoResponse;
use super::request::Request;
use super::response::Response;
use super::router::{MissingState, States};

/// A function that answers requests.
///
/// It takes up to three values by type, as `&T`, then the [`Request`] if it wants it, and returns anything that
/// [can be a response](IntoResponse).
///
/// ```
/// # use graceful::http::{Json, Request, Router};
/// # struct Db; struct Mailer;
/// fn plain() -> &'static str { "text" }
/// fn show(request: Request) -> Option<String> { request.param("id").map(str::to_owned) }
/// fn list(db: &Db) -> Json<Vec<u64>> { Json(vec![]) }
/// fn create(db: &Db, mailer: &Mailer, request: Request) -> Json<u64> { Json(7) }
/// # let _ = Router::new().get("/", plain).get("/{id}", show).get("/all", list).post("/all", create);
/// ```
///
/// The values are those of [`Router::state`](super::Router::state), of the routers around, and what `main` provided. They are
/// looked up once, when the server starts; a missing one is an error then.
///
/// Types of closure parameters must be written: `|request: Request| …`.
///
/// # Blocking
/// A handler may block. A route whose handler takes long runs on worker threads. A panic answers 500.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    label = "not a handler",
    note = "a handler takes up to three `&T`, then perhaps the `Request` (not `&Request`, and not before a `&T`), and returns what can be a response (`IntoResponse`)",
    note = "write the types of a closure's parameters: `|request: Request| …`; what a handler captures or takes must be `Send + Sync + 'static`",
    note = "an `async fn` is none: handlers run on threads of their own and may block"
)]
pub trait Handler<M>: Send + Sync + 'static {
    #[doc(hidden)]
    fn into_call(self, states: &States<'_>) -> Result<Call, MissingState>;
}

/// A handler that has all it needs. Its response may be [lean](IntoResponse::into_lean).
pub(crate) type Call = Box<dyn Fn(Request) -> Response + Send + Sync>;

macro_rules! handlers {
    ($($state:ident $value:ident),*) => {
        impl<F, R, $($state),*> Handler<fn($(&$state,)* Request) -> R> for F
        where
            F: Fn($(&$state,)* Request) -> R + Send + Sync + 'static,
            R: IntoResponse,
            $($state: Send + Sync + 'static,)*
        {
            fn into_call(self, _states: &States<'_>) -> Result<Call, MissingState> {
                $(let $value = _states.get::<$state>()?;)*
                Ok(Box::new(move |request| self($(&$value,)* request).into_lean()))
            }
        }

        impl<F, R, $($state),*> Handler<fn($(&$state,)*) -> R> for F
        where
            F: Fn($(&$state,)*) -> R + Send + Sync + 'static,
            R: IntoResponse,
            $($state: Send + Sync + 'static,)*
        {
            fn into_call(self, _states: &States<'_>) -> Result<Call, MissingState> {
                $(let $value = _states.get::<$state>()?;)*
                Ok(Box::new(move |_| self($(&$value,)*).into_lean()))
            }
        }
    };
}

handlers!();
handlers!(A a);
handlers!(A a, B b);
handlers!(A a, B b, C c);
