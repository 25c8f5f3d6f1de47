//! A service that uses the Redis at `GF_URL`. What it does there: `GF_WRITERS=8` threads append to the list `orders` until
//! they are told to stop, and say `saved …` when they are told that it is; `GF_PENDING=100` commands are pending (`INCR
//! pending`); `GF_SUBSCRIBE=channel` says `got …`, and takes `GF_SLOWLY` milliseconds for it; `GF_BLPOP=1` waits for an
//! element that never comes, in a thread of its own.
#![forbid(unsafe_code)]

use std::thread;
use std::time::Duration;

use graceful::redis::redis::{Commands as _, cmd};
use graceful::redis::{self, Redis, RedisLeft};
use graceful::{App, BoxError, Deadline, Stop, cleanup, task};
use graceful_tests::fixture::{First, hook, install_logger, number, say, setting};

#[graceful::main(timeout = "20s", drain = "2s", tasks = "3s", flush = "1s")]
fn main(app: &App) -> Result<(), BoxError> {
    install_logger();
    app.provide(First);
    let url = setting("url").ok_or("GF_URL is missing")?;
    let redis = app.provide(redis::open(&url, 8)?);
    for _ in 0..number("pending") {
        redis.push(cmd("INCR").arg("pending").take())?;
    }
    if setting("blpop").is_some() {
        let redis = redis.clone();
        thread::spawn(move || wait_for_ever(&redis));
    }
    app.ready()?;
    if let Err(error) = redis.ping(Duration::from_secs(1)) {
        say(&error.to_string());
    }
    say("ready");
    Ok(())
}

#[task]
fn write(redis: &Redis, stop: &Stop) {
    thread::scope(|scope| {
        for writer in 0..number("writers") {
            scope.spawn(move || save(redis, stop, writer));
        }
    });
    stop.wait();
}

#[task]
fn listen(redis: &Redis, stop: &Stop) -> Result<(), BoxError> {
    let Some(channel) = setting("subscribe") else {
        stop.wait();
        return Ok(());
    };
    let subscription = redis.subscribe([channel])?;
    say("subscribed");
    for message in subscription.until(stop) {
        say(&format!("got {}", message.get_payload::<String>()?));
        thread::sleep(Duration::from_millis(number("slowly")));
    }
    say("subscription ended");
    Ok(())
}

#[cleanup(order = 20, timeout = "3s")]
fn close_redis(redis: &Redis, deadline: Deadline) -> Result<(), RedisLeft> {
    let closed = redis.close(deadline);
    say(&format!("statistics: {}", redis.statistics()));
    closed.map(drop)
}

#[cleanup(order = 30, timeout = "1s")]
fn close_first(_: &First) -> Result<(), BoxError> {
    hook("close_first")
}

fn save(redis: &Redis, stop: &Stop, writer: u64) {
    for nth in 0.. {
        if stop.is_stopping() {
            return;
        }
        let order = format!("{writer}:{nth}");
        let saved = redis.get().and_then(|mut connection| Ok(connection.rpush::<_, _, ()>("orders", &order)?));
        match saved {
            Ok(()) => say(&format!("saved {order}")),
            Err(error) => {
                say(&format!("not saved {order}: {error}"));
                let _ = stop.sleep(Duration::from_millis(20));
            }
        }
    }
}

fn wait_for_ever(redis: &Redis) {
    let mut connection = match redis.get() {
        Ok(connection) => connection,
        Err(error) => return say(&error.to_string()),
    };
    say("waiting");
    let popped = connection.blpop::<_, (String, String)>("nothing", 0.0);
    say(&format!("waited: {}", popped.map_or_else(|error| error.to_string(), |(_, value)| value)));
}
