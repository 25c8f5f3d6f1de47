//! `DATA_DIR/summary`: written anew by a task, whole or not at all.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use graceful::BoxError;
use graceful::files::Temporary;

use crate::store::Db;

pub(crate) struct Summary {
    path: PathBuf,
    drafts: Temporary,
}

const DRAFTS: &str = "drafts-";

impl Summary {
    pub(crate) fn open(data: &Path) -> io::Result<Self> {
        // Those of a process that was killed.
        for entry in fs::read_dir(data)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(DRAFTS) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(Self { path: data.join("summary"), drafts: Temporary::new_in(data, DRAFTS)? })
    }

    /// Readers see the old text or the new one, never half of it.
    pub(crate) fn write(&self, db: &Db) -> Result<(), BoxError> {
        let mut draft = self.drafts.file()?;
        writeln!(draft, "{} orders", db.count()?)?;
        draft.as_file().sync_all()?;
        draft.persist(&self.path)?;
        Ok(())
    }

    pub(crate) fn close(&self) -> io::Result<()> {
        self.drafts.remove()
    }
}
