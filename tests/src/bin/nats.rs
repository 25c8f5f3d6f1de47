//! A service that uses the NATS at `GF_URL`. What it does there: `GF_PUBLISHERS=8` threads publish to `out` until they are
//! told to stop, and say `published …`; `GF_TASK=in` is a task that handles what comes there, as one of the group `workers`,
//! until it is told to stop, `GF_THREAD=in` a thread that does so until the drain ends it: both say `handled …`, publish it to
//! `done`, and take `GF_SLOWLY` microseconds for it. `GF_STUCK=in` subscribes and never reads.
//! `GF_LAST=100` publishes so many messages to `out` in a hook before NATS is drained.
#![forbid(unsafe_code)]

use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use graceful::nats::{self, Message, Nats, NatsLeft};
use graceful::{App, BoxError, Deadline, Stop, cleanup, task};
use graceful_tests::fixture::{First, hook, install_logger, number, say, setting};

/// The thread of `GF_THREAD`.
struct Listening(Mutex<Option<JoinHandle<()>>>);

#[graceful::main(timeout = "20s", drain = "2s", tasks = "3s", flush = "1s")]
fn main(app: &App) -> Result<(), BoxError> {
    install_logger();
    app.provide(First);
    let nats = app.provide(nats::connect(&setting("url").ok_or("GF_URL is missing")?)?);
    nats.ping(Duration::from_secs(5))?;
    if let Some(subject) = setting("thread") {
        let subscription = nats.queue_subscribe(&subject, "workers")?;
        let nats = nats.clone();
        let listening = thread::spawn(move || {
            for message in subscription {
                handle(&nats, &message);
            }
            say("subscription ended");
        });
        app.provide(Listening(Mutex::new(Some(listening))));
    }
    if let Some(subject) = setting("stuck") {
        std::mem::forget(nats.subscribe(&subject)?);
    }
    app.ready()?;
    say("ready");
    Ok(())
}

#[task]
fn publish(nats: &Nats, stop: &Stop) {
    thread::scope(|scope| {
        for publisher in 0..number("publishers") {
            scope.spawn(move || publish_until(nats, stop, publisher));
        }
    });
    stop.wait();
}

#[task]
fn work(nats: &Nats, stop: &Stop) -> Result<(), BoxError> {
    let Some(subject) = setting("task") else {
        stop.wait();
        return Ok(());
    };
    let mut subscription = nats.queue_subscribe(&subject, "workers")?;
    say("subscribed");
    for message in subscription.until(stop) {
        handle(nats, &message);
    }
    say("subscription ended");
    Ok(())
}

#[cleanup(order = 10, timeout = "1s")]
fn say_last(nats: &Nats) -> Result<(), BoxError> {
    for nth in 0..number("last") {
        nats.publish("out", format!("last:{nth}"))?;
        say(&format!("published last:{nth}"));
    }
    Ok(())
}

#[cleanup(order = 20, timeout = "3s")]
fn drain_nats(nats: &Nats, deadline: Deadline) -> Result<(), NatsLeft> {
    let drained = nats.drain(deadline);
    say(&format!(
        "afterwards: {}",
        nats.publish("out", "late").map_or_else(|error| error.to_string(), |()| "ok".into())
    ));
    drained
}

#[cleanup(order = 30, timeout = "1s")]
fn close_first(_: &First, listening: Option<&Listening>) -> Result<(), BoxError> {
    // The drain has ended its subscription; what it says then is to be heard.
    let thread = listening.and_then(|listening| listening.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    if let Some(thread) = thread {
        thread.join().map_err(|_| "the thread panicked")?;
    }
    hook("close_first")
}

fn publish_until(nats: &Nats, stop: &Stop, publisher: u64) {
    for nth in 0.. {
        if stop.is_stopping() {
            return;
        }
        let text = format!("{publisher}:{nth}");
        match nats.publish("out", text.clone()) {
            Ok(()) => say(&format!("published {text}")),
            Err(error) => say(&format!("not published {text}: {error}")),
        }
        thread::sleep(Duration::from_micros(100));
    }
}

fn handle(nats: &Nats, message: &Message) {
    let text = String::from_utf8_lossy(&message.payload).into_owned();
    thread::sleep(Duration::from_micros(number("slowly")));
    say(&format!("handled {text}"));
    let sent =
        if message.reply.is_some() { nats.respond(message, text.clone()) } else { nats.publish("done", text.clone()) };
    if let Err(error) = sent {
        say(&format!("not done {text}: {error}"));
    }
}
