//! Writing JSON: the little of it that reports and plans need, in a fraction of the code that a tree of values takes.

use std::fmt::Write as _;
use std::time::Duration;

/// Pretty-printed JSON, written front to back.
#[derive(Debug, Default)]
pub(crate) struct Json {
    text: String,
    depth: usize,
    /// Whether the innermost list or object has something in it already.
    filled: bool,
}

/// A value that has nothing in it.
#[derive(Debug)]
pub(crate) enum Item<'a> {
    Bool(bool),
    /// Milliseconds with three decimals: microseconds are what a step can be told by.
    Millis(Duration),
    Null,
    Number(u64),
    Signed(i64),
    Text(&'a str),
}

impl<'a> Item<'a> {
    pub(crate) fn millis(duration: Option<Duration>) -> Self {
        duration.map_or(Self::Null, Self::Millis)
    }

    pub(crate) fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }
}

impl Json {
    /// One object, with a final line break: `members` puts everything into it.
    pub(crate) fn document(members: impl FnOnce(&mut Self)) -> String {
        let mut json = Self::default();
        json.open('{');
        members(&mut json);
        json.close('}');
        json.text.push('\n');
        json.text
    }

    // Called for every member of everything: not inlined, or each call would be as long as this.
    #[inline(never)]
    pub(crate) fn put(&mut self, key: &str, value: Item<'_>) {
        self.key(key);
        self.item(value);
    }

    pub(crate) fn object(&mut self, key: &str, members: impl FnOnce(&mut Self)) {
        self.key(key);
        self.open('{');
        members(self);
        self.close('}');
    }

    /// A list of objects.
    pub(crate) fn list<T>(&mut self, key: &str, items: impl IntoIterator<Item = T>, members: impl Fn(&mut Self, T)) {
        self.key(key);
        self.open('[');
        for item in items {
            self.separate();
            self.open('{');
            members(self, item);
            self.close('}');
        }
        self.close(']');
    }

    pub(crate) fn texts(&mut self, key: &str, texts: &[String]) {
        self.key(key);
        self.open('[');
        for text in texts {
            self.separate();
            self.quote(text);
        }
        self.close(']');
    }

    #[inline(never)]
    fn key(&mut self, key: &str) {
        self.separate();
        self.quote(key);
        self.text.push_str(": ");
    }

    fn item(&mut self, value: Item<'_>) {
        // Writing to a string cannot fail.
        let _ = match value {
            Item::Bool(value) => write!(self.text, "{value}"),
            Item::Millis(value) => {
                let micros = value.saturating_add(Duration::from_nanos(500)).as_micros();
                let micros = u64::try_from(micros).unwrap_or(u64::MAX);
                let written = write!(self.text, "{}.{:03}", micros / 1000, micros % 1000);
                // At least one decimal stays, so that it reads as a number with a fraction.
                while self.text.ends_with('0') && !self.text.ends_with(".0") {
                    self.text.pop();
                }
                written
            }
            Item::Null => self.text.write_str("null"),
            Item::Number(value) => write!(self.text, "{value}"),
            Item::Signed(value) => write!(self.text, "{value}"),
            Item::Text(value) => {
                self.quote(value);
                Ok(())
            }
        };
    }

    #[inline(never)]
    fn open(&mut self, open: char) {
        self.text.push(open);
        self.depth += 1;
        self.filled = false;
    }

    #[inline(never)]
    fn close(&mut self, close: char) {
        self.depth -= 1;
        if self.filled {
            self.break_line();
        }
        self.text.push(close);
        self.filled = true;
    }

    /// What stands between two members.
    #[inline(never)]
    fn separate(&mut self) {
        if self.filled {
            self.text.push(',');
        }
        self.filled = true;
        self.break_line();
    }

    fn break_line(&mut self) {
        self.text.push('\n');
        for _ in 0..self.depth {
            self.text.push_str("  ");
        }
    }

    #[inline(never)]
    fn quote(&mut self, text: &str) {
        self.text.push('"');
        for c in text.chars() {
            let escape = match c {
                '"' | '\\' => c,
                '\n' => 'n',
                '\r' => 'r',
                '\t' => 't',
                '\x08' => 'b',
                '\x0c' => 'f',
                '\0'..='\x1f' => {
                    let _ = write!(self.text, "\\u{:04x}", u32::from(c));
                    continue;
                }
                _ => {
                    self.text.push(c);
                    continue;
                }
            };
            self.text.push('\\');
            self.text.push(escape);
        }
        self.text.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read back is what was written, and it looks as `serde_json` has it.
    #[test]
    fn it_reads_back() {
        let odd = "a \"quoted\" \\ line\r\n\tand \u{1} \u{7f} \u{2028} ü 🦀";
        let text = Json::document(|json| {
            json.list("empty", [0; 0], |_, _| ());
            json.list("list", [1, 2], |json, n| json.put("n", Item::Number(n)));
            json.put("none", Item::text(None));
            json.object("numbers", |json| {
                for each in [0, 1, 10, 1_000_000, 12_345_678_901, 1500] {
                    json.put(&each.to_string(), Item::Millis(Duration::from_micros(each)));
                }
                json.put("signed", Item::Signed(-7));
            });
            json.put("odd", Item::Text(odd));
            json.texts("texts", &["a".to_owned(), "b".to_owned()]);
            json.put("yes", Item::Bool(true));
        });
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["odd"], odd);
        assert_eq!(value["numbers"]["12345678901"], 12_345_678.901);
        assert_eq!(value["list"], serde_json::json!([{"n": 1}, {"n": 2}]));
        assert_eq!(format!("{value:#}\n"), text);
    }

    #[test]
    fn times_are_rounded_to_microseconds() {
        let check = |nanos: u64, expected: &str| {
            let text = Json::document(|json| json.put("t", Item::Millis(Duration::from_nanos(nanos))));
            assert_eq!(text, format!("{{\n  \"t\": {expected}\n}}\n"));
        };
        check(499, "0.0");
        check(500, "0.001");
        check(1_999_999_501, "2000.0");
    }
}
