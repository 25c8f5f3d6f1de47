//! Records for machines.

use std::time::SystemTime;

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
    if record.target() == "graceful" {
        object.insert("event_type".into(), event_type(&message).into());
    }
    object.insert("message".into(), message.into());
    // A value that cannot be shown takes nothing else with it.
    let _ = record.key_values().visit(&mut Fields(&mut object));
    let mut line = Json::Object(object).to_string().into_bytes();
    line.push(b'\n');
    line
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
}
