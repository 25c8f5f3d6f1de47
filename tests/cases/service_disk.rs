//! The disk of the reference service is full: errors say so, and nothing acknowledged is lost.

use std::time::Duration;

use graceful_tests::{PATIENCE, Signal};

use crate::service::{Acknowledged, Buyers, Shop};

/// No file may grow beyond so many blocks of 512 bytes.
fn limited(blocks: usize) -> [String; 3] {
    // The signal that the limit sends would end the process; a full disk sends none.
    ["sh".into(), "-c".into(), format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"")]
}

#[test]
fn the_database_cannot_grow() {
    let shop = Shop::new();
    let service = shop.service().under(limited(1000)).start();
    let buyers = Buyers::start(service.address(), 8);
    buyers.wait_refused(20);
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    let bought = buyers.join();
    exit.expect_within(Duration::from_secs(20));
    assert_eq!(bought.refused.keys().collect::<Vec<_>>(), [&503], "{bought:?} {exit}");
    assert!(bought.refused[&503].1.contains("the order is not stored"), "{bought:?}");
    assert!(!bought.acknowledged.is_empty() && bought.unknown == 0, "{bought:?}");
    recovers(&shop, &bought.acknowledged);
}

/// Orders are taken, and wait in the outbox for the audit log.
#[test]
fn the_audit_log_cannot_grow() {
    let shop = Shop::new();
    // The audit log is larger than the database will be, with its write-ahead log.
    shop.start().stop().expect_code(0);
    let filler = "{\"id\":0,\"item\":\"filler\",\"quantity\":1}\n";
    let filler = filler.repeat(8_000_000 / filler.len());
    std::fs::write(shop.data().join("audit"), filler).expect("room");
    let service = shop.service().under(limited(8_000_000 / 512 + 2)).start();
    let buyers = Buyers::start(service.address(), 4);
    buyers.wait(60);
    service.signal(Signal::SIGTERM);
    let exit = service.wait(PATIENCE);
    let bought = buyers.join();
    exit.expect_code(3).expect_incomplete("orders wait in the outbox for the next start");
    assert!(bought.refused.is_empty() && bought.unknown == 0, "{bought:?} {exit}");
    std::fs::remove_file(shop.data().join("audit")).expect("it is there");
    let service = shop.start();
    service.signal(Signal::SIGTERM);
    service.wait(PATIENCE).expect_code(0);
    let (orders, outbox) = shop.sqlite();
    crate::service::expect_all("the database", &orders, &bought.acknowledged);
    assert_eq!(outbox, 0);
}

fn recovers(shop: &Shop, acknowledged: &Acknowledged) {
    shop.start().stop().expect_code(0).expect_outcome("clean");
    shop.expect_complete(acknowledged);
}
