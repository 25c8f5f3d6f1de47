//! Starts, says so, and ends, with 1000 registered hooks.

#![forbid(unsafe_code)]

include!(concat!(env!("OUT_DIR"), "/hooks_1000.rs"));

#[graceful::main(expect_hooks = 1000)]
fn main() -> std::io::Result<()> {
    graceful_benches::say("ready")
}
