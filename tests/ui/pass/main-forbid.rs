// The generated code gives no lint anything to say.
#![forbid(unsafe_code, non_camel_case_types, dead_code, unused_imports)]
#![deny(warnings, missing_docs, unused, nonstandard_style, rust_2018_idioms, unused_qualifications, clippy::pedantic)]
//! A program with strict rules.

use graceful::App;

/// Starts.
#[graceful::main(timeout = "30s", usr2 = "ignore")]
fn main(_: &App) {}
