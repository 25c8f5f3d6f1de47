//! What the command line asks for.

use std::env;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use graceful_benches::Result;

use super::Contest;
use super::candidate::{self, Candidate};

#[derive(Debug)]
pub(crate) struct Settings {
    /// None named is all.
    rows: Vec<String>,
    pub(crate) rounds: usize,
    pub(crate) load: Duration,
    pub(crate) warm_up: Duration,
    pub(crate) runs: usize,
    pub(crate) connections: usize,
    pub(crate) candidates: Vec<Candidate>,
    /// Programs that were wanted and are not there, and why.
    pub(crate) missing: Vec<(String, String)>,
    pub(crate) json: PathBuf,
}

impl Settings {
    pub(crate) fn parse(args: &[String], contest: &Contest) -> Result<Self> {
        let mut settings = Self {
            rows: Vec::new(),
            rounds: 5,
            load: Duration::from_secs(3),
            warm_up: Duration::from_secs(1),
            runs: 50,
            connections: 10_000,
            candidates: (contest.candidates)()?,
            missing: Vec::new(),
            json: candidate::directory(contest.name)?.join("results.json"),
        };
        let mut only = None;
        let mut args = args.iter().map(String::as_str);
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} needs a value"));
            match arg {
                "--quick" => settings.hurry(),
                "--rounds" => settings.rounds = number(arg, value()?)?,
                "--seconds" => settings.load = Duration::from_secs(number(arg, value()?)?),
                "--warm-up" => settings.warm_up = Duration::from_secs(number(arg, value()?)?),
                "--runs" => settings.runs = number(arg, value()?)?,
                "--connections" => settings.connections = number(arg, value()?)?,
                "--only" => only = Some(value()?),
                "--variant" => {
                    let variant = candidate::variant(value()?, &settings.candidates)?;
                    settings.candidates.push(variant);
                }
                "--json" => settings.json = env::current_dir()?.join(value()?),
                row if contest.rows.iter().any(|(known, _)| *known == row) => settings.rows.push(row.to_owned()),
                unknown => return Err(format!("there is no row or option {unknown}").into()),
            }
        }
        if let Some(only) = only {
            settings.choose(&only.split(',').collect::<Vec<_>>())?;
        }
        settings.leave_out_missing();
        Ok(settings)
    }

    pub(crate) fn wants(&self, row: &str) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|wanted| wanted == row)
    }

    /// Options that come later may correct it.
    fn hurry(&mut self) {
        self.rounds = 1;
        self.load = Duration::from_secs(1);
        self.warm_up = Duration::ZERO;
        self.runs = 1;
        self.connections = 1000;
    }

    fn choose(&mut self, names: &[&str]) -> Result<()> {
        if let Some(unknown) = names.iter().find(|name| self.candidates.iter().all(|one| one.name != **name)) {
            return Err(format!("no program is called {unknown}").into());
        }
        self.candidates.retain(|one| names.contains(&one.name.as_str()));
        Ok(())
    }

    fn leave_out_missing(&mut self) {
        for candidate in std::mem::take(&mut self.candidates) {
            match candidate.missing() {
                Some(why) => self.missing.push((candidate.name, why)),
                None => self.candidates.push(candidate),
            }
        }
    }
}

fn number<N: FromStr>(option: &str, text: &str) -> Result<N> {
    text.parse().map_err(|_| format!("{option} needs a number, not {text}").into())
}
