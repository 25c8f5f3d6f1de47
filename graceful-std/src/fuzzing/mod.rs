//! What fuzz targets and the tests that replay their corpora share.

#[cfg(test)]
pub(crate) mod replay;

/// Where to cut an input that brings no plan of its own: its last bytes are the lengths of the pieces. So any file with a
/// request in it is an input, and a fuzzer that changes the end of one changes the cuts.
pub fn cuts(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.len().saturating_sub(8)..]
}

/// How many bytes are there at each read.
pub(crate) fn arrivals(length: usize, first: usize, cuts: &[u8]) -> impl Iterator<Item = usize> {
    let mut there = first;
    let mut cuts = cuts.iter().copied().cycle();
    let more = std::iter::from_fn(move || {
        if there >= length {
            return None;
        }
        // A read brings at least one byte.
        there = length.min(there + cuts.next().map_or(length, |cut| usize::from(cut).max(1)));
        Some(there)
    });
    std::iter::once(first).chain(more)
}

/// The invariants of what reads bytes from outside.
#[doc(hidden)]
pub mod targets {
    pub use super::cuts;
    #[cfg(feature = "http")]
    pub use crate::http::parser::differential::{chunked, request};
    #[cfg(feature = "websocket")]
    pub use crate::websocket::frame::differential::frames;
}
