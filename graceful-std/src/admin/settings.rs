//! What the environment says of the admin API: the only file of it that looks there.

use std::env;
use std::path::PathBuf;

use super::error::AdminError;

/// `ADMIN_TOKEN`, `ADMIN_TOKEN_FILE` and `ADMIN_PREFIX`, as they are.
#[derive(Default)]
pub(super) struct Settings {
    pub(super) token: Option<String>,
    pub(super) token_file: Option<PathBuf>,
    pub(super) prefix: Option<String>,
}

impl Settings {
    pub(super) fn from_env() -> Result<Self, AdminError> {
        Ok(Self {
            token: text("ADMIN_TOKEN")
                .map_err(|()| AdminError::Token { from: "ADMIN_TOKEN".to_owned(), problem: "it is not text" })?,
            token_file: env::var_os("ADMIN_TOKEN_FILE").map(PathBuf::from),
            prefix: text("ADMIN_PREFIX")
                .map_err(|()| AdminError::Prefix { prefix: "ADMIN_PREFIX".to_owned(), problem: "it is not text" })?,
        })
    }
}

fn text(name: &str) -> Result<Option<String>, ()> {
    env::var_os(name).map(|value| value.into_string().map_err(|_| ())).transpose()
}
