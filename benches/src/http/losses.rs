//! What clients lose at the stop signal.

use std::time::Duration;

use graceful_benches::Result;
use graceful_drill::{Clients, Closing, Drill, Late, Part, Pattern, Reading, Request, Rest, Service};

use crate::contest::report::Figure;
use crate::contest::rounds::{Who, rounds};
use crate::contest::server::Server;
use crate::contest::settings::Settings;

/// Load before the signal.
const WARM_UP: Duration = Duration::from_millis(300);

/// Who still serves loops by then does not stop.
const DEADLINE: Duration = Duration::from_secs(3);

/// A client that begins so late finds a service that is stopping, and not yet gone.
const LATE: Duration = Duration::from_millis(20);

/// Of uploads and downloads.
const BODY: usize = 1024 * 1024;

/// Clients of one kind, and who can have them.
struct Case {
    title: &'static str,
    clients: Clients,
    who: Who,
    before: Before,
}

/// What the server does until the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// It serves.
    Serves,
    /// It serves until clients connect that it is not to accept.
    IsHeld,
}

pub(crate) fn measure(settings: &Settings) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for case in cases(settings.connections) {
        figures.extend(rounds(settings, settings.runs, case.who, [(case.title, "lost")], |program| {
            Ok([losses(Server::start(program)?, &case)? as f64])
        })?);
    }
    Ok(figures)
}

fn cases(connections: usize) -> Vec<Case> {
    let case = |title, count, pattern| {
        let clients = Clients::new(count, pattern);
        Case { title, clients, who: Who::Ending, before: Before::Serves }
    };
    let uploads = case(
        "64 bodies sent by half, the rest 20 ms after the signal",
        64,
        Pattern::Partial { part: Part::HalfBody, rest: Rest::After(LATE) },
    );
    let downloads = case(
        "64 downloads of 1 MiB that take a second",
        64,
        Pattern::Download { reading: Reading::Paced { bytes: BODY / 100, every: Duration::from_millis(10) } },
    );
    let download = format!("/download?bytes={BODY}");
    let queued = case("50 connections in the accept queue", 50, Pattern::Queued);
    let in_flight = case("200 requests of 500 ms in flight", 200, Pattern::InFlight);
    vec![
        case("64 kept connections in a closed loop", 64, Pattern::KeepAlive { pipeline: 1 }),
        case("the same, 16 requests in each write", 64, Pattern::KeepAlive { pipeline: 16 }),
        case("a connection for each request, 64 clients", 64, Pattern::PerRequest { closing: Closing::Asked }),
        case("200 clients that connect at that instant", 200, Pattern::Storm { spread: Duration::ZERO }),
        Case { before: Before::IsHeld, ..queued },
        Case {
            clients: in_flight.clients.request(Request::get("/work?ms=500")),
            who: Who::EndingHandlers,
            ..in_flight
        },
        case(
            "64 heads sent by half, the rest 20 ms after the signal",
            64,
            Pattern::Partial { part: Part::HalfHead, rest: Rest::After(LATE) },
        ),
        case(
            "idle connections, 64 of which ask 20 ms after the signal",
            connections,
            Pattern::Idle { late: Some(Late { clients: 64.min(connections), after: LATE }) },
        ),
        Case {
            clients: uploads.clients.request(Request::post("/upload", vec![b'x'; BODY])),
            who: Who::Ours,
            ..uploads
        },
        Case { clients: downloads.clients.request(Request::get(download)), who: Who::Ours, ..downloads },
    ]
}

fn losses(server: Server, case: &Case) -> Result<u64> {
    let drill = Drill::new(server.address)
        .group(case.title, case.clients.clone())
        .warm_up(WARM_UP)
        .deadline(DEADLINE)
        .patience(DEADLINE);
    let mut subject = Subject { server, before: case.before, told: Ok(()) };
    let outcome = drill.run_with(&mut subject)?;
    subject.told?;
    // A loop ends when it is refused; others have an end of their own.
    if outcome.total.ends.deadline > 0 && outcome.total.stop.last_answer.is_some_and(|last| last + LATE > DEADLINE) {
        return Err(format!("still serves {} s after the signal", DEADLINE.as_secs()).into());
    }
    Ok(outcome.losses())
}

/// A server, as the drill wants it.
struct Subject {
    server: Server,
    before: Before,
    told: Result<()>,
}

impl Service for Subject {
    fn prepare(&mut self) {
        if self.before == Before::IsHeld {
            self.told = self.server.hold();
        }
    }

    fn signal(&mut self) {
        if self.told.is_ok() {
            self.told = self.server.stop().map(drop);
        }
        // It finds the signal and the queue when it goes on.
        if self.before == Before::IsHeld && self.told.is_ok() {
            self.told = self.server.release();
        }
    }

    fn has_ended(&mut self) -> bool {
        self.server.has_ended()
    }
}
