//! What 1 000 hooks cost when they run, beyond their own time. Hand-written loops and threads are the floor.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use graceful::{Args, Hook, HookOutcome, Outcome, Runtime};
use graceful_benches::Result;

use crate::samples::Samples;
use crate::table::Group;

const HOOKS: usize = 1000;
const RUNS: usize = 15;

/// How long a hook that sleeps does.
const SLEEP: Duration = Duration::from_millis(1);

/// A day's total, so that the plan has room for 1 000 default timeouts one after the other.
const TOTAL: Duration = Duration::from_secs(24 * 3600);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Different,
    Equal,
}

type Body = fn();

pub(crate) fn measure() -> Result<Vec<Group>> {
    let mut none = Samples::default();
    let mut equal: [Samples; 3] = Default::default();
    let mut different = equal.clone();
    let mut sleeping = equal.clone();
    for _ in 0..RUNS {
        none.add(shut_down(0, Order::Equal, idle)?);
        equal[0].add(shut_down(HOOKS, Order::Equal, idle)?);
        equal[1].add(threads_at_once(idle)?);
        different[0].add(shut_down(HOOKS, Order::Different, idle)?);
        different[1].add(threads_in_turn(idle)?);
        different[2].add(in_a_loop(idle));
        let own = SLEEP.as_secs_f64() * 1e3;
        sleeping[0].add(shut_down(HOOKS, Order::Equal, nap)? - own);
        sleeping[1].add(threads_at_once(nap)? - own);
    }
    let [equal, at_once, _] = equal;
    let [different, in_turn, in_a_loop] = different;
    let [sleeping, asleep_at_once, _] = sleeping;
    Ok(vec![
        Group::new("shutdown with no hook", "ms").row("graceful, embedded", none),
        Group::new("1 000 empty hooks of equal order", "ms")
            .row("graceful, embedded", equal)
            .row("1 000 threads at once, joined", at_once),
        Group::new("1 000 empty hooks of different orders", "ms")
            .row("graceful, embedded", different)
            .row("1 000 threads, one after the other", in_turn)
            .row("1 000 closures in a loop", in_a_loop),
        Group::new("1 000 hooks of equal order that sleep 1 ms, beyond it", "ms")
            .row("graceful, embedded", sleeping)
            .row("1 000 threads at once, joined", asleep_at_once),
    ])
}

fn idle() {}

fn nap() {
    thread::sleep(SLEEP);
}

/// From the request to the report, in milliseconds.
fn shut_down(hooks: usize, order: Order, body: Body) -> Result<f64> {
    let mut builder = Runtime::builder("hooks").timeout(TOTAL);
    for (place, number) in (0_i32..).zip(0..hooks) {
        let order = if order == Order::Equal { 0 } else { place };
        builder = builder.hook(Hook::new(format!("hook {number}"), move |_: &mut Args<'_>| body()).order(order));
    }
    let runtime = builder.start()?;
    runtime.app().ready()?;
    let began = Instant::now();
    let report = runtime.shutdown("the benchmark");
    let took = began.elapsed();
    let completed = report.hooks.iter().filter(|hook| hook.outcome == HookOutcome::Completed).count();
    if report.outcome != Outcome::Clean || completed != hooks {
        return Err(format!("{completed} of {hooks} hooks completed: {report}").into());
    }
    Ok(took.as_secs_f64() * 1e3)
}

fn threads_at_once(body: Body) -> Result<f64> {
    let began = Instant::now();
    let threads: Vec<_> = (0..HOOKS).map(|_| thread::Builder::new().spawn(body)).collect::<std::io::Result<_>>()?;
    for thread in threads {
        thread.join().map_err(|_| "a thread panicked")?;
    }
    Ok(began.elapsed().as_secs_f64() * 1e3)
}

fn threads_in_turn(body: Body) -> Result<f64> {
    let began = Instant::now();
    for _ in 0..HOOKS {
        thread::Builder::new().spawn(body)?.join().map_err(|_| "a thread panicked")?;
    }
    Ok(began.elapsed().as_secs_f64() * 1e3)
}

fn in_a_loop(body: Body) -> f64 {
    let bodies: Vec<Box<dyn FnOnce()>> = (0..HOOKS).map(|_| Box::new(black_box(body)) as Box<dyn FnOnce()>).collect();
    let began = Instant::now();
    for body in bodies {
        body();
    }
    began.elapsed().as_secs_f64() * 1e3
}
