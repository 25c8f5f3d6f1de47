//! A service whose logger writes each record as a JSON line on stdout, buffered until it is flushed, as real ones are.
//! `GF_HOOK=panic|hang` is what the hook `db` does.
#![forbid(unsafe_code)]

use std::sync::Mutex;
use std::thread;

use graceful::{App, BoxError, cleanup};
use graceful_tests::fixture::{say, setting};
use log::kv::{Error, Key, Value, VisitSource};
use serde_json::json;

struct JsonLogger(Mutex<Vec<String>>);

struct Fields<'a>(&'a mut serde_json::Map<String, serde_json::Value>);

impl log::Log for JsonLogger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let mut fields = serde_json::Map::new();
        record.key_values().visit(&mut Fields(&mut fields)).expect("fields can be read");
        let line = json!({
            "level": record.level().as_str(),
            "target": record.target(),
            "message": record.args().to_string(),
            "fields": fields,
        });
        self.0.lock().expect("no panic under the lock").push(line.to_string());
    }

    fn flush(&self) {
        for line in self.0.lock().expect("no panic under the lock").drain(..) {
            say(&line);
        }
    }
}

impl<'kvs> VisitSource<'kvs> for Fields<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let value = value.to_u64().map_or_else(|| json!(value.to_string()), |number| json!(number));
        self.0.insert(key.to_string(), value);
        Ok(())
    }
}

#[graceful::main(timeout = "5s", drain = "1s", tasks = "1s", flush = "1s")]
fn main(app: &App) -> Result<(), BoxError> {
    static LOGGER: JsonLogger = JsonLogger(Mutex::new(Vec::new()));
    log::set_logger(&LOGGER).expect("no other logger");
    log::set_max_level(log::LevelFilter::Debug);
    app.tcp("127.0.0.1:0", |_| ())?;
    app.ready()?;
    say("ready");
    Ok(())
}

#[cleanup(order = 10, timeout = "500ms")]
fn db() {
    match setting("hook").as_deref() {
        Some("panic") => panic!("as asked"),
        Some("hang") => loop {
            thread::park();
        },
        _ => {}
    }
}
