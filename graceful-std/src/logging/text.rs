//! Records for people.

use std::io::Write as _;
use std::time::SystemTime;

use log::kv::{Error, Key, Value, VisitSource};
use log::{Level, Record};

use super::time::rfc3339;

/// Whether words are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    None,
    Terminal,
}

/// One line: time, level, target, message, fields.
pub(super) fn line(record: &Record<'_>, now: SystemTime, colour: Colour) -> Vec<u8> {
    let mut line = Vec::with_capacity(128);
    let time = rfc3339(now);
    let (dim, bold, paint, end) = match colour {
        Colour::None => ("", "", "", ""),
        Colour::Terminal => ("\x1b[2m", "\x1b[1m", paint(record.level()), "\x1b[0m"),
    };
    // Nothing fails that writes into memory.
    let _ = write!(line, "{dim}{time}{end} {paint}{:5}{end} {dim}{}{end} {bold}", record.level(), record.target());
    push_text(&mut line, &record.args().to_string(), Quotes::Never);
    line.extend_from_slice(end.as_bytes());
    let _ = record.key_values().visit(&mut Fields { line: &mut line, dim, end });
    line.push(b'\n');
    line
}

fn paint(level: Level) -> &'static str {
    match level {
        Level::Error => "\x1b[31m",
        Level::Warn => "\x1b[33m",
        Level::Info => "\x1b[32m",
        Level::Debug => "\x1b[34m",
        Level::Trace => "\x1b[35m",
    }
}

struct Fields<'a> {
    line: &'a mut Vec<u8>,
    dim: &'static str,
    end: &'static str,
}

impl<'kvs> VisitSource<'kvs> for Fields<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let Self { line, dim, end } = self;
        let _ = write!(line, " {dim}");
        push_text(line, key.as_str(), Quotes::Never);
        let _ = write!(line, "={end}");
        push_text(line, &value.to_string(), Quotes::WhereNeeded);
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quotes {
    Never,
    /// Where the value could be taken for two.
    WhereNeeded,
}

/// A record is a line, whatever is in it: nobody forges another one, or moves the terminal's cursor.
fn push_text(line: &mut Vec<u8>, text: &str, quotes: Quotes) {
    let quoted = quotes == Quotes::WhereNeeded
        && (text.is_empty() || text.contains(|letter: char| letter.is_whitespace() || matches!(letter, '"' | '=')));
    if quoted {
        line.push(b'"');
    }
    for letter in text.chars() {
        match letter {
            '"' if quoted => line.extend_from_slice(b"\\\""),
            letter if letter.is_control() => line.extend(letter.escape_default().map(|byte| byte as u8)),
            letter => line.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    if quoted {
        line.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn written(message: &str, fields: &[(&str, Value<'_>)], colour: Colour) -> String {
        let record = Record::builder().level(Level::Info).target("shop").key_values(&fields).build();
        let args = message.to_owned();
        let line = line(&record.to_builder().args(format_args!("{args}")).build(), UNIX_EPOCH, colour);
        String::from_utf8(line).expect("UTF-8")
    }

    #[test]
    fn a_record_is_one_line() {
        let fields = [("id", Value::from(7)), ("name", Value::from("green tea")), ("none", Value::from(""))];
        assert_eq!(
            written("order\nstored\x1b[2J", &fields, Colour::None),
            "1970-01-01T00:00:00.000Z INFO  shop order\\nstored\\u{1b}[2J id=7 name=\"green tea\" none=\"\"\n"
        );
    }

    #[test]
    fn colour_is_for_terminals() {
        let line = written("grüße", &[("id", Value::from(7))], Colour::Terminal);
        assert!(line.contains("\x1b[32mINFO \x1b[0m") && line.contains("grüße"), "{line:?}");
    }
}
