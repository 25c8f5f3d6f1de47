//! A restart of the example `chat` under its clients: they are closed with 1001, wait, come back, and go on.

use std::time::Duration;

use graceful_tests::{Line, PATIENCE, Signal};

use crate::chat::{FAREWELL, Person, address, chat_at};

#[test]
fn clients_come_back_and_go_on() {
    let address = address();
    let server = chat_at(address);
    let mut people = [Person::enter(address, "tea", "ann"), Person::enter(address, "tea", "bob")];
    people[0].say("before");
    for person in &people {
        person.wait_heard("ann", "before");
    }
    let exit = server.stop();
    exit.expect_code(0).expect_outcome("clean").line("1 messages");
    for person in &mut people {
        person.client.wait_count("retrying in ", 1);
    }
    // There is no server now. What is typed meanwhile is not lost.
    people[0].say("in between");
    let server = chat_at(address);
    for person in &people {
        person.wait_connected(2);
        person.wait_heard("ann", "in between");
    }
    people[1].say("after");
    for person in people {
        person.wait_heard("bob", "after");
        let texts = ["before", "in between", "after"].map(|text| (if text == "after" { "bob" } else { "ann" }, text));
        let heard = person.heard();
        let heard: Vec<_> = heard.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(heard, texts, "{}", person.client);
        person.client.signal(Signal::SIGTERM);
        let exit = person.client.wait(PATIENCE);
        exit.expect_code(0).expect_within(Duration::ZERO);
        let said: Vec<&str> = exit.stdout().into_iter().map(kind).collect();
        let said = said.split(|kind| *kind == "closed 1001").collect::<Vec<_>>();
        let [first, second] = said[..] else { panic!("closed with 1001 once: {exit}") };
        assert_eq!(first, ["connected", "received", FAREWELL], "{exit}");
        assert_eq!(second.first(), Some(&"retrying"), "{exit}");
        assert!(second.ends_with(&["connected", "received", "received", "closed 1000"]), "{exit}");
    }
    server.stop().expect_code(0).expect_outcome("clean").line("2 messages");
}

#[test]
fn a_server_that_was_killed_is_looked_for_as_well() {
    let address = address();
    let server = chat_at(address);
    let mut ann = Person::enter(address, "tea", "ann");
    ann.say("before");
    ann.wait_heard("ann", "before");
    server.signal(Signal::SIGKILL);
    let _ = server.wait(PATIENCE);
    ann.client.wait_line(|line| matches!(line, Line::Out(text) if text.starts_with("lost: ")), PATIENCE);
    let server = chat_at(address);
    ann.wait_connected(2);
    ann.say("after");
    ann.wait_heard("ann", "after");
    ann.client.signal(Signal::SIGINT);
    ann.client.wait(PATIENCE).expect_code(0).line("closed 1000");
    server.stop().expect_code(0);
}

/// What a line of the client is about.
fn kind(line: &str) -> &str {
    let kinds = ["closed 1000", "closed 1001", "connected", "lost", "retrying"];
    let kind = kinds.into_iter().find(|kind| line.starts_with(kind));
    kind.unwrap_or(if line.contains(FAREWELL) { FAREWELL } else { "received" })
}
