//! The HTTP server next to its peers: `benches/run http`.

mod candidate;
mod client;
mod exit;
mod latency;
mod load;
mod losses;
mod memory;
mod report;
mod rounds;
mod server;
mod settings;
mod waiting;
mod wrk;

use std::process::ExitCode;
use std::time::Instant;

use graceful_benches::{Result, raise_descriptors};

use self::report::{Figure, Report};
use self::settings::Settings;
use crate::machine::{self, Others};
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

type Measure = fn(&Settings) -> Result<Vec<Figure>>;

const ROWS: [(&str, Measure); 10] = [
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
];

/// Descriptors beside the connections of `memory`.
const SPARE: u64 = 500;

pub(crate) fn main(args: &[String]) -> ExitCode {
    if args.iter().any(|arg| arg == "-h" || arg == "--help") {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match Settings::parse(args, &ROWS.map(|(name, _)| name)) {
        Ok(settings) => run(&settings).unwrap_or_else(|error| {
            eprintln!("http: {error}");
            ExitCode::FAILURE
        }),
        Err(error) => {
            eprint!("http: {error}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

fn run(settings: &Settings) -> Result<ExitCode> {
    raise_descriptors(settings.connections as u64 + SPARE)?;
    for (name, why) in &settings.missing {
        eprintln!("http: {name} is skipped: {why}");
    }
    let mut code = ExitCode::SUCCESS;
    let mut report = Report::new(machine::describe());
    for (name, measure) in ROWS {
        if !settings.wants(name) {
            continue;
        }
        let (began, others) = (Instant::now(), Others::watch()?);
        match measure(settings) {
            Ok(figures) => {
                let cores = others.cores()?;
                eprintln!("{name}: {:.0} s, other programs used {cores:.2} cores", began.elapsed().as_secs_f64());
                report.add(name, cores, figures);
            }
            Err(error) => {
                eprintln!("{name}: not measured: {error}");
                code = ExitCode::FAILURE;
            }
        }
    }
    report.print(settings);
    report.save(settings)?;
    Ok(code)
}
