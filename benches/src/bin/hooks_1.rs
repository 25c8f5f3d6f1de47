//! Starts, says so, and ends, with 1 registered hook.

#![forbid(unsafe_code)]

include!(concat!(env!("OUT_DIR"), "/hooks_1.rs"));

#[graceful::main(expect_hooks = 1)]
fn main() -> std::io::Result<()> {
    graceful_benches::say("ready")
}
