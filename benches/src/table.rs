//! What was found, as a table in markdown.

use crate::samples::Samples;

/// Rows that are compared with each other: each with the first.
#[derive(Debug)]
pub struct Group {
    /// What is measured.
    pub title: &'static str,
    /// Of all of its numbers; empty for what is counted.
    pub unit: &'static str,
    /// The program and its samples.
    pub rows: Vec<(String, Samples)>,
}

impl Group {
    /// One without rows.
    #[must_use]
    pub fn new(title: &'static str, unit: &'static str) -> Self {
        Self { title, unit, rows: Vec::new() }
    }

    /// Adds a row.
    #[must_use]
    pub fn row(mut self, program: impl Into<String>, samples: Samples) -> Self {
        self.rows.push((program.into(), samples));
        self
    }

    /// A group from what was sampled under each name.
    #[must_use]
    pub fn of<'a>(title: &'static str, unit: &'static str, rows: impl IntoIterator<Item = (&'a str, Samples)>) -> Self {
        rows.into_iter().fold(Self::new(title, unit), |group, (program, samples)| group.row(program, samples))
    }
}

/// Prints all of them as one table.
pub fn print(groups: &[Group]) {
    println!("| measure | program | median | min – max | runs | ratio to the first |");
    println!("|---|---|---:|---:|---:|---:|");
    for Group { title, unit, rows } in groups {
        let space = if unit.is_empty() { "" } else { " " };
        let first = rows.first().map_or(f64::NAN, |(_, samples)| samples.median());
        for (place, (program, samples)) in rows.iter().enumerate() {
            let title = if place == 0 { title } else { "" };
            let ratio = if place == 0 { "1".to_owned() } else { number(samples.median() / first) };
            let range = match samples.count() {
                1 => String::new(),
                _ => format!("{} – {}", number(samples.min()), number(samples.max())),
            };
            let (median, count) = (number(samples.median()), samples.count());
            println!("| {title} | {program} | {median}{space}{unit} | {range} | {count} | {ratio} |");
        }
    }
}

/// Three digits, more would be noise; what was counted is exact.
#[must_use]
pub fn number(value: f64) -> String {
    if value.abs() >= 1e4 {
        let digits = format!("{value:.0}");
        let mut text = String::new();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) && !text.ends_with('-') {
                text.push(' ');
            }
            text.push(digit);
        }
        text
    } else if value.abs() >= 100.0 || value.fract() == 0.0 {
        format!("{value:.0}")
    } else if value.abs() >= 10.0 {
        format!("{value:.1}")
    } else if value.abs() >= 0.1 {
        format!("{value:.2}")
    } else {
        format!("{value:.4}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        let check = |value: f64, text: &str| assert_eq!(number(value), text);
        check(0.0, "0");
        check(21.0, "21");
        check(0.000_34, "0.0003");
        check(0.123_4, "0.12");
        check(12.34, "12.3");
        check(1234.5, "1234");
        check(1_234_567.0, "1 234 567");
        check(-123_456.0, "-123 456");
    }
}
