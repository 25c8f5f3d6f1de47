//! The two texts that Prometheus reads.

use std::collections::HashSet;
use std::fmt::Write as _;

/// How metrics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// The text format 0.0.4, which everything reads.
    Classic,
    OpenMetrics,
}

impl Format {
    /// What the client asks for.
    pub(super) fn of(accept: Option<&str>) -> Self {
        let wanted = accept.is_some_and(|accept| accept.contains("application/openmetrics-text"));
        if wanted { Self::OpenMetrics } else { Self::Classic }
    }

    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// OpenMetrics as the classic text: there, the name of a family is that of its samples, so a counter's has its ending, and there
/// is no mark for the end.
pub(super) fn classic(open_metrics: &str) -> String {
    let types = || open_metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let counters: HashSet<&str> = types().filter(|(_, kind)| *kind == "counter").map(|(name, _)| name).collect();
    let infos: HashSet<&str> = types().filter(|(_, kind)| *kind == "info").map(|(name, _)| name).collect();
    let ending = |name: &str| {
        if counters.contains(name) {
            "_total"
        } else if infos.contains(name) {
            "_info"
        } else {
            ""
        }
    };
    let mut out = String::with_capacity(open_metrics.len() + 32 * counters.len());
    for line in open_metrics.lines() {
        let Some(comment) = line.strip_prefix("# ") else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let mut words = comment.splitn(3, ' ');
        let (Some(what @ ("HELP" | "TYPE")), Some(name), Some(rest)) = (words.next(), words.next(), words.next())
        else {
            // `EOF`, and `UNIT`, which is part of the name anyway.
            continue;
        };
        let rest = match (what, rest) {
            ("TYPE", "info") => "gauge",
            ("TYPE", "unknown") => "untyped",
            _ => rest,
        };
        // Nothing fails that writes into memory.
        let _ = writeln!(out, "# {what} {name}{} {rest}", ending(name));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_have_the_names_of_their_samples() {
        let open_metrics = concat!(
            "# HELP orders Orders. # EOF\n# TYPE orders counter\norders_total 7\n",
            "# HELP room_seconds Time.\n# TYPE room_seconds gauge\n# UNIT room_seconds seconds\nroom_seconds{a=\"# TYPE\"} 1\n",
            "# HELP build Build.\n# TYPE build info\nbuild_info{v=\"1\"} 1\n# EOF\n"
        );
        let expected = concat!(
            "# HELP orders_total Orders. # EOF\n# TYPE orders_total counter\norders_total 7\n",
            "# HELP room_seconds Time.\n# TYPE room_seconds gauge\nroom_seconds{a=\"# TYPE\"} 1\n",
            "# HELP build_info Build.\n# TYPE build_info gauge\nbuild_info{v=\"1\"} 1\n"
        );
        assert_eq!(classic(open_metrics), expected);
    }

    #[test]
    fn who_asks_for_the_new_one_gets_it() {
        assert_eq!(Format::of(None), Format::Classic);
        assert_eq!(Format::of(Some("text/plain")), Format::Classic);
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5";
        assert_eq!(Format::of(Some(prometheus)), Format::OpenMetrics);
    }
}
