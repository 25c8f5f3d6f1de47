//! A thousand who open connections to the probes' port and speak one byte at a time, while others are to be answered.

use std::io::{ErrorKind, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use graceful_tests::{Http, PATIENCE, Running, SLACK, Service, Signal, get};

use crate::http::connect;

const CROWD: usize = 1000;

/// As long as a probe may take, on a machine that is busy with other tests besides.
const AT_MOST: Duration = Duration::from_secs(1);

/// Clients that never finish their heads, and come back when they are thrown out.
struct Slow {
    ended: Arc<AtomicBool>,
    bytes: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Slow {
    fn at(address: SocketAddr) -> Self {
        let (ended, bytes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (is_over, count) = (Arc::clone(&ended), Arc::clone(&bytes));
        let thread = thread::spawn(move || {
            let open = || {
                let stream = TcpStream::connect_timeout(&address, Duration::from_secs(10)).ok()?;
                stream.set_nonblocking(true).ok()?;
                Some(stream)
            };
            let mut crowd: Vec<Option<TcpStream>> = (0..CROWD).map(|_| open()).collect();
            let head = b"GET /health/ready HTTP/1.1\r\nhost: somebody-who-takes-his-time\r\nx-padding: ";
            for byte in head.iter().chain(b"y".iter().cycle()) {
                for place in &mut crowd {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    match place.as_mut().map(|stream| stream.write(&[*byte])) {
                        Some(Ok(_)) => drop(count.fetch_add(1, Ordering::Relaxed)),
                        Some(Err(error)) if error.kind() == ErrorKind::WouldBlock => {}
                        // Thrown out, or never let in: another one.
                        Some(Err(_)) | None => *place = open(),
                    }
                }
            }
        });
        Self { ended, bytes, thread: Some(thread) }
    }

    /// Waits until each of them has said something, on the average.
    fn wait_at_work(&self) {
        while self.bytes.load(Ordering::Relaxed) < 2 * CROWD {
            assert!(!self.thread.as_ref().is_some_and(JoinHandle::is_finished), "they have gone");
            thread::yield_now();
        }
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("it does not panic");
        }
    }
}

#[track_caller]
fn ask(service: &Running, path: &str, status: u16) {
    let began = Instant::now();
    let mut http = Http::connect(service.address_after("admin on ")).expect("it listens");
    http.get(path).expect_status(status);
    let took = began.elapsed();
    assert!(took < AT_MOST + SLACK, "{path} took {took:?}");
}

/// Its check has a schedule of its own, and little time on a busy machine.
#[track_caller]
fn wait_ready(service: &Running) {
    let until = Instant::now() + PATIENCE;
    let mut http = Http::connect(service.address_after("admin on ")).expect("it listens");
    while http.get("/health/ready").status != 200 {
        assert!(Instant::now() < until, "{service}");
    }
}

#[test]
fn a_thousand_slow_heads() {
    let service = Service::fixture("probes").env("SHUTDOWN_LAME_DUCK", "500ms").start();
    let slow = Slow::at(service.address_after("admin on "));
    slow.wait_at_work();
    for _ in 0..50 {
        ask(&service, "/health/live", 200);
        wait_ready(&service);
    }
    let mut working = connect(&service);
    working.send(get("/work?ms=6000")).expect("it reads");
    service.wait_text("working");
    service.signal(Signal::SIGTERM);
    for phase in ["to=lame_duck", "to=draining"] {
        service.wait_text(phase);
        // For a while, and not until the service is gone.
        let until = Instant::now() + Duration::from_millis(500);
        loop {
            ask(&service, "/health/ready", 503);
            ask(&service, "/health/live", 200);
            if Instant::now() >= until {
                break;
            }
        }
    }
    working.answer().expect("answered").expect(200, "done\n");
    let exit = service.wait(PATIENCE);
    // As long as the work takes, and no longer for all of them.
    exit.expect_code(0).expect_outcome("clean").expect_within(Duration::from_secs(6));
    drop(slow);
}
