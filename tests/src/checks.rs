//! The other side of the fixture `checks`: what its checks are to do.

use std::fs;

use tempfile::TempDir;

use crate::Service;

/// The folder in which the fixture looks up what each check does.
#[derive(Debug)]
pub struct Orders(TempDir);

impl Orders {
    /// Everything passes.
    #[must_use]
    pub fn new() -> Self {
        Self(TempDir::with_prefix("graceful-checks-").expect("a temporary directory can be made"))
    }

    /// The fixture, which is to look here.
    pub fn service(&self) -> Service {
        Service::fixture("checks").env("GF_FOLDER", self.0.path())
    }

    /// From now on the check does this.
    pub fn set(&self, check: &str, word: &str) {
        let new = self.0.path().join(format!(".{check}"));
        fs::write(&new, word).expect("the folder can be written to");
        // At once: nobody reads half a word.
        fs::rename(&new, self.0.path().join(check)).expect("the folder can be written to");
    }
}

impl Default for Orders {
    fn default() -> Self {
        Self::new()
    }
}
