//! The admin API: what an operator asks a running service, and tells it, with a page to look at while it drains.
//!
//! ```no_run
//! use graceful::admin::Admin;
//! use graceful::health::Probes;
//! use graceful::{App, StartError};
//!
//! #[graceful::main]
//! fn main(app: &App) -> Result<(), StartError> {
//!     let admin = Probes::new().admin(Admin::new()).serve(app, "127.0.0.1:9090")?;    // beside /health, /livez, …
//!     println!("admin on http://{admin}");
//!     Ok(())
//! }
//! ```
//!
//! | request | answer |
//! |---|---|
//! | `GET /admin/status` | phase, budgets, what is still open, hooks, tasks, tickets, a shutdown that is planned |
//! | `GET /admin/overview` | all of it for a page: JSON, or the page itself for who accepts `text/html` |
//! | `GET /admin/health`, `/admin/ready`, `/admin/alive` | what the [probes](crate::health) answer |
//! | `GET /admin/process` | pid, uptime, memory, processor time, open files, threads |
//! | `GET /admin/metrics` | what Prometheus reads, if the probes were given metrics; else 404 |
//! | `GET /admin/config` | the settings in effect |
//! | `POST /admin/shutdown` | 202: the service shuts down as at SIGTERM, at once or after a delay |
//! | `DELETE /admin/shutdown` | 202: the process is ended where it stands, with exit code 124 ([`App::force`](crate::App::force)) |
//! | `GET /openapi.json`, `/admin/openapi.json` | all of this for machines (OpenAPI 3.1) |
//!
//! # Shutting down
//!
//! `POST` takes an optional body, with a delay (`500ms`, `30s`, `5m`, `2h`, or a number of milliseconds; up to 7 days) and a
//! reason, which will be in the log and in the report:
//!
//! ```sh
//! curl -X POST -H 'content-type: application/json' -d '{"delay":"30s","reason":"moving to rack 7"}' http://127.0.0.1:9090/admin/shutdown
//! ```
//!
//! A shutdown that is planned is in `status`. Whoever asks again replaces the plan: an earlier or a later time, or now.
//! Once the service stops, asking again is answered with 202 and `already_stopping`, and changes nothing.
//! A shutdown that somebody else asks for (a signal) comes first, and the plan is void.
//! `DELETE` takes its reason as `?reason=…`.
//! Each `POST` and `DELETE` is logged as a warning with peer and reason, those that were refused too (one line a second).
//!
//! # Who may
//!
//! | it listens on | without a token | with a token |
//! |---|---|---|
//! | a loopback address | everybody on this machine | who has it |
//! | a Unix socket | who may open it | who has it |
//! | any other address | **the start is refused** | who has it |
//!
//! What counts is the address that was really bound: `localhost`, `0.0.0.0` and `fd:3` are whatever they came to be.
//!
//! The token is sent as `authorization: Bearer …` and is compared in constant time. It is 16 to 4096 visible ASCII characters,
//! from [`Admin::token`], [`Admin::token_file`], or these variables, of which one may be there:
//!
//! | variable | is | default |
//! |---|---|---|
//! | `ADMIN_TOKEN` | the token | none |
//! | `ADMIN_TOKEN_FILE` | a file with it, read once at the start; a line break at its end is no part of it | none |
//! | `ADMIN_PREFIX` | where it is | `/admin` |
//!
//! A file is better than a variable, which child processes inherit and `/proc` shows to the same user.
//!
//! Without a token, a browser on this machine could be turned against it by any page that it shows. So a request is refused
//! (403) when its `Host` is neither `localhost` nor a loopback address (DNS rebinding), when its `Origin` is another one, when
//! the browser says that it comes from another site, and when it came through a proxy (`Forwarded`, `X-Forwarded-For`, `Via`):
//! whoever publishes the API through a proxy wants a token. Over a Unix socket any `Host` will do.
//!
//! `openapi.json` and the page are open to everybody: there is nothing of the service in them. The page asks for the token.
//!
//! # Errors
//!
//! Errors are problem details (RFC 9457, `application/problem+json`), on all paths of the listener:
//!
//! ```json
//! {"detail":"…","status":401,"title":"Unauthorized","type":"about:blank"}
//! ```
//!
//! | status | when |
//! |---|---|
//! | 400 | the body is not the JSON that it should be |
//! | 401 | the token is missing or wrong; with `WWW-Authenticate: Bearer` |
//! | 403 | no token is needed, but the request looks like that of a foreign page or of a proxy |
//! | 404, 405 | no such path; not this method, with `Allow` |
//! | 413, 415 | the body is longer than 4 KiB; it is not `application/json` |
//!
//! What is no request at all is turned down before that, in plain text: 400, 408, 414, 431 (a head of more than 8 KiB, be it a
//! token of that size).

mod config;
mod document;
mod error;
mod guard;
mod listener;
mod overview;
mod problem;
mod process;
mod routes;
mod settings;
mod shutdown;
mod status;
mod token;

use std::fmt;
use std::path::PathBuf;

pub use error::AdminError;

pub use listener::AdminListener;

use token::Source;

/// The admin API of a service, for [`Probes::admin`](crate::health::Probes::admin).
#[derive(Default)]
#[must_use = "it answers once the probes that it is given to are served"]
pub struct Admin {
    prefix: Option<String>,
    token: Source,
}

impl Admin {
    /// With what the environment says.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where it is. Comes before `ADMIN_PREFIX`. **Default: `/admin`**.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// The token that every request has to have. Comes before the variables. **Default: none**.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Source::Text(token.into());
        self
    }

    /// A file with the token, read once, at the start. Comes before the variables. **Default: none**.
    pub fn token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.token = Source::File(path.into());
        self
    }
}

/// Without the token.
impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
