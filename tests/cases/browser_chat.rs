//! The page of the example `chat` in a real browser, while its server restarts.

use graceful_tests::{PATIENCE, Signal};
use serde_json::{Value, json};

use crate::browser::Page;
use crate::chat::{Person, address, chat, chat_at};

/// The text of an element, as far as it is shown.
fn text(page: &mut Page, selector: &str) -> String {
    let text = page.evaluate(&format!(
        "(element => element.checkVisibility() ? element.innerText : '')(document.querySelector('{selector}'))"
    ));
    text.as_str().unwrap_or_else(|| panic!("{selector}: {text}")).to_owned()
}

fn say(page: &mut Page, what: &str) {
    page.evaluate(&format!("text.value = {}; text.form.requestSubmit()", Value::from(what)));
}

/// Waits until the page has heard this.
fn wait_heard(page: &mut Page, what: &str) {
    page.wait(|event| {
        let said: Value = event["data"].as_str().and_then(|data| serde_json::from_str(data).ok()).unwrap_or_default();
        said["text"] == what
    });
}

#[test]
fn it_hears_the_farewell_then_a_clean_1001() {
    let server = chat().start();
    let mut page = Page::open(&format!("http://{}/?room=tea&name=browser", server.address()));
    assert_eq!(page.next(), json!({"type": "open"}));
    assert_eq!(text(&mut page, "#state"), "connected");
    let mut ann = Person::enter(server.address(), "tea", "ann");
    say(&mut page, "hello from the <b>page</b>");
    ann.wait_heard("browser", "hello from the <b>page</b>");
    ann.say("hello, page");
    wait_heard(&mut page, "hello, page");
    assert_eq!(text(&mut page, "#said"), "browser hello from the <b>page</b>\nann hello, page");
    assert_eq!(text(&mut page, "#farewell"), "");
    // So that what it shows then stays there: the wait is 1000 times as long as the longest first one.
    page.evaluate("Math.random = () => 1000");

    server.signal(Signal::SIGTERM);
    let event = page.next();
    let farewell: Value = serde_json::from_str(event["data"].as_str().unwrap_or_default()).expect("JSON");
    assert_eq!(farewell["type"], "ServerShutdown", "{event}");
    assert_eq!(farewell["text"], text(&mut page, "#farewell"), "it is shown");
    let close = json!({"type": "close", "code": 1001, "reason": "service restart", "wasClean": true});
    assert_eq!(page.next(), close);
    assert_eq!(text(&mut page, "#state"), "closed 1001 (service restart), trying again in 500.0 s");
    assert_eq!(page.evaluate("send.disabled"), true);
    let exit = server.wait(PATIENCE);
    exit.expect_code(0).expect_outcome("clean");
    let counts = &exit.report()["counters"]["websockets"];
    assert_eq!((&counts["told"], &counts["answered"], &counts["lost"]), (&2.into(), &2.into(), &0.into()), "{exit}");
    page.close();
}

#[test]
fn it_comes_back_by_itself() {
    let address = address();
    let server = chat_at(address);
    let mut page = Page::open(&format!("http://{address}/?room=tea&name=browser"));
    assert_eq!(page.next(), json!({"type": "open"}));
    say(&mut page, "before");
    wait_heard(&mut page, "before");
    server.stop().expect_code(0);
    page.wait(|event| event["code"] == 1001);
    // Nobody is there when it tries again.
    page.wait(|event| event["code"] == 1006);

    let server = chat_at(address);
    page.wait(|event| event["type"] == "open");
    assert_eq!((text(&mut page, "#state"), text(&mut page, "#farewell")), ("connected".into(), String::new()));
    say(&mut page, "after");
    wait_heard(&mut page, "after");
    assert_eq!(text(&mut page, "#said"), "browser before\nbrowser after");
    server.stop().expect_code(0).expect_outcome("clean");
    page.close();
}
