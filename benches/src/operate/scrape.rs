//! A scrape of the metrics, with nothing and with much to count.

use graceful_benches::Result;

use super::start;
use super::visit::call;
use crate::contest::report::Figure;
use crate::contest::server::Server;
use crate::contest::settings::Settings;
use crate::http::client::Client;
use crate::samples::Samples;
use crate::table::Group;

/// In one round, of each.
const SCRAPES: usize = 300;

/// What the scrapes of one round found: medians over the rounds are told.
#[derive(Debug, Default)]
struct Found {
    median: Samples,
    p99: Samples,
    processor: Samples,
    bytes: Samples,
}

pub(super) fn measure(settings: &Settings) -> Result<Vec<Figure>> {
    let bare = settings.candidates.first().ok_or("the service was built")?;
    let (mut none, mut many) = (Found::default(), Found::default());
    for _ in 0..settings.rounds {
        let (server, admin) = start(bare, &[])?;
        none.scrape(&server, admin)?;
        let mut clients = Vec::with_capacity(settings.connections);
        for _ in 0..settings.connections {
            let mut client = Client::connect(server.address, "/")?;
            client.get()?;
            clients.push(client);
        }
        many.scrape(&server, admin)?;
        // They are still open, all of them.
        clients.iter_mut().step_by(100).try_for_each(Client::get)?;
    }
    let names = ["no connection open".to_owned(), format!("{} open", settings.connections)];
    let group = |title, unit, samples: [Samples; 2]| {
        let rows = names.iter().map(String::as_str).zip(samples);
        Figure::from(Group::of(title, unit, rows))
    };
    Ok(vec![
        group("one scrape, median", "µs", [none.median, many.median]),
        group("one scrape, p99", "µs", [none.p99, many.p99]),
        group("one scrape, processor time of the server", "µs", [none.processor, many.processor]),
        group("one scrape, head and body", "bytes", [none.bytes, many.bytes]),
    ])
}

impl Found {
    fn scrape(&mut self, server: &Server, admin: std::net::SocketAddr) -> Result<()> {
        let mut times = Samples::EMPTY;
        // The first one warms it up.
        let bytes = call(admin, "/metrics", 200)?.bytes;
        let before = server.processor_time()?;
        for _ in 0..SCRAPES {
            times.add(call(admin, "/metrics", 200)?.took.as_nanos() as f64 / 1e3);
        }
        let used = server.processor_time()? - before;
        self.median.add(times.median());
        self.p99.add(times.quantile(0.99));
        self.processor.add(used * 1e6 / SCRAPES as f64);
        self.bytes.add(bytes as f64);
        Ok(())
    }
}
