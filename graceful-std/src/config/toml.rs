//! From the bytes of a file to keys and values with their places.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue};
use graceful_core::__private::{Contribution, inventory};
use graceful_core::{FileEntry, FileReader, FileValue, StartError, Switch};

/// No settings need more.
const LARGEST: u64 = 1024 * 1024;

/// The table that is ours in a file that is not.
const OURS: &str = "graceful";

inventory::submit! { Contribution { feature: "config", settings: &[], reader: Some(FileReader::new(toml)) } }

/// Reads a settings file: the keys of its table `[graceful]`, or all of them where it has none.
///
/// # Errors
/// [`StartError::File`].
///
/// # Blocking
/// While the file is read.
pub fn toml(path: &Path) -> Result<Vec<FileEntry>, StartError> {
    let refused = |problem: String| StartError::File { path: path.to_owned(), place: None, problem };
    let bytes = read(path).map_err(refused)?;
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) => text,
        Err(error) => {
            let text = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let place = Some(place(&text, text.len()));
            return Err(StartError::File { path: path.to_owned(), place, problem: "this is not UTF-8".to_owned() });
        }
    };
    entries(text).map_err(|(place, problem)| StartError::File { path: path.to_owned(), place: Some(place), problem })
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let cannot = |error: io::Error| {
        let cure = match error.kind() {
            io::ErrorKind::NotFound => "; write the file, or name another with GRACEFUL_CONFIG",
            io::ErrorKind::PermissionDenied => "; the user of the service must be allowed to read it",
            _ => "",
        };
        format!("the settings file cannot be read: {error}{cure}")
    };
    // Before it is opened: who opens a pipe waits until somebody writes.
    if !fs::metadata(path).map_err(cannot)?.is_file() {
        return Err("this is no file; name one that holds settings".to_owned());
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(cannot)?;
    if bytes.len() as u64 > LARGEST {
        return Err("this is larger than 1 MiB, which no settings are; name the right file".to_owned());
    }
    Ok(bytes)
}

/// Line and column, from 1.
type Place = (usize, usize);

/// What a document says, in the order of its lines.
pub(crate) fn entries(text: &str) -> Result<Vec<FileEntry>, (Place, String)> {
    let document = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        // Not the error's own text, which shows the line.
        let problem = error.message().lines().collect::<Vec<_>>().join(", ");
        (place(text, at), format!("this is not TOML: {problem}"))
    })?;
    let document = document.get_ref();
    let ours = document.iter().find(|(key, _)| key.get_ref() == OURS);
    let table = match ours {
        None => document,
        Some((key, value)) => match value.get_ref() {
            DeValue::Table(table) => table,
            _ => {
                let problem = format!("{OURS} is not a table; write [{OURS}]");
                return Err((place(text, key.span().start), problem));
            }
        },
    };
    let mut found = Vec::new();
    collect(table, "", &mut found);
    found.sort_by_key(|(at, _)| *at);
    let mut entries = Vec::with_capacity(found.len());
    for (at, mut entry) in found {
        (entry.line, entry.column) = place(text, at);
        entries.push(entry);
    }
    Ok(entries)
}

/// The values of a table, and those of the tables in it, with where each begins.
fn collect(table: &DeTable<'_>, name: &str, found: &mut Vec<(usize, FileEntry)>) {
    for (key, value) in table {
        match value.get_ref() {
            // One within another is a value that nobody knows.
            DeValue::Table(inner) if name.is_empty() && !inner.is_empty() => collect(inner, key.get_ref(), found),
            _ => {
                let entry = FileEntry {
                    table: name.to_owned(),
                    key: key.get_ref().to_string(),
                    value: value_of(value),
                    line: 0,
                    column: 0,
                };
                found.push((key.span().start, entry));
            }
        }
    }
}

fn value_of(value: &Spanned<DeValue<'_>>) -> FileValue {
    match value.get_ref() {
        DeValue::String(text) => FileValue::Text(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => FileValue::Number(number),
            Err(_) => FileValue::Other("a number that is too large"),
        },
        DeValue::Boolean(true) => FileValue::Switch(Switch::On),
        DeValue::Boolean(false) => FileValue::Switch(Switch::Off),
        DeValue::Float(_) => FileValue::Other("a fraction"),
        DeValue::Datetime(_) => FileValue::Other("a date"),
        DeValue::Array(_) => FileValue::Other("a list"),
        DeValue::Table(_) => FileValue::Other("a table"),
    }
}

/// Where an offset is.
fn place(text: &str, at: usize) -> Place {
    // Errors at the end point behind it, and may point into a character.
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(table: &str, key: &str, value: FileValue, line: usize, column: usize) -> FileEntry {
        FileEntry { table: table.to_owned(), key: key.to_owned(), value, line, column }
    }

    #[test]
    fn values_with_their_places() {
        let text =
            "# a comment\nb = \"20s\"\n  a = 0x1e\nc = 1.5\nd = true\n\n[hooks]\nclose_db = 5\n\"ü x\" = []\n[empty]\n";
        let expected = [
            entry("", "b", FileValue::Text("20s".into()), 2, 1),
            entry("", "a", FileValue::Number(30), 3, 3),
            entry("", "c", FileValue::Other("a fraction"), 4, 1),
            entry("", "d", FileValue::Switch(Switch::On), 5, 1),
            entry("hooks", "close_db", FileValue::Number(5), 8, 1),
            entry("hooks", "ü x", FileValue::Other("a list"), 9, 1),
            entry("", "empty", FileValue::Other("a table"), 10, 2),
        ];
        assert_eq!(entries(text).expect("TOML"), expected);
        assert_eq!(entries("").expect("TOML"), []);
    }

    #[test]
    fn a_table_of_ours_is_all_that_counts() {
        let text = "port = 80\n[graceful]\nshutdown_drain = 5\n[graceful.hooks]\ndb = 7\n[database]\nurl = \"x\"\n";
        let expected =
            [entry("", "shutdown_drain", FileValue::Number(5), 3, 1), entry("hooks", "db", FileValue::Number(7), 5, 1)];
        assert_eq!(entries(text).expect("TOML"), expected);
        assert_eq!(entries("graceful = 1"), Err(((1, 1), "graceful is not a table; write [graceful]".to_owned())));
    }

    #[test]
    fn a_mistake_is_told_without_the_line() {
        for text in ["admin_token = \"hunter2", "admin_token = hunter2", "a = 1\nadmin_token \"hunter2\"", "= hunter2"]
        {
            let ((line, _), problem) = entries(text).expect_err("not TOML");
            assert_eq!(line, text.lines().count(), "{problem}");
            assert!(problem.starts_with("this is not TOML: ") && !problem.contains("hunter2"), "{problem}");
            assert!(!problem.contains('\n'), "{problem}");
        }
        assert_eq!(entries("a = 1\na = 2").expect_err("twice").0.0, 2);
        assert!(entries(&"[".repeat(100_000)).is_err());
        assert!(entries(&format!("a = {}", "[".repeat(100_000))).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Whatever stands in a file: entries that are somewhere in it, or an error that is.
        #[test]
        fn any_text_is_read_or_refused(
            text in prop_oneof![
                "\\PC*",
                "([a-c]{1,2}|\\[|\\]|\\{|\\}|=|\"|'|\\.|,|#|\n| |[0-9]|true|1979-05-27|\\\\|\u{fc}|\u{1f980}){0,60}",
                "(\\[?(graceful|hooks|shutdown_drain)(\\.hooks)?\\]?( = (\"20s\"|5|\\{ a = 1 \\}))?\n){0,6}",
            ],
        ) {
            let lines = text.matches('\n').count() + 1;
            match entries(&text) {
                Ok(entries) => {
                    for entry in &entries {
                        prop_assert!((1..=lines).contains(&entry.line) && entry.column >= 1, "{:?}", entry);
                    }
                    prop_assert!(entries.is_sorted_by_key(|entry| (entry.line, entry.column)));
                }
                Err(((line, column), problem)) => {
                    prop_assert!((1..=lines).contains(&line) && column >= 1 && !problem.is_empty());
                }
            }
        }

        /// The bytes of a file are anybody's.
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let directory = tempfile::tempdir().expect("a directory");
            let path = directory.path().join("service.toml");
            fs::write(&path, &bytes).expect("written");
            if let Err(error) = toml(&path) {
                let text = error.to_string();
                prop_assert!(text.starts_with(&path.display().to_string()) && !text.contains('\n'), "{}", text);
            }
        }
    }
}
