//! Clients that do whatever comes to their mind, while the service ends.

use std::sync::atomic::AtomicBool;

use super::*;

/// Numbers that look random, the same ones each time.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        // Knuth's multiplier, and the upper bits, which are the better ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn visit(hall: &Hall, dice: &mut Dice) -> io::Result<()> {
    let stream = match hall.address {
        Some(address) => Stream::Tcp(TcpStream::connect(address)?),
        None => Stream::Unix(UnixStream::connect(&hall.path)?),
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut client = Client { stream, heard: Vec::new() };
    for _ in 0..dice.throw(6) {
        let line = match dice.throw(12) {
            0 => "call",
            1 => "work",
            2 => "work\necho a\nwork\necho b",
            3 => "panic",
            4 => "quit",
            5 => "much 200000\necho c",
            6 => "until 1",
            7 => "give-up",
            8 => "echo half\nech",
            _ => "echo hello",
        };
        client.try_say(line)?;
        // Some listen, and some have said enough.
        match dice.throw(4) {
            0 => {}
            1 => client.stream.shutdown(Shutdown::Write)?,
            _ => drop(client.try_hear()?),
        }
    }
    Ok(())
}

/// Visitors go home, also when the test has failed.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn storm(ground: Ground, seed: u64) {
    println!("seed {seed}");
    let mut dice = Dice(seed);
    // One call in a while blocks for a little.
    let naps = Mutex::new(Dice(seed ^ 0xabcd));
    let on_call = move || {
        let nap = naps.lock().expect("not poisoned").throw(8);
        let (_open, gate) = gate();
        let _ = gate.recv_timeout(Duration::from_millis(if nap == 0 { 4 } else { 0 }));
    };
    let settings = Settings { on_call: Some(Arc::new(on_call)), ..Settings::default() };
    let limits = Limits { workers: 4, requests: 8, idle: Duration::from_millis(5), ..Limits::default() };
    let hall = Hall::with(ground, limits, settings);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for visitor in 0..4 {
            let mut dice = Dice(seed.wrapping_mul(31).wrapping_add(visitor));
            let (hall, over) = (&hall, &over);
            scope.spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    // Whatever else it comes to.
                    let error = visit(hall, &mut dice).err().map(|error| error.kind());
                    if matches!(error, Some(io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound)) {
                        return;
                    }
                }
            });
        }
        let visiting = Over(&over);
        let visits = 30 + dice.throw(150);
        while hall.bench.counts().accepted < visits {
            thread::yield_now();
        }
        hall.bench.drain();
        let mut ends = vec![hall.bench.stopped.recv_timeout(PATIENCE)];
        // The deadline comes early, late, or not at all.
        let patience = dice.throw(3);
        for _ in 0..patience * 200 {
            hall.bench.counts();
            thread::yield_now();
        }
        if patience < 2 {
            hall.bench.cut();
            let counts = hall.bench.counts();
            assert_eq!(counts.still_open, 0, "{counts:?}");
        } else {
            hall.bench.await_drained();
        }
        drop(visiting);
        ends.extend(hall.bench.stopped.try_recv().map(Ok));
        assert_eq!(ends, [Ok(EngineEvent::ListenersStopped)]);
    });
    hall.bench.engine.finish();
    let counts = hall.bench.counts();
    assert_eq!(counts.still_open, 0, "{counts:?}");
    let core = Arc::downgrade(&hall.bench.engine.core);
    drop(hall);
    await_gone(&core);
}

/// All at once: most of the time of each goes by while clients find out that nobody listens any more.
fn storms(ground: Ground, seeds: std::ops::Range<u64>) {
    thread::scope(|scope| {
        for seed in seeds {
            scope.spawn(move || storm(ground, seed));
        }
    });
}

#[test]
fn a_storm_on_one_loop() {
    storms(ONE_LOOP, 0..12);
}

#[test]
fn a_storm_on_three_loops() {
    storms(THREE_LOOPS, 100..112);
}

#[test]
fn a_storm_on_unix_sockets() {
    storms(Ground { road: Road::Unix, ..THREE_LOOPS }, 200..206);
}

#[test]
fn a_storm_on_workers() {
    storms(Ground { driven: Driven::Workers, ..ONE_LOOP }, 300..304);
}

/// The names of the threads of this process that are the engine's.
#[cfg(target_os = "linux")]
fn threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("mounted");
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    let ours = ["gf-loop", "gf-work", "gf-sentry"];
    names.map(|name| name.trim().to_owned()).filter(|name| ours.iter().any(|ours| name.starts_with(ours))).collect()
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "the process must be its own: see below"]
fn alone() {
    storms(THREE_LOOPS, 400..404);
    let hall = Hall::new(THREE_LOOPS);
    hall.clients(3);
    // Three loops and the sentry. A thread takes its name a moment after it was started.
    await_threads(4);
    hall.leave_nothing_behind();
    await_threads(0);
}

#[cfg(target_os = "linux")]
fn await_threads(count: usize) {
    let until = crate::clock::now() + PATIENCE;
    while threads().len() != count {
        assert!(!crate::clock::until(until).is_zero(), "not {count}: {:?}", threads());
        thread::yield_now();
    }
}

/// In a process of its own, since the other tests have such threads as well.
#[cfg(target_os = "linux")]
#[test]
fn no_thread_is_left_behind() {
    let program = std::env::current_exe().expect("known");
    let alone = format!("{}::alone", module_path!().split_once("::").expect("a crate").1);
    let output = std::process::Command::new(program).args(["--exact", &alone, "--ignored", "--nocapture"]).output();
    let output = output.expect("run");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}
