//! A service with checks: `database` is critical and reads the value that the hook `close` takes, `disk` asks for a value that
//! is never there, `moving` is one of liveness, `cache` was added without an attribute. What each does at a run stands in the
//! file of its name in the folder `GF_FOLDER`, which a test may write at any time:
//!
//! | word | what the run does |
//! |---|---|
//! | `ok`, or no file | passes |
//! | `error`, `panic` | fails that way |
//! | `slow` | passes after 150 ms |
//! | `wait` | passes as soon as the word is another |
//! | `hang` | hangs in a `read` |
//!
//! A thread asks all the time, and says what has changed.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use graceful::{App, Args, BoxError, Check, Deadline, Stop, cleanup, liveness, readiness};
use graceful_tests::fixture::{act_until, hook, say, setting};

struct Pool;
struct NeverProvided;

#[graceful::main(timeout = "10s", drain = "1s", tasks = "2s", flush = "1s")]
fn main(app: &App) -> Result<(), BoxError> {
    app.give(Pool);
    let (observed, mut said) = (app.clone(), BTreeMap::new());
    // Once before anything happens, so that every change is one.
    look(&observed, &mut said);
    thread::spawn(move || {
        loop {
            look(&observed, &mut said);
            thread::sleep(Duration::from_millis(2));
        }
    });
    app.check(added("cache"))?;
    app.ready()?;
    say("ready");
    if setting("later").is_some() {
        app.check(added("later").critical())?;
    }
    act_until("main", &app.stop())
}

#[readiness(every = "250ms", timeout = "250ms", critical, failures = 3, successes = 2)]
fn database(_: &Pool) -> Result<(), BoxError> {
    run("database")
}

#[readiness(every = "250ms")]
fn disk(_: &NeverProvided) {
    say("disk ran");
}

#[liveness(every = "250ms", failures = 2)]
fn moving(stop: &Stop, until: Deadline, app: &App) -> Result<(), BoxError> {
    assert!(!stop.is_stopping() && until.remaining() <= Duration::from_millis(250) && app.checks().len() >= 3);
    run("moving")
}

#[cleanup(timeout = "1s")]
fn close(_: Pool) -> Result<(), BoxError> {
    hook("close")
}

fn added(name: &'static str) -> Check {
    let interval = Duration::from_millis(250);
    Check::new(name, move |_: &mut Args<'_>| run(name)).every(interval).timeout(interval).failures(2)
}

fn run(name: &str) -> Result<(), BoxError> {
    let word = word(name);
    say(&format!("{name} runs: {word}"));
    match word.as_str() {
        "ok" => Ok(()),
        "error" => Err(format!("{name} has no answer").into()),
        "panic" => panic!("{name} panicked on purpose"),
        "slow" => {
            thread::sleep(Duration::from_millis(150));
            say(&format!("{name} was slow"));
            Ok(())
        }
        "wait" => {
            while self::word(name) == "wait" {
                thread::sleep(Duration::from_millis(5));
            }
            say(&format!("{name} has waited"));
            Ok(())
        }
        "hang" => {
            let (mut reader, _writer) = std::io::pipe()?;
            reader.read_exact(&mut [0])?;
            Ok(())
        }
        other => Err(format!("{other:?} is not known").into()),
    }
}

fn word(name: &str) -> String {
    let folder = setting("folder").unwrap_or_default();
    std::fs::read_to_string(Path::new(&folder).join(name)).unwrap_or_else(|_| "ok".to_owned())
}

/// Says what is different since it looked last.
fn look(app: &App, said: &mut BTreeMap<String, String>) {
    let mut tell = |key: String, text: String| {
        if said.get(&key) != Some(&text) {
            say(&format!("{key}{text}"));
            said.insert(key, text);
        }
    };
    tell("is ".to_owned(), format!("ready={} alive={}", app.is_ready(), app.is_alive()));
    for check in app.checks() {
        let last = check.last.map_or_else(|| "nothing".to_owned(), |last| last.to_string());
        tell(format!("{} is ", check.name), format!("{}, last: {last}", check.status));
    }
}
