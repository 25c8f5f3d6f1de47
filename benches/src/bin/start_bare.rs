//! Starts, says so, and ends: the floor of what a start costs.

#![forbid(unsafe_code)]

fn main() -> std::io::Result<()> {
    graceful_benches::say("ready")
}
