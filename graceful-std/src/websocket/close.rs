//! How a connection ends, in the protocol's terms.

use std::fmt;

/// A status code of RFC 6455 section 7.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// What was to be done is done.
    pub const NORMAL: Self = Self(1000);
    /// The service stops, or the browser leaves the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// The peer has broken the protocol.
    pub const PROTOCOL: Self = Self(1002);
    /// A kind of message that is not understood.
    pub const UNSUPPORTED: Self = Self(1003);
    /// The peer's Close had no code. Never sent.
    pub const NO_STATUS: Self = Self(1005);
    /// There was no Close. Never sent.
    pub const ABNORMAL: Self = Self(1006);
    /// A text that is not UTF-8.
    pub const INVALID_DATA: Self = Self(1007);
    /// A rule of the application's.
    pub const POLICY: Self = Self(1008);
    /// A message beyond the limit.
    pub const TOO_BIG: Self = Self(1009);
    /// The service has failed.
    pub const INTERNAL: Self = Self(1011);
    /// The service is overloaded, or the peer does not keep up.
    pub const TRY_AGAIN_LATER: Self = Self(1013);

    /// Whether a Close may have it: 1000 to 1003 and 1007 to 1014, which IANA lists, and 3000 to 4999.
    #[must_use]
    pub fn can_be_sent(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

/// How a connection has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// The code of the Close that came first; [`CloseCode::NO_STATUS`] when the peer's had none, [`CloseCode::ABNORMAL`] when
    /// the connection was lost or cut.
    pub code: CloseCode,
    /// What it gave as the reason.
    pub reason: String,
    /// Who closed it.
    pub by: Side,
}

/// Who has closed a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It was lost, or cut: nobody has said goodbye, or nobody has answered it.
    Nobody,
    /// The peer.
    Peer,
    /// We.
    Server,
}

impl Closed {
    pub(super) fn lost(reason: &str) -> Self {
        Self { code: CloseCode::ABNORMAL, reason: reason.to_owned(), by: Side::Nobody }
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.reason)
    }
}
