// The generated code gives no lint anything to say.
#![forbid(unsafe_code, non_camel_case_types, dead_code, unused_imports)]
#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unused,
    nonstandard_style,
    rust_2018_idioms,
    rust_2021_compatibility,
    rust_2024_compatibility,
    single_use_lifetimes,
    trivial_casts,
    unused_qualifications,
    clippy::pedantic
)]
//! A crate with strict rules.

use graceful::{Deadline, Stop, cleanup, reload, task};

/// Closes the last file.
#[cleanup(timeout = "1s")]
pub fn close(_: &String, _: Deadline) {}

#[task]
fn consume(stop: &Stop) {
    stop.wait();
}

#[reload]
fn read() {}

fn main() {}
