//! Commands that are sent later, many at a time.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use ::redis::{Cmd, RedisError, Value};

use super::connection::Connection;
use super::counters::Counters;
use super::{Error, Unflushed};

/// As many are sent together.
const BATCH: usize = 256;

/// As many may wait while they cannot be sent.
const CAPACITY: usize = 65_536;

/// The queue. One thread sends at a time, so that the order is kept.
#[derive(Debug, Default)]
pub(super) struct Pending {
    state: Mutex<State>,
    /// Somebody has sent.
    sent: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Cmd>,
    /// Taken out of `waiting` to be sent.
    sending: usize,
    open: Open,
    refused: usize,
    error: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Open {
    #[default]
    Yes,
    No,
}

impl Pending {
    /// Adds a command, and tells whether enough are waiting to be sent.
    pub(super) fn push(&self, command: Cmd) -> Result<bool, Error> {
        let mut state = self.state();
        if state.open == Open::No {
            return Err(Error::Closed);
        }
        if state.waiting.len() >= CAPACITY {
            return Err(Error::Full);
        }
        state.waiting.push_back(command);
        Ok(state.waiting.len() >= BATCH && state.sending == 0)
    }

    pub(super) fn close(&self) {
        self.state().open = Open::No;
    }

    pub(super) fn len(&self) -> usize {
        let state = self.state();
        state.waiting.len() + state.sending
    }

    /// Sends everything that was pending when it was called, or tells how much is left at the deadline.
    pub(super) fn flush(
        &self,
        until: Instant,
        counters: &Counters,
        mut connect: impl FnMut() -> Result<Box<dyn Sender>, Error>,
    ) -> Result<usize, Unflushed> {
        let mut left = self.len();
        let mut flushed = 0;
        let mut connection = None;
        while left > 0 {
            let Some(batch) = self.take(until) else {
                let why = "the time was over".to_owned();
                return Err(self.unflushed(Some(why)));
            };
            if batch.is_empty() {
                break;
            }
            let count = batch.len();
            let sent = send(&mut connection, &mut connect, &batch);
            let mut state = self.state();
            state.sending = 0;
            match sent {
                Ok(answers) => {
                    for error in answers.into_iter().filter_map(refusal) {
                        state.refused += 1;
                        state.error = Some(error);
                    }
                    flushed += count;
                    left = left.saturating_sub(count);
                    Counters::add(&counters.flushed, count);
                }
                Err(error) => {
                    batch.into_iter().rev().for_each(|command| state.waiting.push_front(command));
                    drop(state);
                    self.sent.notify_all();
                    return Err(self.unflushed(Some(error.to_string())));
                }
            }
            drop(state);
            self.sent.notify_all();
        }
        let mut state = self.state();
        if state.refused == 0 {
            return Ok(flushed);
        }
        let (refused, error) = (std::mem::take(&mut state.refused), state.error.take());
        Err(Unflushed { left: 0, refused, error })
    }

    /// The next ones, once nobody else sends; `None` when that takes too long.
    fn take(&self, until: Instant) -> Option<Vec<Cmd>> {
        let mut state = self.state();
        while state.sending > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            state = self.sent.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let count = state.waiting.len().min(BATCH);
        state.sending = count;
        Some(state.waiting.drain(..count).collect())
    }

    fn unflushed(&self, error: Option<String>) -> Unflushed {
        let mut state = self.state();
        let left = state.waiting.len() + state.sending;
        let refused = std::mem::take(&mut state.refused);
        Unflushed { left, refused, error: state.error.take().filter(|_| refused > 0).or(error) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What commands are sent through: a connection of the pool, or one of its own.
pub(super) trait Sender {
    fn send(&mut self, commands: &[Cmd]) -> Result<Vec<Value>, RedisError>;
}

impl Sender for Connection {
    fn send(&mut self, commands: &[Cmd]) -> Result<Vec<Value>, RedisError> {
        Connection::send(self, commands)
    }
}

fn send(
    connection: &mut Option<Box<dyn Sender>>,
    connect: &mut impl FnMut() -> Result<Box<dyn Sender>, Error>,
    batch: &[Cmd],
) -> Result<Vec<Value>, Error> {
    let connection = match connection {
        Some(connection) => connection,
        none => none.insert(connect()?),
    };
    Ok(connection.send(batch)?)
}

fn refusal(answer: Value) -> Option<String> {
    match answer {
        Value::ServerError(error) => Some(error.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    struct Fake(Vec<Result<Value, ()>>);

    impl Sender for Fake {
        fn send(&mut self, commands: &[Cmd]) -> Result<Vec<Value>, RedisError> {
            let broken = || std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "cut").into();
            self.0.drain(..commands.len()).collect::<Result<_, ()>>().map_err(|()| broken())
        }
    }

    fn flush(pending: &Pending, answers: Vec<Result<Value, ()>>) -> Result<usize, Unflushed> {
        let mut answers = Some(answers);
        pending.flush(Instant::now() + Duration::from_secs(20), &Counters::default(), || {
            Ok(Box::new(Fake(answers.take().expect("one connection"))))
        })
    }

    #[test]
    fn everything_is_sent_in_batches() {
        let pending = Pending::default();
        for nth in 1..=600 {
            assert_eq!(pending.push(::redis::cmd("PING")).expect("open"), nth >= BATCH);
        }
        assert_eq!(flush(&pending, vec![Ok(Value::Okay); 600]), Ok(600));
        assert_eq!(pending.len(), 0);
    }

    #[test]
    fn what_was_not_answered_stays() {
        let pending = Pending::default();
        (0..3).for_each(|_| drop(pending.push(::redis::cmd("PING"))));
        let left = flush(&pending, vec![Ok(Value::Okay), Err(()), Err(())]).expect_err("it is cut");
        assert_eq!((left.left, left.refused, pending.len()), (3, 0, 3));
        pending.close();
        assert!(matches!(pending.push(::redis::cmd("PING")), Err(Error::Closed)));
        assert_eq!(flush(&pending, vec![Ok(Value::Okay); 3]), Ok(3));
    }

    #[test]
    fn what_is_refused_is_told_and_not_tried_again() {
        let pending = Pending::default();
        (0..2).for_each(|_| drop(pending.push(::redis::cmd("PING"))));
        let refused = ::redis::parse_redis_value(b"-WRONGTYPE no list\r\n").expect("an error is a value");
        let left = flush(&pending, vec![Ok(Value::Okay), Ok(refused)]).expect_err("it is refused");
        assert_eq!((left.left, left.refused, pending.len()), (0, 1, 0));
        assert!(left.to_string().contains("1 pending commands were refused: "), "{left}");
        assert_eq!(flush(&pending, vec![]), Ok(0));
    }

    #[test]
    fn there_is_an_end_to_it() {
        let pending = Pending::default();
        for _ in 0..CAPACITY {
            pending.push(::redis::cmd("PING")).expect("room");
        }
        assert!(matches!(pending.push(::redis::cmd("PING")), Err(Error::Full)));
    }
}
