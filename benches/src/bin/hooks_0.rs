//! Starts, says so, and ends, with no hook: what the others are compared with.

#![forbid(unsafe_code)]

#[graceful::main]
fn main() -> std::io::Result<()> {
    graceful_benches::say("ready")
}
