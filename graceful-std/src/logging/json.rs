//! Records for machines.

use std::time::SystemTime;

use graceful_core::__private::parse_duration;
use log::Record;
use log::kv::{Error, Key, Value, VisitSource, VisitValue};
use serde_json::{Map, Value as Json};

use super::time::rfc3339;

/// One object, ending in a line break.
pub(super) fn line(record: &Record<'_>, now: SystemTime) -> Vec<u8> {
    let message = record.args().to_string();
    let mut object = Map::new();
    object.insert("timestamp".into(), rfc3339(now).into());
    object.insert("level".into(), record.level().as_str().to_lowercase().into());
    object.insert("target".into(), record.target().into());
    // A value that cannot be shown takes nothing else with it.
    let _ = record.key_values().visit(&mut Fields(&mut object));
    if record.target() == "graceful" {
        describe(&mut object, &message);
    }
    object.insert("message".into(), message.into());
    let mut line = Json::Object(object).to_string().into_bytes();
    line.push(b'\n');
    line
}

/// What an event of the framework is of, in the order in which it is looked for.
const COMPONENTS: [&str; 8] = ["name", "address", "pool", "queue", "server", "channels", "path", "from"];

/// The same three fields for every event, whatever the event calls them: who it is of, what became of it, how long it took.
fn describe(object: &mut Map<String, Json>, message: &str) {
    let text = |object: &Map<String, Json>, name: &str| object.get(name).and_then(Json::as_str).map(str::to_owned);
    let component = COMPONENTS.iter().find_map(|name| text(object, name)).unwrap_or_else(|| "service".to_owned());
    let status = text(object, "outcome").or_else(|| text(object, "ended")).unwrap_or_else(|| status(message));
    let took = text(object, "took").or_else(|| text(object, "after")).and_then(|took| parse_duration(&took));
    object.insert("event_type".into(), event_type(message).into());
    object.entry("component").or_insert_with(|| component.into());
    object.entry("status").or_insert_with(|| status.into());
    if let Some(took) = took {
        // To the microsecond; text has fewer digits anyway.
        let millis = took.as_micros() as f64 / 1000.0;
        object.entry("took_ms").or_insert_with(|| millis.into());
    }
}

/// Events are facts: their last word says what happened, unless it did not.
fn status(message: &str) -> String {
    let at = message.find(" not ").or_else(|| message.rfind(' ')).map_or(0, |at| at + 1);
    message[at..].replace(' ', "_")
}

fn event_type(message: &str) -> String {
    if message == "shutdown requested" { "shutdown_initiated".to_owned() } else { message.replace(' ', "_") }
}

/// Names that are taken.
const OURS: [&str; 5] = ["event_type", "level", "message", "target", "timestamp"];

struct Fields<'a>(&'a mut Map<String, Json>);

impl<'kvs> VisitSource<'kvs> for Fields<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let mut json = Json::Null;
        value.visit(&mut Field(&mut json))?;
        let name = key.as_str();
        let name = if OURS.contains(&name) { format!("{name}_") } else { name.to_owned() };
        self.0.insert(name, json);
        Ok(())
    }
}

/// Numbers stay numbers.
struct Field<'a>(&'a mut Json);

impl VisitValue<'_> for Field<'_> {
    fn visit_any(&mut self, value: Value<'_>) -> Result<(), Error> {
        *self.0 = value.to_string().into();
        Ok(())
    }

    fn visit_null(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), Error> {
        *self.0 = value.into();
        Ok(())
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), Error> {
        // Infinity has no form in JSON.
        *self.0 = if value.is_finite() { value.into() } else { value.to_string().into() };
        Ok(())
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), Error> {
        *self.0 = value.into();
        Ok(())
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), Error> {
        *self.0 = value.into();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use log::Level;

    use super::*;

    fn written(target: &str, message: &str, fields: &[(&str, Value<'_>)]) -> String {
        let args = format_args!("{message}").to_string();
        let line = line(
            &Record::builder()
                .args(format_args!("{args}"))
                .level(Level::Warn)
                .target(target)
                .key_values(&fields)
                .build(),
            UNIX_EPOCH,
        );
        String::from_utf8(line).expect("JSON is UTF-8")
    }

    #[test]
    fn fields_keep_their_types() {
        let fields = [
            ("count", Value::from(7_u64)),
            ("left", Value::from(-7_i64)),
            ("rate", Value::from(0.5)),
            ("odd", Value::from(f64::INFINITY)),
            ("open", Value::from(true)),
            ("name", Value::from("a \"quoted\"\nline")),
            ("level", Value::from("mine")),
        ];
        assert_eq!(
            written("shop", "order\nstored", &fields),
            concat!(
                r#"{"count":7,"left":-7,"level":"warn","level_":"mine","message":"order\nstored","name":"a \"quoted\"\nline","#,
                r#""odd":"inf","open":true,"rate":0.5,"target":"shop","timestamp":"1970-01-01T00:00:00.000Z"}"#,
                "\n"
            )
        );
    }

    #[test]
    fn events_of_the_framework_have_a_type() {
        let event = |message: &str| {
            let json: Json = serde_json::from_str(&written("graceful", message, &[])).expect("JSON");
            json["event_type"].as_str().map(str::to_owned)
        };
        assert_eq!(event("shutdown requested").as_deref(), Some("shutdown_initiated"));
        assert_eq!(event("phase changed").as_deref(), Some("phase_changed"));
    }

    #[test]
    fn events_of_the_framework_say_who_what_and_how_long() {
        let check = |message: &str, fields: &[(&str, Value<'_>)], component: &str, status: &str, took: Option<f64>| {
            let json: Json = serde_json::from_str(&written("graceful", message, fields)).expect("JSON");
            assert_eq!(json["component"], component, "{json}");
            assert_eq!(json["status"], status, "{json}");
            assert_eq!(json["took_ms"].as_f64(), took, "{json}");
        };
        let hook = [("name", Value::from("db")), ("outcome", Value::from("completed")), ("took", Value::from("1.25s"))];
        check("hook finished", &hook, "db", "completed", Some(1250.0));
        check(
            "hook abandoned",
            &[("name", "db".into()), ("after", "1m 30s".into())],
            "db",
            "abandoned",
            Some(90_000.0),
        );
        let phase =
            [("from", "draining".into()), ("to", "x".into()), ("took", "42us".into()), ("ended", "done".into())];
        check("phase changed", &phase, "draining", "done", Some(0.042));
        check("values not dropped", &[], "service", "not_dropped", None);
        check("exiting", &[("took", "soon".into())], "service", "exiting", None);
        // What an event says itself stays.
        check("x", &[("component", "mine".into()), ("status", "odd".into())], "mine", "odd", None);
        let other: Json = serde_json::from_str(&written("shop", "order stored", &hook)).expect("JSON");
        assert!(other.get("component").is_none() && other.get("took_ms").is_none(), "{other}");
    }
}
