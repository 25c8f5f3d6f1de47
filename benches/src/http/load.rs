//! As many requests as can be, over connections that are kept or not.

use graceful_benches::Result;

use super::client::is_closed_on_request;
use super::wrk::Load;
use crate::contest::report::Figure;
use crate::contest::rounds::{Titles, Who, rounds};
use crate::contest::server::Server;
use crate::contest::settings::Settings;

pub(crate) fn keep_alive(settings: &Settings) -> Result<Vec<Figure>> {
    let few =
        [("64 kept connections", "requests/s"), ("64 kept connections, processor time of the server", "µs/request")];
    let many =
        [("256 kept connections", "requests/s"), ("256 kept connections, processor time of the server", "µs/request")];
    let mut figures = measure(settings, few, &Load::of(64))?;
    figures.extend(measure(settings, many, &Load::of(256))?);
    Ok(figures)
}

pub(crate) fn reconnect(settings: &Settings) -> Result<Vec<Figure>> {
    let titles = [
        ("a connection for each request, 64 at a time", "requests/s"),
        ("a connection for each request, processor time of the server", "µs/request"),
    ];
    measure(settings, titles, &Load { header: Some("Connection: close"), ..Load::of(64) })
}

pub(crate) fn pipeline(settings: &Settings) -> Result<Vec<Figure>> {
    let titles = [
        ("16 requests in each write, 64 connections", "requests/s"),
        ("16 requests in each write, processor time of the server", "µs/request"),
    ];
    measure(settings, titles, &Load { depth: 16, ..Load::of(64) })
}

fn measure(settings: &Settings, titles: Titles<2>, load: &Load) -> Result<Vec<Figure>> {
    rounds(settings, settings.rounds, Who::Everybody, titles, |program| {
        let server = Server::start(program)?;
        if load.header.is_some() && !is_closed_on_request(server.address)? {
            return Err("connections stay open when the client asks to close".into());
        }
        if !settings.warm_up.is_zero() {
            load.run(server.address, settings.warm_up)?;
        }
        let before = server.processor_time()?;
        let answers = load.run(server.address, settings.load)?;
        let used = server.processor_time()? - before;
        Ok([answers.for_each_second, used * 1e6 / answers.count])
    })
}
