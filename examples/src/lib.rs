//! What the examples share. They are in `examples/`.
#![forbid(unsafe_code)]

mod backoff;

pub use backoff::Backoff;
