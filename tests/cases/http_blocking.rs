//! Handlers that block: others do not wait for them, whether they were expected to or not.

use std::thread;
use std::time::{Duration, Instant};

use graceful_tests::{Http, get};

use crate::http::{connect, http};

/// How long the slowest of many requests to a quick route takes while `disturb` runs.
fn slowest(bystanders: &mut [Http], disturb: impl FnOnce() + Send) -> Duration {
    let mut worst = Duration::ZERO;
    thread::scope(|scope| {
        let disturbing = scope.spawn(disturb);
        while !disturbing.is_finished() {
            for client in &mut *bystanders {
                let began = Instant::now();
                client.get("/").expect(200, "hello\n");
                worst = worst.max(began.elapsed());
            }
        }
    });
    worst
}

#[test]
fn a_quick_route_that_blocks_by_surprise() {
    let service = http().start();
    let mut bystanders: Vec<Http> = (0..4).map(|_| connect(&service)).collect();
    let mut client = connect(&service);
    for _ in 0..200 {
        client.get("/surprise?ms=0").expect(200, "done\n");
    }
    let worst = slowest(&mut bystanders, || {
        client.get("/surprise?ms=3000").expect(200, "done\n");
    });
    // It is a matter of milliseconds; the rest is for a machine with other things to do.
    assert!(worst < Duration::from_millis(1500), "somebody waited {worst:?}");
    drop((bystanders, client));
    service.stop().expect_code(0).expect_served(5);
}

#[test]
fn many_that_block_at_once() {
    let service = http().start();
    let mut bystanders: Vec<Http> = (0..4).map(|_| connect(&service)).collect();
    let mut blocked: Vec<Http> = (0..40).map(|_| connect(&service)).collect();
    let began = Instant::now();
    let worst = slowest(&mut bystanders, || {
        for client in &mut blocked {
            client.send(get("/work?ms=2000")).expect("it reads");
        }
        for client in &mut blocked {
            client.answer().expect("answered").expect(200, "done\n");
        }
    });
    // All of them at the same time.
    assert!(began.elapsed() < Duration::from_secs(6), "it took {:?}", began.elapsed());
    assert!(worst < Duration::from_millis(1500), "somebody waited {worst:?}");
    drop((bystanders, blocked));
    service.stop().expect_code(0).expect_served(44);
}
