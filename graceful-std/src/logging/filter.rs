//! Which records are written.

use log::{Level, LevelFilter};

/// A level for everything, and others for some targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter {
    all: LevelFilter,
    /// Longest first: the first that fits counts.
    targets: Vec<(String, LevelFilter)>,
}

const LEVELS: &str = "off, error, warn, info, debug, trace";

impl Filter {
    /// Reads `info,my_crate::db=debug`. The error says what would have been right.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut filter = Self { all: LevelFilter::Info, targets: Vec::new() };
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let level = |word: &str| {
                word.trim().parse().map_err(|_| format!("{:?} is no level; write one of {LEVELS}", word.trim()))
            };
            match part.split_once('=') {
                None => filter.all = level(part)?,
                Some((target, word)) => filter.targets.push((target.trim().to_owned(), level(word)?)),
            }
        }
        filter.targets.sort_by_key(|(target, _)| std::cmp::Reverse(target.len()));
        Ok(filter)
    }

    pub(super) fn lets_through(&self, target: &str, level: Level) -> bool {
        let named = self.targets.iter().find(|(prefix, _)| is_within(target, prefix));
        level <= named.map_or(self.all, |(_, level)| *level)
    }

    /// The most that any target is let through with.
    pub(super) fn most(&self) -> LevelFilter {
        self.targets.iter().map(|(_, level)| *level).chain([self.all]).max().unwrap_or(LevelFilter::Off)
    }
}

/// Whether a target is a module or something in it.
fn is_within(target: &str, module: &str) -> bool {
    target.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_target_counts() {
        let filter = Filter::parse("warn, shop=info,shop::db=trace,noise=off").expect("valid");
        for (target, level, through) in [
            ("other", Level::Warn, true),
            ("other", Level::Info, false),
            ("shop", Level::Info, true),
            ("shop::web", Level::Debug, false),
            ("shop::db::pool", Level::Trace, true),
            ("shopping", Level::Info, false),
            ("noise", Level::Error, false),
        ] {
            assert_eq!(filter.lets_through(target, level), through, "{target} {level}");
        }
        assert_eq!(filter.most(), LevelFilter::Trace);
        assert!(Filter::parse("").expect("the default").lets_through("x", Level::Info));
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(
            Filter::parse("info,shop=loud"),
            Err("\"loud\" is no level; write one of off, error, warn, info, debug, trace".to_owned())
        );
    }
}
