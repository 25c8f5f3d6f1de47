//! The file that carries the figures from one process to the next.
//!
//! Beside it, `.pending` is written when a shutdown begins: the figures as they will be if nobody sees its end. The settled end
//! writes the truth into the file and removes it. So a `SIGKILL`, the watchdog or a power cut counts as a forced shutdown at the
//! next start, and nobody has to run at the moment when it happens. It is a file of its own because whoever collects `*.prom`
//! must not see a counter rise and fall again.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use graceful_core::{App, Report, StartError};
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

use super::history::History;
use super::text::read;
use super::{Families, Shutdowns};
use crate::metrics::format;

/// A file of ours is some kilobytes long.
const LARGEST: u64 = 1024 * 1024;

/// Keeps the figures in a file.
#[derive(Debug)]
pub(crate) struct Keeper {
    path: PathBuf,
    app: App,
    shutdowns: Arc<Shutdowns>,
    /// One at a time: what is written when a shutdown begins must not come behind what is written at its end.
    writing: Mutex<()>,
}

impl Keeper {
    /// Goes on from what the file says, and writes it once, so that a directory that cannot be written to is known at the start.
    pub(crate) fn open(path: PathBuf, app: &App, shutdowns: Arc<Shutdowns>) -> Result<Self, StartError> {
        let keeper = Self { path, app: app.clone(), shutdowns, writing: Mutex::new(()) };
        keeper.resume().map_err(|source| {
            let text = format!("cannot keep figures in {}: {source}; {}", keeper.path.display(), advice(&source));
            StartError::Part { name: "metrics", source: text.into() }
        })?;
        Ok(keeper)
    }

    fn resume(&self) -> io::Result<()> {
        let kept = load(&self.path)?;
        // One that is of the same shutdown was only not removed any more.
        let unseen = load(&self.pending())?.filter(|unseen| {
            unseen.last.is_some() && kept.as_ref().and_then(History::last_request) != unseen.last_request()
        });
        if unseen.is_some() {
            log::warn!(target: "graceful", path = self.path.display().to_string().as_str(); "end of the last shutdown not seen");
        }
        if let Some(history) = unseen.or(kept) {
            self.shutdowns.resume(history);
        }
        self.write_down()
    }

    /// A shutdown begins.
    pub(crate) fn begin(&self, report: &Report) -> io::Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.shutdowns.is_settled() {
            return Ok(());
        }
        // Another process may have ended since this one started: after an upgrade they overlap.
        if let Ok(Some(history)) = load(&self.path) {
            if history.last_request() == Some(report.requested_at_unix_ms) {
                // Somebody else in this process keeps the same file.
                return Ok(());
            }
            self.shutdowns.resume(history);
        }
        let history = self.shutdowns.history().if_it_ends_unseen(report);
        let families = Families { history, ..self.shutdowns.families() };
        replace(&self.pending(), &page(families, self.app.service()))
    }

    /// It has come to its end.
    pub(crate) fn end(&self, report: &Report) -> io::Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.shutdowns.settle(report);
        self.write_down()
    }

    fn write_down(&self) -> io::Result<()> {
        replace(&self.path, &page(self.shutdowns.families(), self.app.service()))?;
        match fs::remove_file(self.pending()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn pending(&self) -> PathBuf {
        beside(&self.path, ".pending")
    }
}

/// The text of the file. Its samples name the service: a collector puts many such files together.
pub(super) fn page(families: Families, service: &str) -> String {
    let labels = [("service".into(), service.to_owned().into())];
    let mut registry = Registry::with_labels(labels.into_iter());
    registry.register_collector(Box::new(families));
    let mut out = String::new();
    // Nothing fails that writes into memory.
    let _ = text::encode_registry(&mut out, &registry);
    format::classic(&out)
}

/// What a file says; `None` when there is none, or none that can be used: that one is moved aside.
fn load(path: &Path) -> io::Result<Option<History>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        // To open a pipe would be to wait for whoever writes into it.
        Ok(metadata) if !metadata.is_file() => {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is there and is no file"));
        }
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    let damage = match String::from_utf8(bytes) {
        Ok(text) if text.len() as u64 > LARGEST => "it is larger than 1 MiB".to_owned(),
        Ok(text) => match read(&text) {
            Ok(history) => return Ok(Some(history)),
            Err(damage) => damage.to_string(),
        },
        Err(_) => "it is no text".to_owned(),
    };
    let aside = beside(path, ".damaged");
    // If it cannot be moved it is written over.
    let moved = fs::rename(path, &aside).map_or_else(|error| error.to_string(), |()| aside.display().to_string());
    log::warn!(
        target: "graceful", path = path.display().to_string().as_str(), damage = damage.as_str(), moved_to = moved.as_str();
        "figures of shutdowns begin anew"
    );
    Ok(None)
}

/// Writes a file as a whole or not at all, whatever happens meanwhile.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let temporary = beside(path, ".tmp");
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    if let Err(error) = written.and_then(|()| fs::rename(&temporary, path)) {
        // What is left over would be written over the next time.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    // Not every file system lets a directory be synced; without it, a power cut may cost the last change.
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _ = File::open(directory).and_then(|directory| directory.sync_all());
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::InvalidInput => "name a file that is there or can be made",
        io::ErrorKind::ResourceBusy => "a mounted file cannot be replaced: mount its directory",
        io::ErrorKind::StorageFull => "make room on its file system",
        _ => "its directory must be there, and the user of the service must be allowed to write to it",
    }
}

#[cfg(test)]
mod tests {
    use graceful_core::Runtime;

    use super::*;

    struct Kept {
        folder: tempfile::TempDir,
    }

    impl Kept {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().expect("a folder") }
        }

        fn path(&self, ending: &str) -> PathBuf {
            beside(&self.folder.path().join("metrics.prom"), ending)
        }

        fn write(&self, ending: &str, bytes: impl AsRef<[u8]>) {
            fs::write(self.path(ending), bytes).expect("room");
        }

        /// What a process finds that starts now, and the keeper that it has.
        fn start(&self) -> (History, Keeper) {
            let runtime = Runtime::builder("shop").start().expect("it starts");
            let shutdowns = Arc::new(Shutdowns::new(runtime.app()));
            let keeper = Keeper::open(self.path(""), runtime.app(), Arc::clone(&shutdowns)).expect("it is writable");
            assert!(!self.path(".pending").exists() && !self.path(".tmp").exists());
            (shutdowns.history(), keeper)
        }
    }

    fn report() -> Report {
        Runtime::builder("shop").start().expect("it starts").shutdown("a test")
    }

    #[test]
    fn figures_go_on() {
        let kept = Kept::new();
        for nth in 0..3 {
            let (history, keeper) = kept.start();
            assert_eq!((history.successes, history.failures, history.forced), (nth, 0, 0));
            let report = report();
            keeper.begin(&report).expect("room");
            keeper.end(&report).expect("room");
            assert!(!kept.path(".pending").exists());
            // Too late: the end is known.
            keeper.begin(&report).expect("room");
            assert!(!kept.path(".pending").exists());
        }
        let (history, _) = kept.start();
        assert_eq!(history.durations.counts.iter().sum::<u64>(), 3);
        assert_eq!(history.last.expect("there was one").exit_code, Some(0));
    }

    #[test]
    fn an_end_that_nobody_sees_was_forced() {
        let kept = Kept::new();
        let (_, keeper) = kept.start();
        let report = report();
        keeper.begin(&report).expect("room");
        let text = fs::read_to_string(kept.path("")).expect("a text");
        assert!(text.contains("graceful_forced_shutdown_total{service=\"shop\"} 0\n"), "{text}");
        let (history, _) = kept.start();
        assert_eq!((history.successes, history.failures, history.forced), (0, 1, 1));
        assert_eq!(history.last.expect("there was one").exit_code, None);
        // The end was written down, and only what it begins with could not be removed any more.
        let (_, keeper) = kept.start();
        std::thread::sleep(std::time::Duration::from_millis(2));
        let report = self::report();
        keeper.begin(&report).expect("room");
        let pending = fs::read(kept.path(".pending")).expect("it is there");
        keeper.end(&report).expect("room");
        kept.write(".pending", pending);
        let (history, _) = kept.start();
        assert_eq!((history.successes, history.failures, history.forced), (1, 1, 1));
    }

    /// As during an upgrade: the second starts before the first has ended.
    #[test]
    fn processes_overlap() {
        let kept = Kept::new();
        let ((_, first), (_, second)) = (kept.start(), kept.start());
        for keeper in [first, second] {
            let report = report();
            keeper.begin(&report).expect("room");
            keeper.end(&report).expect("room");
            // Reports are told apart by the millisecond.
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        assert_eq!(kept.start().0.successes, 2);
    }

    #[test]
    fn what_cannot_be_read_is_moved_aside() {
        for bytes in [&b"\xff\xfe"[..], b"half a li", &b"# ".repeat(600_000)] {
            let kept = Kept::new();
            kept.write("", bytes);
            kept.write(".pending", bytes);
            assert_eq!(kept.start().0, History::default());
            assert_eq!(fs::read(kept.path(".damaged")).expect("it is kept"), bytes);
            assert_eq!(kept.start().0, History::default());
        }
    }

    #[test]
    fn what_cannot_be_written_is_an_error_at_start() {
        let kept = Kept::new();
        fs::create_dir(kept.path("")).expect("a folder");
        let runtime = Runtime::builder("shop").start().expect("it starts");
        let open = |path: PathBuf| {
            let shutdowns = Arc::new(Shutdowns::new(runtime.app()));
            Keeper::open(path, runtime.app(), shutdowns).expect_err("it cannot be").to_string()
        };
        let error = open(kept.path(""));
        assert!(error.ends_with("it is there and is no file; name a file that is there or can be made"), "{error}");
        let error = open(kept.folder.path().join("nowhere/metrics.prom"));
        assert!(error.contains("nowhere/metrics.prom") && error.contains("its directory must be there"), "{error}");
    }
}
