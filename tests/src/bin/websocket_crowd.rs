//! Many WebSocket clients in a process of their own, which has its own limit on open files: `websocket_crowd ADDRESS PATH NUMBER`.
//! Says `ready` when all of them are open, and in the end `told N of NUMBER for REASON`, where N is how many were told good-bye
//! with 1001 before their connection ended in order, and a line for each that was not.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use graceful_tests::crowd::{Crowd, Manners, raise_the_limit_on_files};
use graceful_tests::fixture::say;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, path, number] = &arguments[..] else { return Err("address, path and number".into()) };
    let number: usize = number.parse()?;
    raise_the_limit_on_files();
    let crowd = Crowd::new().join(address.parse()?, path, number, Manners::Answers);
    say("ready");
    let seen = crowd.listen();
    for one in seen.iter().filter(|one| !one.is_told()) {
        say(&format!("{one:?}"));
    }
    let reasons: BTreeSet<_> = seen.iter().filter_map(|one| Some(one.close.as_ref()?.2.as_str())).collect();
    let told = seen.iter().filter(|one| one.is_told()).count();
    say(&format!("told {told} of {number} for {}", Vec::from_iter(reasons).join(",")));
    Ok(())
}
