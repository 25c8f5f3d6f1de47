//! A log of lines.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A file of lines that is only ever appended to, such as an audit log. For any number of threads.
///
/// What a crash has left half-written at its end is cut off when it is opened, so a line is there as a whole or not at all.
///
/// # Examples
/// ```
/// use graceful::files::{AppendLog, Durability};
/// use graceful::cleanup;
///
/// #[cleanup(order = 20, timeout = "5s")]
/// fn close_audit(audit: &AppendLog) -> std::io::Result<()> {
///     audit.close()
/// }
///
/// # fn main() -> std::io::Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let audit = AppendLog::open(folder.path().join("audit"), Durability::EachLine)?;
/// audit.append("order 1 accepted")?;      // on the disk when this returns
/// audit.close()
/// # }
/// ```
pub struct AppendLog {
    path: PathBuf,
    durability: Durability,
    state: Mutex<State>,
}

struct State {
    /// `None` once it is closed.
    file: Option<File>,
    /// Not yet written to the file.
    buffer: Vec<u8>,
    /// Where the file's last whole line ends.
    end: u64,
}

/// When a line is safe from a power failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When it has been appended (`fdatasync`): milliseconds each.
    EachLine,
    /// After [`sync`](AppendLog::sync) or [`close`](AppendLog::close). Until then lines are gathered in memory.
    OnRequest,
}

/// So much is gathered before it is written.
const GATHERED: usize = 64 * 1024;

impl AppendLog {
    /// Opens or creates it.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: impl AsRef<Path>, durability: Durability) -> io::Result<Self> {
        let path = path.as_ref().to_owned();
        let mut file = File::options().create(true).truncate(false).read(true).write(true).open(&path)?;
        let end = end_of_last_line(&mut file)?;
        file.set_len(end)?;
        file.seek(SeekFrom::Start(end))?;
        let state = State { file: Some(file), buffer: Vec::new(), end };
        Ok(Self { path, durability, state: Mutex::new(state) })
    }

    /// Appends a line. Line breaks in it are written as `\n`, so that it stays one.
    ///
    /// # Errors
    /// What the system says, such as that the disk is full; the line is not in the file then, and not half of it either. When
    /// the log is closed.
    ///
    /// # Blocking
    /// While the disk works.
    pub fn append(&self, line: &str) -> io::Result<()> {
        let mut state = self.state();
        state.file()?;
        let before = state.buffer.len();
        for (place, piece) in line.split('\n').enumerate() {
            if place > 0 {
                state.buffer.extend_from_slice(b"\\n");
            }
            state.buffer.extend_from_slice(piece.as_bytes());
        }
        state.buffer.push(b'\n');
        let result = match self.durability {
            Durability::EachLine => state.write().and_then(|()| state.file()?.sync_data()),
            Durability::OnRequest if state.buffer.len() >= GATHERED => state.write(),
            Durability::OnRequest => Ok(()),
        };
        if result.is_err() {
            state.buffer.truncate(before);
        }
        result
    }

    /// Waits until everything is on the disk.
    ///
    /// # Errors
    /// What the system says; what was gathered is kept, and tried again with the next call. When the log is closed.
    pub fn sync(&self) -> io::Result<()> {
        let mut state = self.state();
        state.write()?;
        state.file()?.sync_data()
    }

    /// The same, and closes it. Does nothing when it is closed.
    ///
    /// # Errors
    /// As for [`sync`](AppendLog::sync); it is not closed then.
    pub fn close(&self) -> io::Result<()> {
        let mut state = self.state();
        if state.file.is_none() {
            return Ok(());
        }
        state.write()?;
        state.file()?.sync_all()?;
        state.file = None;
        Ok(())
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn file(&self) -> io::Result<&File> {
        self.file.as_ref().ok_or_else(|| io::Error::other("the log is closed"))
    }

    /// Writes what is gathered, all of it or nothing.
    fn write(&mut self) -> io::Result<()> {
        let mut file = self.file()?;
        if let Err(error) = file.write_all(&self.buffer) {
            // Half a line must not become part of the next one.
            file.set_len(self.end)?;
            file.seek(SeekFrom::Start(self.end))?;
            return Err(error);
        }
        self.end += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// What is gathered is written, if it can be; who wants to know closes it.
impl Drop for AppendLog {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            let path = self.path.display().to_string();
            log::error!(target: "graceful", path = path.as_str(), error = error.to_string().as_str(); "log not closed");
        }
    }
}

/// Just behind the last line break.
fn end_of_last_line(file: &mut File) -> io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut block = [0; 4096];
    while end > 0 {
        let start = end.saturating_sub(block.len() as u64);
        let block = &mut block[..(end - start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(block)?;
        if let Some(at) = block.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

impl fmt::Debug for AppendLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppendLog").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn lines_are_whole_or_not_there() {
        let folder = tempfile::tempdir().expect("writable");
        let path = folder.path().join("log");
        for before in ["", "a\n", "half", "a\nhalf", &format!("a\n{}", "x".repeat(10_000))] {
            fs::write(&path, before).expect("writable");
            let log = AppendLog::open(&path, Durability::EachLine).expect("opened");
            log.append("one\ntwo").expect("room");
            let whole = if before.starts_with('a') { "a\n" } else { "" };
            assert_eq!(fs::read_to_string(&path).expect("there"), format!("{whole}one\\ntwo\n"));
        }
    }

    #[test]
    fn gathered_lines_are_written_on_request_and_at_the_end() {
        let folder = tempfile::tempdir().expect("writable");
        let path = folder.path().join("log");
        let log = AppendLog::open(&path, Durability::OnRequest).expect("opened");
        log.append("one").expect("room");
        assert_eq!(fs::read_to_string(&path).expect("there"), "");
        log.sync().expect("room");
        assert_eq!(fs::read_to_string(&path).expect("there"), "one\n");
        log.append("two").expect("room");
        log.close().expect("room");
        assert_eq!(fs::read_to_string(&path).expect("there"), "one\ntwo\n");
        assert!(log.append("three").is_err() && log.sync().is_err());
        log.close().expect("closed already");
        let log = AppendLog::open(&path, Durability::OnRequest).expect("opened");
        log.append("three").expect("room");
        drop(log);
        assert_eq!(fs::read_to_string(&path).expect("there"), "one\ntwo\nthree\n");
    }

    #[test]
    fn a_full_disk_loses_nothing_that_was_acknowledged() {
        // Whatever is written to it: no space left on device.
        let log = AppendLog::open("/dev/full", Durability::EachLine);
        let Ok(log) = log else { return };
        assert_eq!(log.append("one").expect_err("full").kind(), io::ErrorKind::StorageFull);
    }
}
