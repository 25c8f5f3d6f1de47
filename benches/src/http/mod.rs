//! The HTTP server next to its peers: `benches/run http`.

pub(crate) mod client;
mod exit;
mod latency;
mod load;
mod losses;
mod memory;
mod programs;
mod waiting;
pub(crate) mod wrk;

use std::process::ExitCode;

use crate::contest::Contest;
use crate::contest::report::{Figure, Ratios};
use crate::size;

const HELP: &str = "\
usage: benches/run http [ROW...] [OPTION...]

Measures the HTTP server next to its peers and prints a table in markdown on stdout. All rows when none is named:

  keepalive   requests/s and processor time of the server for a request, over 64 and 256 connections that are kept
  latency     one connection: time to the answer
  reconnect   a connection for each request, 64 at a time: requests/s
  pipeline    16 requests in each write, 64 connections: requests/s
  isolation   8 of 64 connections in handlers that sleep 50 ms: what that does to the other 56
  crowd       1 000 requests of 100 ms at once: time until all are answered
  memory      resident memory: idle, after the first request, and of one idle connection
  losses      what clients lose at the stop signal
  exit        from the signal to the end of a service that has nothing to do
  size        stripped program and number of crates (builds them; needs the crate registry)

  --quick               one short round of each, to see that all works: not for the record
  --rounds N            rounds of each row (5)
  --seconds N           how long a load is measured (3)
  --warm-up N           how long it has run before that (1)
  --runs N              stop signals for each row of `losses`, and for `exit` (50)
  --connections N       idle connections in `memory` (10000)
  --only A,B            only these programs
  --variant NAME=PROGRAM,VAR=VALUE...
                        one more program: another one with environment variables set; may be given again
  --json FILE           where every sample goes (bench-http/results.json in the target directory)
  -h, --help            this text
";

const CONTEST: Contest = Contest {
    name: "http",
    help: HELP,
    rows: &[
        ("keepalive", load::keep_alive),
        ("latency", latency::measure),
        ("reconnect", load::reconnect),
        ("pipeline", load::pipeline),
        ("isolation", waiting::isolation),
        ("crowd", waiting::crowd),
        ("memory", memory::measure),
        ("losses", losses::measure),
        ("exit", exit::measure),
        ("size", |_| Ok(size::http()?.into_iter().map(Figure::from).collect())),
    ],
    candidates: programs::all,
    ratios: Ratios::Peers,
};

pub(crate) fn main(args: &[String]) -> ExitCode {
    CONTEST.main(args)
}
