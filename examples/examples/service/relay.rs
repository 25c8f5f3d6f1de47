//! From the outbox to everybody else: the feed, the audit log, other services.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, select};
use graceful::files::{AppendLog, Durability};
use graceful::{BoxError, Deadline, Stop};

use crate::feed::Feed;
use crate::publisher::Publisher;
use crate::store::{Db, Order};

pub(crate) struct Relay {
    audit: AppendLog,
    feed: Feed,
    publisher: Publisher,
    /// Lines of the audit log whose orders may still be in the outbox.
    audited: Mutex<HashSet<String>>,
    wake: (Sender<()>, Receiver<()>),
}

/// So many orders are delivered at a time.
const BATCH: usize = 256;

/// The outbox is looked at at least that often.
const IDLE: Duration = Duration::from_secs(1);

impl Relay {
    pub(crate) fn open(data: &Path, feed: Feed, publisher: Publisher) -> Result<Self, BoxError> {
        // What a crash has left half-written is cut off here.
        let audit = AppendLog::open(data.join("audit"), Durability::OnRequest)?;
        let audited = Mutex::new(last_lines(audit.path())?);
        Ok(Self { audit, feed, publisher, audited, wake: bounded(1) })
    }

    /// Delivers everything that is in the outbox. It may fail, or the process may end, anywhere in here: what has not left the
    /// outbox is delivered once more.
    pub(crate) fn deliver(&self, db: &Db) -> Result<(), BoxError> {
        let mut audited = self.audited.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let orders = db.outbox(BATCH)?;
            let Some(last) = orders.last() else { return Ok(()) };
            self.feed.show(&orders);
            for line in orders.iter().map(line) {
                if !audited.contains(&line) {
                    self.audit.append(&line)?;
                    audited.insert(line);
                }
            }
            self.audit.sync()?;
            self.publisher.publish(&orders)?;
            db.delivered(last.id)?;
            audited.clear();
        }
    }

    /// There is something in the outbox.
    pub(crate) fn wake(&self) {
        // Full: it is awake already.
        let _ = self.wake.0.try_send(());
    }

    /// Waits until there is something, or it is time to stop.
    pub(crate) fn wait(&self, stop: &Stop) {
        select! {
            recv(self.wake.1) -> _ => {}
            recv(stop.channel()) -> _ => {}
            default(IDLE) => {}
        }
    }

    /// Whether other services can be told.
    pub(crate) fn ping(&self) -> Result<(), BoxError> {
        self.publisher.ping()
    }

    pub(crate) fn close_audit(&self) -> io::Result<()> {
        self.audit.close()
    }

    pub(crate) fn close_publisher(&self, deadline: Deadline) -> Result<(), BoxError> {
        self.publisher.close(deadline)
    }
}

/// One line an order. With the time, so that no two orders of different databases have the same.
fn line(order: &Order) -> String {
    let mut json = order.json();
    json["placed"] = order.placed.into();
    json.to_string()
}

/// As many as were written since the outbox was last emptied, or more.
fn last_lines(path: &Path) -> io::Result<HashSet<String>> {
    /// No line is as long.
    const LONGEST: u64 = 2048;
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(BATCH as u64 * LONGEST)))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    // The first may be half a line, which is equal to none.
    Ok(String::from_utf8_lossy(&end).lines().map(str::to_owned).collect())
}
