//! The signal in the middle of requests and answers that take their time.

use std::time::Duration;

use graceful_drill::{Class, Clients, Part, Pattern, Reading, Request, Rest, Status};

use crate::drill::{Drills, equal};

const SECOND: Duration = Duration::from_secs(1);

fn upload() -> Request {
    Request::post("/upload", vec![b'x'; 500_000]).expect_body("500000\n")
}

fn short() -> Request {
    Request::post("/upload", vec![b'x'; 1000]).expect_body("1000\n")
}

#[test]
fn half_sent_requests_that_are_completed() {
    let rest = Rest::After(Duration::from_millis(400));
    let clients = |part, request: Request| Clients::new(30, Pattern::Partial { part, rest }).request(request);
    Drills::new("half-sent heads and bodies", SECOND).lose_nothing(|drill| {
        drill
            .group("heads", clients(Part::HalfHead, Request::get("/").expect_body("Hello, World!")))
            .group("heads of uploads", clients(Part::HalfHead, upload()))
            .group("short bodies", clients(Part::HalfBody, short()))
            .group("long bodies", clients(Part::HalfBody, upload()))
    });
}

#[test]
fn half_sent_requests_that_are_not() {
    let clients =
        |part, request: Request| Clients::new(20, Pattern::Partial { part, rest: Rest::Never }).request(request);
    // Every round takes the five seconds for which a silent body is waited for, so they are few.
    Drills::new("half-sent and given up", 5 * SECOND).rounds(1).run(
        |drill| {
            drill
                .group("heads", clients(Part::HalfHead, Request::get("/")))
                .group("short bodies", clients(Part::HalfBody, short()))
                .group("long bodies", clients(Part::HalfBody, upload()))
        },
        |round| {
            round.lost_nothing()?;
            // All of them were told why.
            equal("408", &round.seen.total.counts.status(Status::RequestTimeout), &60)?;
            equal("forfeited", &round.seen.count(Class::Forfeited), &0)
        },
    );
}

#[test]
fn slow_uploads_and_downloads() {
    let slowly = Pattern::Partial { part: Part::HalfBody, rest: Rest::Over(SECOND) };
    let download = |reading| {
        Clients::new(20, Pattern::Download { reading })
            .request(Request::get("/download?bytes=3000000").expect_body(vec![b'x'; 3_000_000]))
    };
    let paced = Reading::Paced { bytes: 60_000, every: Duration::from_millis(20) };
    let stalled = Reading::Stalled { after: 10_000, resume: Some(SECOND) };
    Drills::new("slow uploads and downloads", 2 * SECOND).lose_nothing(|drill| {
        drill
            .group("uploads", Clients::new(20, slowly.clone()).request(upload()))
            .group("downloads", download(paced))
            .group("stalled", download(stalled))
    });
}
