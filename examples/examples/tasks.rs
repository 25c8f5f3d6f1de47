//! Background threads: periodic and long-running ones, what happens when they fail, and how they hear of the stop.
//!
//! Run:    cargo run --release --example tasks
//! Stop:   Ctrl-C, or `kill` with its pid. `kill -HUP` has it read its settings again.
//! Prints: `ready`, a line for each thing that is done, and at the end what was left to do: nothing.
//!
//! No task is killed: each is told, finishes what it has begun, and is joined. One that takes longer than 5 s is named in the
//! report with where it is stuck, and the exit code is 3.
#![forbid(unsafe_code)]

use std::io;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use graceful::{App, BoxError, ChildEnd, Stop, Stopping, cleanup, reload, task};

#[derive(Default)]
struct Settings {
    version: AtomicU64,
}

#[graceful::main(timeout = "20s", tasks = "5s")]
fn main(app: &App) {
    let (orders, to_pack) = crossbeam_channel::unbounded::<u64>();
    app.provide(orders);
    app.provide(to_pack);
    app.provide(Settings::default());
    println!("ready");
}

/// Called once a second. If it failed, that would be logged, and it would be called again when it is due.
#[task(every = "1s")]
fn order(orders: &Sender<u64>, settings: &Settings) -> Result<(), BoxError> {
    orders.send(settings.version.load(Ordering::Relaxed))?;
    Ok(())
}

/// Runs as long as the service. If it failed, the service would shut down: nobody would pack any more.
#[task]
fn pack(to_pack: &Receiver<u64>, stop: &Stop) {
    // What is in the channel comes before the stop, so this leaves it empty.
    while let Ok(version) = stop.recv(to_pack) {
        println!("packed an order with settings version {version}");
    }
}

/// Needs some time and then is done; the stop may come first. It is not important enough to stop anything for.
#[task(panic = "ignore")]
fn warm_up(stop: &Stop) -> Result<(), Stopping> {
    for step in 1..=3 {
        stop.sleep(Duration::from_millis(300))?;
        println!("warmed up {step} of 3");
    }
    Ok(())
}

/// Has another program run beside it. At the stop that is sent SIGTERM, after 2 s SIGKILL. If it ends by itself, that is an
/// error, and the task starts again after a pause.
#[task(panic = "restart")]
fn helper(stop: &Stop) -> Result<(), BoxError> {
    let mut child = stop.child(Command::new("sleep").arg("3600"))?.grace(Duration::from_secs(2));
    println!("helper started with pid {}", child.id());
    match child.wait()? {
        ChildEnd::Exited(status) => Err(format!("the helper ended: {status}").into()),
        ChildEnd::Killed(status) | ChildEnd::Terminated(status) => {
            println!("helper ended: {status}");
            Ok(())
        }
    }
}

/// Runs at SIGHUP, while everything else goes on.
#[reload]
fn read_settings(settings: &Settings) -> io::Result<()> {
    let version = settings.version.fetch_add(1, Ordering::Relaxed) + 1;
    println!("settings version {version}");
    Ok(())
}

#[cleanup]
fn say_what_is_left(to_pack: &Receiver<u64>) {
    println!("{} orders are left", to_pack.len());
}
