//! Temporary files.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use tempfile::{Builder, NamedTempFile, TempDir};

/// A folder for temporary files, which is removed with everything in it: by [`remove`](Temporary::remove), and when it is
/// dropped. A value that was given to [`App::provide`](graceful_core::App::provide) is dropped in the phase `flushing`; a process
/// that is killed leaves it behind.
#[derive(Debug)]
pub struct Temporary(Mutex<Option<TempDir>>);

impl Temporary {
    /// Makes one, where the system has temporary files (`TMPDIR`). Its name begins with `prefix`.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(prefix: &str) -> io::Result<Self> {
        Ok(Self(Mutex::new(Some(Builder::new().prefix(prefix).tempdir()?))))
    }

    /// Makes one in that folder, so that what is finished can be renamed to where it belongs.
    ///
    /// # Errors
    /// What the system says.
    pub fn new_in(folder: impl AsRef<Path>, prefix: &str) -> io::Result<Self> {
        Ok(Self(Mutex::new(Some(Builder::new().prefix(prefix).tempdir_in(folder)?))))
    }

    /// A new file in it, which is removed when it is dropped, unless it was [persisted](NamedTempFile::persist).
    ///
    /// # Errors
    /// What the system says; when the folder is removed already.
    pub fn file(&self) -> io::Result<NamedTempFile> {
        let folder = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = folder.as_ref().ok_or_else(|| io::Error::other("temporary files are removed already"))?;
        NamedTempFile::new_in(folder.path())
    }

    /// Removes it with everything in it. Does nothing when it is removed already.
    ///
    /// # Errors
    /// What the system says about the first thing that cannot be removed.
    pub fn remove(&self) -> io::Result<()> {
        let folder = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        folder.map_or(Ok(()), TempDir::close)
    }
}

impl fmt::Display for Temporary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(folder) => folder.path().display().fmt(f),
            None => f.write_str("removed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn everything_is_gone_at_the_end() {
        let outer = tempfile::tempdir().expect("writable");
        let temporary = Temporary::new_in(outer.path(), "upload-").expect("writable");
        let mut kept = temporary.file().expect("writable");
        kept.write_all(b"done").expect("room");
        kept.persist(outer.path().join("done")).expect("the same disk");
        let forgotten = temporary.file().expect("writable");
        forgotten.keep().expect("kept");
        temporary.remove().expect("removed");
        temporary.remove().expect("nothing to do");
        assert!(temporary.file().is_err());
        let left: Vec<_> =
            outer.path().read_dir().expect("there").map(|entry| entry.expect("one").file_name()).collect();
        assert_eq!(left, ["done"]);
    }
}
