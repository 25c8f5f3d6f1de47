//! What a drainable pool costs over the pool that it drains: a checkout and its return.

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use graceful::pool::{Canceller, Pool, r2d2};
use graceful_benches::Result;

use crate::samples::{Samples, turns};
use crate::table::Group;

const CHECKOUTS: usize = 100_000;
const ROUNDS: usize = 31;
const THREADS: usize = 4;

/// Its connections cost nothing, so that only the pools are measured.
#[derive(Debug)]
struct Nothing;

impl r2d2::ManageConnection for Nothing {
    type Connection = ();
    type Error = Infallible;

    fn connect(&self) -> std::result::Result<(), Infallible> {
        Ok(())
    }

    fn is_valid(&self, (): &mut ()) -> std::result::Result<(), Infallible> {
        Ok(())
    }

    fn has_broken(&self, (): &mut ()) -> bool {
        false
    }
}

pub(crate) fn measure() -> Result<Vec<Group>> {
    Ok(vec![
        contest("checkout and return, 1 thread, 4 connections", 1, 4)?,
        contest("checkout and return, 4 threads, 8 connections", THREADS, 8)?,
        contest("checkout and return, 4 threads, 2 connections", THREADS, 2)?,
    ])
}

fn contest(title: &'static str, threads: usize, size: u32) -> Result<Group> {
    let open = || r2d2::Pool::builder().max_size(size).build(Nothing);
    let bare = open()?;
    let drainable =
        Pool::with_canceller("bench", open()?, |(): &mut ()| -> Option<Canceller> { Some(Arc::new(|| Ok(()))) });
    let mut samples: [Samples; 2] = Default::default();
    for round in 0..ROUNDS {
        for turn in turns(round, 2) {
            samples[turn].add(match turn {
                0 => each(threads, || drop(black_box(bare.get().ok()))),
                _ => each(threads, || drop(black_box(drainable.get().ok()))),
            });
        }
    }
    let [bare, drainable] = samples;
    Ok(Group::new(title, "ns").row("r2d2", bare).row("graceful, over r2d2", drainable))
}

/// Nanoseconds of wall clock for each call.
fn each(threads: usize, call: impl Fn() + Sync) -> f64 {
    let calls = CHECKOUTS / threads;
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..calls).for_each(|_| call()));
        }
    });
    began.elapsed().as_secs_f64() * 1e9 / CHECKOUTS as f64
}
