//! The stop as a source of events for an event loop of one's own.

use std::fmt;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};

use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};

use crate::Stop;

/// Becomes ready in a `mio::Poll` when it is time to stop; made by [`Stop::source`].
///
/// The event comes once. What it says is of no interest, only its token: underneath is the read end of a pipe that was
/// closed on the other side, which counts as *readable* on some platforms and as *read closed* on others.
///
/// Deregister it before it is dropped, as `mio` asks for every source, or a late event may come with its token.
pub struct StopSource {
    /// Its own copy: two sources can then be registered with one `Poll`, which takes each descriptor once.
    reader: OwnedFd,
}

impl Stop {
    /// A `mio` event source that becomes ready when it is time to stop, at once if that has come already.
    ///
    /// [`wake`](Stop::wake) does the same for an event loop that has a `mio::Waker` anyway.
    ///
    /// # Errors
    /// When no descriptor is left for it.
    ///
    /// # Platform
    /// Unix only. On Windows use [`wake`](Stop::wake).
    ///
    /// # Examples
    /// ```
    /// use mio::{Events, Interest, Poll, Token};
    ///
    /// const STOP: Token = Token(0);
    ///
    /// fn event_loop(stop: &graceful_core::Stop) -> std::io::Result<()> {
    ///     let mut poll = Poll::new()?;
    ///     let mut source = stop.source()?;
    ///     poll.registry().register(&mut source, STOP, Interest::READABLE)?;
    ///     let mut events = Events::with_capacity(64);
    ///     loop {
    ///         poll.poll(&mut events, None)?;
    ///         if events.iter().any(|event| event.token() == STOP) {
    ///             return Ok(());
    ///         }
    ///     }
    /// }
    /// ```
    pub fn source(&self) -> io::Result<StopSource> {
        let shared = self.stops().pipe(self.fires_at())?;
        Ok(StopSource { reader: shared.try_clone()?.into() })
    }
}

impl Source for StopSource {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        SourceFd(&self.reader.as_raw_fd()).register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        SourceFd(&self.reader.as_raw_fd()).reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        SourceFd(&self.reader.as_raw_fd()).deregister(registry)
    }
}

impl fmt::Debug for StopSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StopSource").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use mio::{Events, Poll};

    use super::*;
    use crate::runtime::stop::{Stage, Stops};

    fn tokens(poll: &mut Poll, timeout: Duration) -> Vec<usize> {
        let mut events = Events::with_capacity(8);
        poll.poll(&mut events, Some(timeout)).expect("poll");
        let mut tokens: Vec<_> = events.iter().map(|event| event.token().0).collect();
        tokens.sort_unstable();
        tokens
    }

    #[test]
    fn ready_at_the_stop_and_not_before() {
        let stops = Stops::new();
        let stop = Stop::new(Arc::clone(&stops), Stage::Draining, Stage::Cancelling);
        let mut poll = Poll::new().expect("poll");
        let mut sources = [stop.source().expect("source"), stop.source().expect("source")];
        for (index, source) in sources.iter_mut().enumerate() {
            poll.registry().register(source, Token(index), Interest::READABLE).expect("two of one stage");
        }
        stops.raise(Stage::Requested, None);
        assert!(tokens(&mut poll, Duration::ZERO).is_empty());
        poll.registry().deregister(&mut sources[1]).expect("registered");
        stops.raise(Stage::Draining, None);
        assert_eq!(tokens(&mut poll, Duration::from_secs(10)), [0]);
    }

    #[test]
    fn ready_at_once_when_it_is_late() {
        let stops = Stops::new();
        stops.raise(Stage::Cleaning, None);
        let stop = Stop::new(stops, Stage::Draining, Stage::Cancelling);
        let mut poll = Poll::new().expect("poll");
        let mut source = stop.source().expect("source");
        poll.registry().register(&mut source, Token(5), Interest::READABLE).expect("register");
        assert_eq!(tokens(&mut poll, Duration::from_secs(10)), [5]);
    }
}
