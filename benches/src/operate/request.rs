//! What a request and a connection cost more where an operator looks on.

use graceful_benches::Result;

use super::visit::Operator;
use crate::contest::report::Figure;
use crate::contest::rounds::{Titles, Who, rounds};
use crate::contest::server::Server;
use crate::contest::settings::Settings;
use crate::http::wrk::Load;

pub(super) fn measure(settings: &Settings) -> Result<Vec<Figure>> {
    let kept = [("64 kept connections", "requests/s"), ("the same, processor time of the server", "µs/request")];
    let each = [
        ("a connection for each request, 64 at a time", "requests/s"),
        ("the same, processor time of the server", "µs/request"),
    ];
    let mut figures = under(settings, kept, &Load::of(64))?;
    figures.extend(under(settings, each, &Load { header: Some("Connection: close"), ..Load::of(64) })?);
    Ok(figures)
}

fn under(settings: &Settings, titles: Titles<2>, load: &Load) -> Result<Vec<Figure>> {
    rounds(settings, settings.rounds, Who::Ours, titles, |program| {
        let mut server = Server::start(program)?;
        let operator = if program.environment.is_empty() { None } else { Some(Operator::come(server.admin()?)) };
        if !settings.warm_up.is_zero() {
            load.run(server.address, settings.warm_up)?;
        }
        let before = server.processor_time()?;
        let answers = load.run(server.address, settings.load)?;
        let used = server.processor_time()? - before;
        operator.map_or(Ok(()), Operator::go)?;
        Ok([answers.for_each_second, used * 1e6 / answers.count])
    })
}
