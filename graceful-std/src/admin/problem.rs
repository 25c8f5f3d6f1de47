//! Errors in one form: problem details (RFC 9457).

use std::borrow::Cow;

use serde_json::json;

use crate::http::{Body, HeaderValue, IntoResponse, Next, Request, Response, StatusCode, header};

static PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// An error: its status, and what to do about it.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: Cow<'static, str>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, detail: detail.into() }
    }

    pub(super) fn code(&self) -> u16 {
        self.status.as_u16()
    }

    fn body(&self) -> Body {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let body =
            json!({"type": "about:blank", "title": title, "status": self.status.as_u16(), "detail": self.detail});
        body.to_string().into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(self.body());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, PROBLEM.clone());
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"admin\""));
        }
        response
    }
}

/// Around all routes: errors that the router words as text become problems, and no answer is kept or guessed at.
pub(super) fn around(request: Request, next: Next<'_>) -> Response {
    let path = request.path().to_owned();
    let mut response = next.run(request);
    let status = response.status();
    let is_text = |response: &Response| {
        let media_type = response.headers().get(header::CONTENT_TYPE);
        media_type.is_none_or(|media_type| media_type.as_bytes().starts_with(b"text/plain"))
    };
    if (status.is_client_error() || status.is_server_error()) && is_text(&response) {
        let told = std::mem::take(response.body_mut()).text().unwrap_or_default();
        let detail = match status {
            StatusCode::NOT_FOUND => format!("there is nothing at {path}; what there is, is in /openapi.json"),
            StatusCode::METHOD_NOT_ALLOWED => format!("{path} knows other methods: see the header allow"),
            _ => told.trim().to_owned(),
        };
        *response.body_mut() = Problem::new(status, detail).body();
        response.headers_mut().insert(header::CONTENT_TYPE, PROBLEM.clone());
    }
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    response
}
