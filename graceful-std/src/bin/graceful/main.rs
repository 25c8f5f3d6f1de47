//! The command-line tool: asks a running service whether it is ready, and shows what its shutdown is like.
#![forbid(unsafe_code)]

mod health;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Asks running services whether they are ready, and shows whether they shut down gracefully.
#[derive(Debug, Parser)]
#[command(name = "graceful", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Health(health::Health),
    Watch(watch::Watch),
}

fn main() -> ExitCode {
    // clap answers wrong usage with exit code 2.
    match Cli::parse().command {
        Command::Health(health) => health.run().into(),
        Command::Watch(watch) => watch.run().into(),
    }
}
