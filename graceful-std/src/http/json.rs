//! Values as JSON.

use serde::Serialize;

use super::error::Error;
use super::into_response::IntoResponse;
use super::response::{self, Response};

/// A response of `application/json`. To read JSON, see [`Body::json`](super::Body::json).
///
/// A value that cannot be serialized (a map whose keys are not text, an error of its own `Serialize`) is answered with 500.
///
/// # Examples
/// ```
/// use graceful::http::{Json, Request, Router};
///
/// let routes = Router::new().get("/languages", |_: Request| Json(["en", "sv"]));
/// # drop(routes);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        response::complete(self.into_lean())
    }

    fn into_lean(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => response::lean(&response::JSON, bytes),
            Err(error) => Error::from(error).into_response(),
        }
    }
}

impl<T> From<T> for Json<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_serialized_is_an_internal_error() {
        let map = std::collections::BTreeMap::from([((1, 2), 3)]);
        assert_eq!(Json(map).into_response().status(), 500);
    }
}
