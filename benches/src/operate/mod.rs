//! What it costs to be operated: `benches/run operate`. There are no peers; a service is compared with itself.

mod probe;
mod request;
mod scrape;
mod visit;

use std::env;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use graceful_benches::Result;

use self::visit::visit;
use crate::contest::Contest;
use crate::contest::candidate::{Candidate, Role, Source};
use crate::contest::report::Ratios;
use crate::contest::server::Server;
use crate::http::client::PATIENCE;

const HELP: &str = "\
usage: benches/run operate [ROW...] [OPTION...]

Measures what probes, metrics and the monitor of the process cost a service that says hello, and how it answers the operator
while it is busy, and prints a table in markdown on stdout. All rows when none is named:

  request     with them, asked once a second, and without: requests/s and processor time of the server for a request, over 64
              connections that are kept, and with a connection for each request
  scrape      one scrape of the metrics, with no connection open and with 10 000: time, processor time, bytes
  probe       time of a readiness probe: idle, beside 256 busy connections, with every worker stuck, and during a drain

  --quick               one short round of each, to see that all works: not for the record
  --rounds N            rounds of each row (5)
  --seconds N           how long a load is measured (3)
  --warm-up N           how long it has run before that (1)
  --connections N       open connections in `scrape` (10000)
  --json FILE           where every sample goes (bench-operate/results.json in the target directory)
  -h, --help            this text
";

const READY: &str = "/health/ready";

const CONTEST: Contest = Contest {
    name: "operate",
    help: HELP,
    rows: &[("request", request::measure), ("scrape", scrape::measure), ("probe", probe::measure)],
    candidates,
    ratios: Ratios::First,
};

pub(crate) fn main(args: &[String]) -> ExitCode {
    CONTEST.main(args)
}

fn candidates() -> Result<Vec<Candidate>> {
    let bare = Candidate::new("without", Source::Program(env::current_exe()?.with_file_name("operated")), Role::Ours);
    let operated = operated(&bare, &[]);
    Ok(vec![bare, operated])
}

/// Starts the service with what is to be measured and with these variables; it is ready, and answers operators there.
fn start(bare: &Candidate, variables: &[(&str, &str)]) -> Result<(Server, SocketAddr)> {
    let mut server = Server::start(&operated(bare, variables))?;
    let admin = server.admin()?;
    let began = Instant::now();
    while visit(admin, READY)?.is_none_or(|found| found.status != 200) {
        if began.elapsed() > PATIENCE {
            return Err("it does not get ready".into());
        }
        sleep(Duration::from_millis(5));
    }
    Ok((server, admin))
}

fn operated(candidate: &Candidate, variables: &[(&str, &str)]) -> Candidate {
    let mut environment = vec![("OPERATED".to_owned(), "1".to_owned())];
    environment.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Candidate { name: "with".to_owned(), environment, ..candidate.clone() }
}
