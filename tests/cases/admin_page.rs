//! The overview page in a real browser, while what it shows drains, hangs and goes away.

use std::time::Instant;

use graceful_tests::{Http, PATIENCE, Signal};

use crate::admin::{Operated, admin};
use crate::browser::Page;

/// What the page shows, as far as it is visible.
fn text(page: &mut Page, selector: &str) -> String {
    let text = page.evaluate(&format!(
        "(element => element?.checkVisibility() ? element.innerText : '')(document.querySelector('{selector}'))"
    ));
    text.as_str().unwrap_or_else(|| panic!("{selector}: {text}")).to_owned()
}

/// Asks the page until it shows this: it looks once a second.
#[track_caller]
fn wait_for(page: &mut Page, selector: &str, wanted: &str) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        let shown = text(page, selector);
        if shown.contains(wanted) {
            return shown;
        }
        assert!(Instant::now() < until, "{selector} shows {shown:?}, not {wanted:?}");
        std::thread::yield_now();
    }
}

#[test]
fn it_shows_a_drain_to_its_end() {
    let operated = Operated::start(
        admin()
            .env("GF_TICKET", "1")
            .env("SHUTDOWN_DRAIN", "6s")
            .env("SHUTDOWN_CLOSE_TIMEOUT", "4s")
            .env("SHUTDOWN_TIMEOUT", "30s")
            .env("GF_CLOSE", "read"),
    );
    let mut page = Page::open(&format!("http://{}/admin/overview", operated.address));
    wait_for(&mut page, "#phase", "serving, ready");
    assert_eq!(text(&mut page, "#name"), "graceful-tests");
    assert!(text(&mut page, "#who").contains(&format!("pid {}", operated.service.pid())));
    let open = wait_for(&mut page, "#open", "ticket courier");
    assert!(open.contains("task pump"), "{open}");
    assert!(text(&mut page, "#checks").contains("database"));
    assert!(text(&mut page, "#process").contains("MiB"));
    assert_eq!((text(&mut page, "#news"), text(&mut page, "#ask")), (String::new(), String::new()));

    let mut working = Http::connect(operated.service.address()).expect("it listens");
    working.send(graceful_tests::get("/work?ms=3000")).expect("it reads");
    operated.service.wait_text("working");
    operated.service.signal(Signal::SIGTERM);
    wait_for(&mut page, "#phase", "draining");
    let open = wait_for(&mut page, "#open", "connections");
    assert!(open.contains('1'), "{open}");
    assert!(wait_for(&mut page, "#why", "SIGTERM").contains("at the latest"));
    wait_for(&mut page, "#steps", "draining");
    assert_eq!(page.evaluate("at('bar').hidden"), false);
    wait_for(&mut page, "#phase", "cleaning up");
    let hooks = wait_for(&mut page, "#hooks", "running");
    assert!(hooks.contains("leave") && hooks.contains("completed"), "{hooks}");
    wait_for(&mut page, "#hooks", "read");
    let news = wait_for(&mut page, "#news", "The process is gone");
    assert!(news.contains("What follows is the last that was seen"), "{news}");
    operated.service.wait(PATIENCE).expect_code(3);
    page.close();
}

#[test]
fn it_asks_for_the_token() {
    let operated = Operated::start(admin().env("GF_TOKEN", "0123456789abcdef"));
    let mut page = Page::open(&format!("http://{}/admin/overview", operated.address));
    wait_for(&mut page, "#ask", "Admin token");
    assert_eq!(text(&mut page, "#all"), "");
    let enter = |page: &mut Page, token: &str| {
        page.evaluate(&format!("at('token').value = '{token}'; at('ask').requestSubmit()"));
    };
    enter(&mut page, "not-this-one-at-all");
    wait_for(&mut page, "#wrong", "this token is wrong");
    enter(&mut page, "0123456789abcdef");
    wait_for(&mut page, "#phase", "serving, ready");
    assert_eq!(text(&mut page, "#ask"), "");
    // It is nowhere but in the memory of the page.
    let kept =
        "JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}, location.href, at('token').value])";
    let kept = page.evaluate(kept).to_string();
    assert!(!kept.contains("0123456789abcdef"), "{kept}");
    operated.service.stop().expect_code(0);
    wait_for(&mut page, "#news", "gone");
    page.close();
}
