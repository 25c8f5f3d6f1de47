//! What was found: a table for people, and every sample for programs.

use std::collections::BTreeSet;
use std::fs;

use graceful_benches::Result;
use serde_json::{Value, json};

use super::candidate::{FLOOR, OURS};
use super::settings::Settings;
use crate::samples::Samples;
use crate::table::{Group, number};

/// One measure of all programs.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) title: String,
    pub(crate) unit: &'static str,
    pub(crate) lines: Vec<Line>,
}

/// One program of a measure.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) program: String,
    pub(crate) samples: Samples,
    /// Why there are no figures.
    pub(crate) failure: Option<String>,
}

/// What a figure is set beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ratios {
    /// The first of its measure.
    First,
    /// The floor; and ours beside it.
    Peers,
}

impl Figure {
    fn median(&self, program: &str) -> f64 {
        let line = self.lines.iter().find(|line| line.program == program && line.failure.is_none());
        line.map_or(f64::NAN, |line| line.samples.median())
    }

    fn print(&self, ratios: Ratios) {
        let (floor, ours) = (self.median(FLOOR), self.median(OURS));
        let first = self.lines.first().map_or(f64::NAN, |line| self.median(&line.program));
        for (place, Line { program, samples, failure }) in self.lines.iter().enumerate() {
            let title = if place == 0 { self.title.as_str() } else { "" };
            if failure.is_some() {
                println!("| {title} | {program} | – | | | |{}", if ratios == Ratios::Peers { " |" } else { "" });
                continue;
            }
            let median = samples.median();
            let range = match samples.count() {
                1 => String::new(),
                _ => format!("{} – {}", number(samples.min()), number(samples.max())),
            };
            let space = if self.unit.is_empty() { "" } else { " " };
            let (value, unit, count) = (number(median), self.unit, samples.count());
            let ratios = match ratios {
                Ratios::First => ratio(median, first),
                Ratios::Peers => format!("{} | {}", ratio(median, floor), ratio(ours, median)),
            };
            println!("| {title} | {program} | {value}{space}{unit} | {range} | {count} | {ratios} |");
        }
    }

    fn json(&self) -> Value {
        let programs = self.lines.iter().map(|Line { program, samples, failure }| match failure {
            None => json!({ "program": program, "median": samples.median(), "samples": samples.all() }),
            Some(failure) => json!({ "program": program, "failure": failure, "samples": samples.all() }),
        });
        json!({ "title": self.title, "unit": self.unit, "programs": programs.collect::<Vec<_>>() })
    }
}

impl From<Group> for Figure {
    fn from(group: Group) -> Self {
        let lines = group.rows.into_iter().map(|(program, samples)| Line { program, samples, failure: None });
        Self { title: group.title.to_owned(), unit: group.unit, lines: lines.collect() }
    }
}

/// All rows, and where they were measured.
#[derive(Debug)]
pub(crate) struct Report {
    contest: &'static str,
    ratios: Ratios,
    machine: String,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    name: &'static str,
    /// Cores that other programs kept busy.
    others: f64,
    figures: Vec<Figure>,
}

impl Report {
    pub(crate) fn new(contest: &'static str, ratios: Ratios, machine: String) -> Self {
        Self { contest, ratios, machine, rows: Vec::new() }
    }

    pub(crate) fn add(&mut self, name: &'static str, others: f64, figures: Vec<Figure>) {
        self.rows.push(Row { name, others, figures });
    }

    pub(crate) fn print(&self, settings: &Settings) {
        let others: Vec<_> = self.rows.iter().map(|row| format!("{} {:.2}", row.name, row.others)).collect();
        println!("{}. Cores used by other programs meanwhile: {}.", self.machine, others.join(", "));
        println!("Loads of {:?} after {:?}, in {} rounds.\n", settings.load, settings.warm_up, settings.rounds);
        match self.ratios {
            Ratios::First => {
                println!("| measure | service | median | min – max | samples | ratio to the first |");
                println!("|---|---|---:|---:|---:|---:|");
            }
            Ratios::Peers => {
                println!("| measure | program | median | min – max | samples | to {FLOOR} | {OURS} to it |");
                println!("|---|---|---:|---:|---:|---:|---:|");
            }
        }
        self.rows.iter().flat_map(|row| &row.figures).for_each(|figure| figure.print(self.ratios));
        let failures = self.failures();
        if !failures.is_empty() {
            println!("\nNot measured:\n");
            failures.iter().for_each(|failure| println!("- {failure}"));
        }
    }

    /// A program that fails has no figure in any measure of a row, for one reason.
    fn failures(&self) -> BTreeSet<String> {
        let lines = self
            .rows
            .iter()
            .flat_map(|row| row.figures.iter().flat_map(|figure| &figure.lines).map(|line| (row.name, line)));
        let failures = lines.filter_map(|(row, Line { program, failure, .. })| {
            Some(format!("{row}, {program}: {}", failure.as_ref()?))
        });
        failures.collect()
    }

    pub(crate) fn save(&self, settings: &Settings) -> Result<()> {
        let rows = self.rows.iter().map(|Row { name, others, figures }| {
            json!({ "row": name, "other_cores": others, "figures": figures.iter().map(Figure::json).collect::<Vec<_>>() })
        });
        let report = json!({
            "machine": self.machine,
            "rounds": settings.rounds,
            "seconds": settings.load.as_secs(),
            "warm_up_seconds": settings.warm_up.as_secs(),
            "rows": rows.collect::<Vec<_>>(),
        });
        if let Some(folder) = settings.json.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&settings.json, serde_json::to_string_pretty(&report)? + "\n")?;
        eprintln!("{}: every sample is in {}", self.contest, settings.json.display());
        Ok(())
    }
}

/// Nothing where there is nothing to compare with.
fn ratio(one: f64, other: f64) -> String {
    let ratio = one / other;
    if ratio.is_finite() { format!("{ratio:.2}") } else { String::new() }
}
