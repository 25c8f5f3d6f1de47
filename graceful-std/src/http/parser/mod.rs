//! The parser: bytes in, events out. It does no I/O.
//!
//! [`HeadParser`] makes a [`Head`] of the bytes of a request, [`BodyDecoder`] finds the data among those behind it. Both
//! take what has arrived so far and say how much of it they used; how the bytes were cut into reads makes no difference to
//! what they say.
//!
//! It is as strict as RFC 9112 allows. Two servers in a row that read the same bytes differently let a client smuggle a
//! request past the first; what has two readings is therefore refused. Each rule has a name in [`Reject`].
//!
//! What the RFC leaves to the reader:
//! - A lone LF does not end a line (section 2.2).
//! - A repeated `Content-Length` is refused, even the same one (6.3); so is one beside a `Transfer-Encoding` (6.1).
//! - `chunked` is the only transfer coding, and HTTP/1.0 has none.
//! - HTTP/1.2 and later are refused, as other major versions are.
//! - CONNECT is refused: this is no proxy.
//! - An empty `Host` is valid, a port without a host is not.
//! - A target may have what [`http::Uri`] takes, a little more than RFC 3986 does, but no fragment and only ASCII.
//! - Chunk extensions and trailers are checked, bounded and dropped.

mod batch;
mod body;
#[cfg(any(test, fuzzing))]
pub(crate) mod differential;
mod fields;
mod framing;
mod head;
mod reject;
mod scan;
mod spare;
mod target;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod testing;

pub(crate) use batch::Batch;
pub(crate) use body::BodyDecoder;
pub(crate) use framing::{Expectation, Framing, Persistence};
pub(crate) use head::{Head, HeadLimits, HeadParser};
pub(crate) use reject::Reject;
pub(crate) use spare::recycle;
