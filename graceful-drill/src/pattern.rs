//! What the clients of a group do.

use std::time::Duration;

/// What each client of a group does before and after the signal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pattern {
    /// One request on a fresh connection, the answer of which is read slowly, or in part. Sent shortly before the signal.
    Download {
        /// How the answer is read.
        reading: Reading,
    },
    /// One request, answered before the signal; then the connection is held until the server closes it.
    Idle {
        /// Some of the clients send another request after the signal.
        late: Option<Late>,
    },
    /// One request on a fresh connection, sent [shortly before](crate::Drill::lead) the signal. It should take the server
    /// longer than that.
    InFlight,
    /// A closed loop on one connection: requests are sent in one write, and the next ones once all of them are answered.
    /// When the server ends the connection, the client makes another.
    KeepAlive {
        /// How many requests are sent in one write; 1 is no pipelining.
        pipeline: usize,
    },
    /// One request on a fresh connection, of which a part is sent before the signal.
    Partial {
        /// What is sent before the signal.
        part: Part,
        /// What becomes of the rest.
        rest: Rest,
    },
    /// A closed loop with a connection for each request.
    PerRequest {
        /// Who ends the connection.
        closing: Closing,
    },
    /// A connection and a request that the server does not accept before the signal, because
    /// [the caller sees to it](crate::Service::prepare): the server is held up or busy.
    Queued,
    /// A crowd that connects around the instant of the signal, half of it before. One request for each client.
    Storm {
        /// Over how much time the connects are spread; zero means right before and right after the signal.
        spread: Duration,
    },
}

/// Who ends a connection that was for one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Closing {
    /// The request says `Connection: close`.
    Asked,
    /// The client closes after the answer and does not say so before.
    Unasked,
}

/// A request on a connection that was idle when the signal came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Late {
    /// How many of the clients send it.
    pub clients: usize,
    /// How long after the signal.
    pub after: Duration,
}

/// The part of a request that is sent before the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The head and half of the body.
    HalfBody,
    /// Half of the head.
    HalfHead,
}

/// What becomes of the rest of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rest {
    /// It is sent at once, this long after the signal.
    After(Duration),
    /// It is never sent. What the server does with such a request is no loss.
    Never,
    /// It is sent in pieces, the last of them this long after the signal.
    Over(Duration),
}

/// How an answer is read. The connection has a small receive buffer, so that the server notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reading {
    /// So many bytes at a time.
    Paced {
        /// At most so many bytes of each read.
        bytes: usize,
        /// The time between two reads.
        every: Duration,
    },
    /// The client stops after so many bytes.
    Stalled {
        /// How many bytes it reads before.
        after: usize,
        /// How long after the signal it reads the rest. `None` is never, and then no end of the connection is a loss.
        resume: Option<Duration>,
    },
}

impl Pattern {
    /// Its name in tables and JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Download { .. } => "download",
            Self::Idle { .. } => "idle",
            Self::InFlight => "in-flight",
            Self::KeepAlive { .. } => "keep-alive",
            Self::Partial { .. } => "partial",
            Self::PerRequest { .. } => "per-request",
            Self::Queued => "queued",
            Self::Storm { .. } => "storm",
        }
    }

    /// Requests in one write.
    pub(crate) fn batch(&self) -> usize {
        match self {
            Self::KeepAlive { pipeline } => *pipeline,
            _ => 1,
        }
    }

    /// A client of it goes on after its answer, on another connection if need be.
    pub(crate) fn is_loop(&self) -> bool {
        matches!(self, Self::KeepAlive { .. } | Self::PerRequest { .. })
    }

    /// The client itself does not do its part, so that whatever it misses is not lost.
    pub(crate) fn forfeits(&self) -> bool {
        matches!(
            self,
            Self::Partial { rest: Rest::Never, .. } | Self::Download { reading: Reading::Stalled { resume: None, .. } }
        )
    }

    /// When its clients begin.
    pub(crate) fn begins(&self) -> Begin {
        match self {
            Self::Idle { .. } | Self::KeepAlive { .. } => Begin::Opening,
            Self::PerRequest { .. } => Begin::Load,
            Self::Download { .. } | Self::InFlight | Self::Partial { .. } => Begin::Approach,
            Self::Queued => Begin::Queue,
            Self::Storm { .. } => Begin::Signal,
        }
    }
}

/// When the clients of a pattern begin, in the order of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// Before anything is measured.
    Opening,
    /// With the load.
    Load,
    /// Shortly before the signal.
    Approach,
    /// Once the caller has prepared the server.
    Queue,
    /// Around the signal.
    Signal,
}
