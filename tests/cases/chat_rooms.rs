//! Rooms of the example `chat`: who is in one hears what is said there, from before, too.

use graceful_tests::{PATIENCE, Signal};

use crate::chat::{Person, chat};

#[test]
fn people_hear_each_other_and_nobody_else() {
    let server = chat().start();
    let mut ann = Person::enter(server.address(), "tea", "ann");
    let mut bob = Person::enter(server.address(), "tea", "bob");
    let mut eve = Person::enter(server.address(), "coffee", "eve");
    // Who hears himself is in the room for sure.
    for person in [("ann", &mut ann), ("bob", &mut bob), ("eve", &mut eve)] {
        person.1.say("here");
        person.1.wait_heard(person.0, "here");
    }
    ann.say("is <b>anybody</b> there? \"yes\"");
    bob.wait_heard("ann", "is <b>anybody</b> there? \"yes\"");
    bob.say("yes, grüß dich 🙂");
    for person in [&ann, &bob] {
        person.wait_heard("bob", "yes, grüß dich 🙂");
    }
    eve.say("alone");
    eve.wait_heard("eve", "alone");
    assert_eq!(eve.heard().len(), 2, "{}", eve.client);
    let exit = server.stop();
    exit.expect_code(0).expect_outcome("clean").line("6 messages");
}

#[test]
fn who_comes_late_hears_what_was_said_before() {
    const ALL: usize = 60;
    const REMEMBERED: usize = 50;
    let server = chat().start();
    let mut ann = Person::enter(server.address(), "tea", "ann");
    for nth in 1..=ALL {
        ann.say(&nth.to_string());
    }
    ann.wait_heard("ann", &ALL.to_string());
    let bob = Person::enter(server.address(), "tea", "bob");
    bob.wait_heard("ann", &ALL.to_string());
    let last: Vec<(String, String)> =
        (ALL - REMEMBERED + 1..=ALL).map(|nth| ("ann".to_owned(), nth.to_string())).collect();
    assert_eq!(bob.heard(), last, "{}", bob.client);
    // A room is forgotten when the last has left it.
    for person in [ann, bob] {
        person.client.signal(Signal::SIGTERM);
        person.client.wait(PATIENCE).expect_code(0).line("closed 1000");
    }
    let mut eve = Person::enter(server.address(), "tea", "eve");
    eve.say("hello?");
    eve.wait_heard("eve", "hello?");
    assert_eq!(eve.heard().len(), 1, "{}", eve.client);
    server.stop().expect_code(0).expect_outcome("clean");
}
