//! What the fixtures share: saying something without a lock, and misbehaving on demand.
//!
//! A fixture calls [`act`] at points that have a name, and the variable `GF_<NAME>` says what happens there: a list of words
//! with commas between them, done one after the other.
//!
//! | word | what it does |
//! |---|---|
//! | `error`, `panic` | fails that way |
//! | `first=3` | does what follows only the first three times |
//! | `exit=7` | calls `process::exit` |
//! | `sleep=300` | sleeps, in milliseconds, and hears of nothing |
//! | `read`, `mutex`, `busy` | hangs: in a `read`, in a lock, in a loop |
//! | `hold_stdout`, `hold_stderr`, `hold_logger` | takes that lock and never gives it back |
//! | `atexit` | registers an `atexit` handler that hangs |
//! | `freeze`, `spin` | has the library of `fixtures/freeze.c` or `fixtures/spin.c` begin |
//! | `stop_sleep` | sleeps for an hour, or until it is told to stop, which is its error then |

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::mem;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use graceful::http::StatusCode;
use graceful::pool::{Pool, PoolError, PoolLeft, r2d2};
use graceful::{BoxError, Deadline, Stop};
use log::{LevelFilter, Log, Metadata, Record};

/// Writes a line to stdout with one `write`, past the lock that somebody may hold.
pub fn say(line: &str) {
    write(std::io::stdout(), line);
}

/// Does what the variable says, for points that know no [`Stop`].
///
/// # Errors
/// Those that were asked for.
pub fn act(point: &str) -> Result<(), BoxError> {
    perform(point, None)
}

/// As [`act`], and knows when to stop.
///
/// # Errors
/// Those that were asked for.
pub fn act_until(point: &str, stop: &Stop) -> Result<(), BoxError> {
    perform(point, Some(stop))
}

/// Says that a hook began, does what the variable says, and says that it is done.
///
/// # Errors
/// Those that were asked for.
pub fn hook(name: &str) -> Result<(), BoxError> {
    say(&format!("hook {name} began"));
    act(name)?;
    say(&format!("hook {name} done"));
    Ok(())
}

/// Installs a logger if `GF_LOGGER` is there: one line on stderr for each record, under a lock that `hold_logger` takes.
/// With `GF_LOGGER=panic` it panics at each record, with `GF_LOGGER=hang_flush` it never comes back from a flush.
pub fn install_logger() {
    if setting("logger").is_some() {
        // It can fail only if it is called twice.
        let _ = log::set_logger(&LOGGER);
        log::set_max_level(LevelFilter::Info);
    }
}

/// What the variable `GF_<NAME>` says.
#[must_use]
pub fn setting(name: &str) -> Option<String> {
    std::env::var(format!("GF_{}", name.to_ascii_uppercase())).ok()
}

/// The number that the variable `GF_<NAME>` says, 0 without one.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn number(name: &str) -> u64 {
    setting(name).map_or(0, |text| text.parse().expect("a number"))
}

/// What was there before the resource that a fixture is about: provided first, and so closed last.
#[derive(Debug)]
pub struct First;

/// What a handler that asks a pool's database answers. A failure is said on stdout: `failed: …`.
pub fn answer(done: Result<String, BoxError>) -> (StatusCode, String) {
    match done {
        Ok(text) => (StatusCode::CREATED, text),
        Err(error) => {
            say(&format!("failed: {error}"));
            let closed = matches!(error.downcast_ref(), Some(PoolError::Closed { .. }));
            let status = if closed { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::INTERNAL_SERVER_ERROR };
            (status, error.to_string())
        }
    }
}

/// Closes a pool, and says what became of its connections.
///
/// # Errors
/// Those of the pool.
pub fn close<M: r2d2::ManageConnection>(pool: &Pool<M>, deadline: Deadline) -> Result<(), PoolLeft> {
    let closed = pool.close(deadline)?;
    say(&format!("closed: {closed}"));
    Ok(())
}

fn perform(point: &str, stop: Option<&Stop>) -> Result<(), BoxError> {
    let words = setting(point).unwrap_or_default();
    for word in words.split(',').filter(|word| !word.is_empty()) {
        let (verb, number) = word.split_once('=').unwrap_or((word, "0"));
        let number: u64 = number.parse().map_err(|_| format!("GF_{point}: {word:?} has no number"))?;
        match verb {
            "atexit" => assert!(shutdown_hooks::add_shutdown_hook(hang_at_exit), "atexit handlers can be registered"),
            "busy" => loop {
                std::hint::spin_loop();
            },
            "error" => return Err(format!("{point} failed on purpose").into()),
            "first" if !counted(point, number) => return Ok(()),
            "first" => {}
            "exit" => std::process::exit(i32::try_from(number)?),
            "hold_logger" => mem::forget(LOCK.lock().unwrap_or_else(PoisonError::into_inner)),
            "hold_stderr" => mem::forget(std::io::stderr().lock()),
            "hold_stdout" => mem::forget(std::io::stdout().lock()),
            "mutex" => {
                let lock = Mutex::new(());
                let held = lock.lock();
                drop(lock.lock());
                drop(held);
            }
            "panic" => panic!("{point} panicked on purpose"),
            "read" => {
                let (mut reader, writer) = std::io::pipe()?;
                let _ = reader.read(&mut [0]);
                drop(writer);
            }
            "sleep" => thread::sleep(Duration::from_millis(number)),
            "freeze" | "spin" => {
                // Asking is what the library waits for; the answer means nothing.
                let _ = nix::unistd::access(format!("/{verb}").as_str(), nix::unistd::AccessFlags::F_OK);
            }
            "stop_sleep" => stop.ok_or("there is no stop here")?.sleep(Duration::from_secs(3600))?,
            _ => return Err(format!("GF_{point}: {word:?} is not known").into()),
        }
    }
    Ok(())
}

/// Whether this is one of the first `most` times at this point.
fn counted(point: &str, most: u64) -> bool {
    static TIMES: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());
    let mut times = TIMES.lock().unwrap_or_else(PoisonError::into_inner);
    let times = times.entry(point.to_owned()).or_default();
    *times += 1;
    *times <= most
}

extern "C" fn hang_at_exit() {
    say("atexit handler hangs");
    loop {
        thread::park();
    }
}

fn write(stream: impl std::os::fd::AsFd, line: &str) {
    // A closed stream is no error of a fixture.
    let _ = nix::unistd::write(stream, format!("{line}\n").as_bytes());
}

static LOCK: Mutex<()> = Mutex::new(());
static LOGGER: Logger = Logger;

/// `log: INFO graceful: phase changed from=serving to=draining`.
struct Logger;

impl Log for Logger {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        if setting("logger").as_deref() == Some("panic") {
            panic!("the logger panicked on purpose");
        }
        let _held = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
        let mut line = format!("log: {} {}: {}", record.level(), record.target(), record.args());
        let mut fields = Fields(&mut line);
        // The visitor cannot fail.
        let _ = record.key_values().visit(&mut fields);
        write(std::io::stderr(), &line);
    }

    fn flush(&self) {
        if setting("logger").as_deref() == Some("hang_flush") {
            loop {
                thread::park();
            }
        }
        write(std::io::stderr(), "log: flushed");
    }
}

struct Fields<'a>(&'a mut String);

impl<'kvs> log::kv::VisitSource<'kvs> for Fields<'_> {
    fn visit_pair(&mut self, key: log::kv::Key<'kvs>, value: log::kv::Value<'kvs>) -> Result<(), log::kv::Error> {
        let _ = write!(self.0, " {key}={value}");
        Ok(())
    }
}
