//! Starts, says so, and ends, with 100 registered hooks.

#![forbid(unsafe_code)]

include!(concat!(env!("OUT_DIR"), "/hooks_100.rs"));

#[graceful::main(expect_hooks = 100)]
fn main() -> std::io::Result<()> {
    graceful_benches::say("ready")
}
