//! Measures what the runtime costs, side by side with its peers, and prints one table.
//!
//! `benches/run` builds and starts it; `benches/README.md` tells what is measured and how.

#![forbid(unsafe_code)]

mod connection;
mod contest;
mod features;
mod hooks;
mod http;
mod idle;
mod operate;
mod pool;
mod process;
mod reaction;
mod size;
mod startup;
mod ws;

use std::process::ExitCode;
use std::time::Instant;

use graceful_benches::{Result, machine, program, samples, table};

use crate::machine::Others;
use crate::table::Group;

const HELP: &str = "\
usage: benches/run [MEASURE...]
       benches/run http [ROW...] [OPTION...]    (see benches/run http --help)
       benches/run ws [ROW...] [OPTION...]      (see benches/run ws --help)
       benches/run operate [ROW...] [OPTION...] (see benches/run operate --help)
       benches/run features                     (bytes and crates of each feature; needs the crate registry)
       benches/run stores [ROUNDS]              (the end of the reference service on each store)

Measures graceful next to its peers and prints a table in markdown on stdout. All measures, in about 3 minutes, when none
is named:

  reaction    from the signal to the readiness flag, and to a waiting thread
  exit        from the signal to the end of an idle service
  connection  time and memory of one connection
  startup     what registered hooks cost before main runs
  hooks       what 1 000 hooks cost when they run
  pool        checkout and return of a pooled connection, next to bare r2d2
  process     what it costs to look at the process, and to have it watched
  size        the program's bytes and crates, next to axum on tokio (builds both; needs the crate registry)

  -h, --help  this text
";

/// A measure: its name on the command line, and what it found.
type Measure = (&'static str, fn() -> Result<Vec<Group>>);

const MEASURES: [Measure; 8] = [
    ("reaction", reaction::measure),
    ("exit", idle::measure),
    ("connection", connection::measure),
    ("startup", startup::measure),
    ("hooks", hooks::measure),
    ("pool", pool::measure),
    ("process", process::measure),
    ("size", size::measure),
];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let [first, rest @ ..] = &wanted[..]
        && first == "http"
    {
        return http::main(rest);
    }
    if let [first, rest @ ..] = &wanted[..]
        && first == "operate"
    {
        return operate::main(rest);
    }
    if let [first, rest @ ..] = &wanted[..]
        && first == "ws"
    {
        return ws::main(rest);
    }
    if wanted == ["features"] {
        return match features::print() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("features: not measured: {error}");
                ExitCode::FAILURE
            }
        };
    }
    if wanted.iter().any(|arg| arg == "-h" || arg == "--help") {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    if let Some(unknown) = wanted.iter().find(|arg| MEASURES.iter().all(|(name, _)| name != arg)) {
        eprint!("benches: no measure is called {unknown}\n\n{HELP}");
        return ExitCode::from(2);
    }
    run(&wanted)
}

/// One measure that fails does not cost what the others found.
fn run(wanted: &[String]) -> ExitCode {
    let mut groups = Vec::new();
    let mut others = Vec::new();
    let mut code = ExitCode::SUCCESS;
    for (name, measure) in MEASURES {
        if !wanted.is_empty() && wanted.iter().all(|wanted| wanted != name) {
            continue;
        }
        let began = Instant::now();
        match watched(measure) {
            Ok((found, cores)) => {
                groups.extend(found);
                others.push(format!("{name} {cores:.2}"));
                eprintln!("{name}: {:.0} s, other programs used {cores:.2} cores", began.elapsed().as_secs_f64());
            }
            Err(error) => {
                eprintln!("{name}: not measured: {error}");
                code = ExitCode::FAILURE;
            }
        }
    }
    println!("{}. Cores used by other programs meanwhile: {}.\n", machine::describe(), others.join(", "));
    table::print(&groups);
    code
}

/// A measure, and how many cores other programs kept busy meanwhile.
fn watched(measure: fn() -> Result<Vec<Group>>) -> Result<(Vec<Group>, f64)> {
    let others = Others::watch()?;
    let groups = measure()?;
    Ok((groups, others.cores()?))
}
