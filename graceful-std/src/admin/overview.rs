//! All at one glance, and the page that shows it.

use graceful_core::App;
use serde_json::{Value, json};

use super::process::process;
use super::shutdown::Planned;
use super::status::status;
use crate::health::answers;
use crate::http::{HeaderValue, Request, Response, header};

/// The page: one file, which loads nothing and asks for [`overview`] once a second.
const PAGE: &str = include_str!("overview.html");

/// What the page may do: run the one script and use the one style in it, and ask where it came from. Nothing else.
const POLICY: &str = "default-src 'none'; connect-src 'self'; \
                      script-src 'sha256-rHH+FHBd1Iv7VJspXh6Q9PJz7J85pOOiam5Wmp9o0ZA='; \
                      style-src 'sha256-0j5GDUfLLQLN9XOIQ6my1KcaZU3muchy2JvjpE+S6lo='; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn overview(app: &App, planned: &Planned) -> Value {
    json!({"status": status(app, planned), "health": answers::everything(app).1, "process": process()})
}

/// Whether it is a browser that asks, and not its script.
pub(super) fn wants_page(request: &Request) -> bool {
    request.header(header::ACCEPT).is_some_and(|accept| accept.contains("text/html"))
}

pub(super) fn page() -> Response {
    let mut response = Response::new(PAGE.into());
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::VARY, "accept"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn inside(tag: &str) -> &'static str {
        let (_, rest) = PAGE.split_once(&format!("<{tag}>")).expect("it is there");
        rest.split_once(&format!("</{tag}>")).expect("it ends").0
    }

    #[test]
    fn the_policy_knows_the_page() {
        for tag in ["script", "style"] {
            let hash = STANDARD.encode(Sha256::digest(inside(tag)));
            assert!(POLICY.contains(&format!("'sha256-{hash}'")), "write '{tag}-src 'sha256-{hash}' into the policy");
        }
    }

    #[test]
    fn the_page_is_small_and_alone() {
        assert!(PAGE.len() <= 12 * 1024, "{} bytes", PAGE.len());
        for foreign in ["http://", "https://", "src=", "href=", "@import", "url(", " style=", " on"] {
            let found = PAGE.find(foreign).map(|at| &PAGE[at..PAGE.len().min(at + 60)]);
            // An attribute that is a handler would need a weaker policy.
            let harmless = foreign == " on"
                && !found.is_some_and(|text| {
                    text.split('=').next().is_some_and(|name| name.trim().chars().all(|c| c.is_ascii_lowercase()))
                });
            assert!(found.is_none() || harmless, "{foreign} in the page: {found:?}");
        }
    }
}
