//! Programs that serve, compared with each other: what `benches/run http` and `benches/run ws` have in common.

pub(crate) mod candidate;
pub(crate) mod report;
pub(crate) mod rounds;
pub(crate) mod server;
pub(crate) mod settings;

use std::process::ExitCode;
use std::time::Instant;

use graceful_benches::{Result, raise_descriptors};

use self::candidate::Candidate;
use self::report::{Figure, Ratios, Report};
use self::settings::Settings;
use crate::machine::{self, Others};

/// Who is compared, and in what.
#[derive(Debug)]
pub(crate) struct Contest {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    /// Each by its name on the command line.
    pub(crate) rows: &'static [(&'static str, Measure)],
    pub(crate) candidates: fn() -> Result<Vec<Candidate>>,
    pub(crate) ratios: Ratios,
}

pub(crate) type Measure = fn(&Settings) -> Result<Vec<Figure>>;

/// Descriptors beside the connections that are held.
const SPARE: u64 = 500;

impl Contest {
    pub(crate) fn main(&self, args: &[String]) -> ExitCode {
        if args.iter().any(|arg| arg == "-h" || arg == "--help") {
            print!("{}", self.help);
            return ExitCode::SUCCESS;
        }
        match Settings::parse(args, self) {
            Ok(settings) => self.run(&settings).unwrap_or_else(|error| {
                eprintln!("{}: {error}", self.name);
                ExitCode::FAILURE
            }),
            Err(error) => {
                eprint!("{}: {error}\n\n{}", self.name, self.help);
                ExitCode::from(2)
            }
        }
    }

    fn run(&self, settings: &Settings) -> Result<ExitCode> {
        raise_descriptors(settings.connections as u64 + SPARE)?;
        for (name, why) in &settings.missing {
            eprintln!("{}: {name} is skipped: {why}", self.name);
        }
        let mut code = ExitCode::SUCCESS;
        let mut report = Report::new(self.name, self.ratios, machine::describe());
        for (name, measure) in self.rows {
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
}
