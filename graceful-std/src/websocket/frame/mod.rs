//! Frames: bytes in, events out, and the other way round. No I/O.
//!
//! The grammar of a frame's header is `tungstenite`'s. What its connection does beyond that is done here in another way: it reads
//! into a buffer of its own that it never gives back, reserves what a header announces before a byte of it has come, looks at a
//! text only when it is complete, and copies a message for each one that it is sent to.

mod decoder;
#[cfg(any(test, fuzzing))]
pub(crate) mod differential;
mod encode;
mod mask;
#[cfg(test)]
mod tests;

pub(super) use self::decoder::{Decoder, Event, Limits, Violation};
pub(super) use self::encode::{Kind, close, head, whole};
