//! The reference service is killed in the middle of its shutdown: the next one finishes what it began.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use graceful_tests::{PATIENCE, Signal};

use crate::service::{Acknowledged, Buyers, Shop};

const KILLS: usize = 20;

#[test]
fn killed_at_random_instants_of_the_shutdown() {
    let shop = Shop::new();
    let acknowledged = kill_again_and_again(&shop);
    shop.start().stop().expect_code(0).expect_outcome("clean");
    shop.expect_complete(&acknowledged);
    // It is not delivered once more.
    shop.start().stop().expect_code(0);
    shop.expect_complete(&acknowledged);
}

/// What was acknowledged; no id twice. `GRACEFUL_SEED` repeats what was printed.
pub(crate) fn kill_again_and_again(shop: &Shop) -> Acknowledged {
    let seed = std::env::var("GRACEFUL_SEED").map(|seed| seed.parse().expect("a number"));
    let seed = seed.unwrap_or_else(|_| SystemTime::now().duration_since(UNIX_EPOCH).expect("now").as_nanos() as u64);
    println!("GRACEFUL_SEED={seed}");
    let mut random = Random(seed | 1);
    let mut acknowledged = Acknowledged::new();
    for nth in 0..KILLS {
        let service = shop.start();
        let buyers = Buyers::start(service.address(), 8);
        buyers.wait(30 + random.below(50) as usize);
        service.signal(Signal::SIGTERM);
        // The shutdown takes some hundredths of a second; most of them hit it.
        thread::sleep(Duration::from_micros(random.below(50_000)));
        if !service.has_ended() {
            service.signal(Signal::SIGKILL);
        }
        let exit = service.wait(PATIENCE);
        let bought = buyers.join();
        println!(
            "kill {nth}: {} acknowledged, {} unknown, ended with {:?}",
            bought.acknowledged.len(),
            bought.unknown,
            exit.signal
        );
        for (id, order) in bought.acknowledged {
            assert!(acknowledged.insert(id, order).is_none(), "the id {id} was given twice");
        }
    }
    acknowledged
}

/// The next start cuts off half a line of the audit log, and writes it whole.
#[test]
fn half_a_line_in_the_audit_log() {
    use std::io::Write as _;

    let shop = Shop::new();
    let service = shop.start();
    let buyers = Buyers::start(service.address(), 4);
    buyers.wait(20);
    service.signal(Signal::SIGKILL);
    let _ = service.wait(PATIENCE);
    let bought = buyers.join();
    let mut audit = std::fs::File::options().append(true).open(shop.data().join("audit")).expect("an audit log");
    audit.write_all(b"{\"id\":1,\"it").expect("room");
    shop.start().stop().expect_code(0);
    shop.expect_complete(&bought.acknowledged);
}

/// Enough for a test: xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
