//! A settings file that cannot be used: the service does not start, and says where and what to write.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use graceful_tests::{Exit, PATIENCE, Service};

use crate::settings::configured;

fn refused(service: Service) -> Exit {
    let exit = service.spawn().wait(PATIENCE);
    exit.expect_code(1);
    assert_eq!(exit.stdout(), [""; 0], "user code ran: {exit}");
    assert_eq!(exit.stderr().len(), 1, "one line: {exit}");
    exit
}

#[test]
fn what_stands_in_it() {
    let seconds = "write a whole number of seconds, or a duration as in 20s or 1m 30s";
    for (file, problem) in [
        ("shutdown_drian = 5\n", "1:1: unknown key shutdown_drian; did you mean shutdown_drain?".to_owned()),
        (
            "\nshutdown_timeout_ms = 5\n",
            "2:1: unknown key shutdown_timeout_ms; did you mean shutdown_timeout?".to_owned(),
        ),
        ("colour = 5\n", "1:1: unknown key colour; GRACEFUL=config shows every key".to_owned()),
        ("[database]\nurl = \"x\"\n", "2:1: unknown key database.url; GRACEFUL=config shows every key".to_owned()),
        (
            "graceful_config = \"x\"\n",
            "1:1: graceful_config cannot stand in a file; set the environment variable GRACEFUL_CONFIG".to_owned(),
        ),
        ("shutdown_drain = \"soon\"\n", format!("1:1: shutdown_drain = \"soon\" cannot be used: {seconds}")),
        ("shutdown_drain = -5\n", format!("1:1: shutdown_drain = -5 cannot be used: {seconds}")),
        ("shutdown_drain = 1.5\n", format!("1:1: shutdown_drain = a fraction cannot be used: {seconds}")),
        ("shutdown_drain = \"25h\"\n", "1:1: shutdown_drain = \"25h\" cannot be used: at most 24h".to_owned()),
        (
            "shutdown_drain = \"\"\n",
            "1:1: shutdown_drain = \"\" cannot be used: it is empty; remove the line".to_owned(),
        ),
        (
            "# x\n  graceful_workers = 0\n",
            "2:3: graceful_workers = 0 cannot be used: write a number from 1 to 65536".to_owned(),
        ),
        (
            "liveness_check_enabled = 1\n",
            "1:1: liveness_check_enabled = 1 cannot be used: write true or false".to_owned(),
        ),
        ("log_format = true\n", "1:1: log_format = true cannot be used: write one of json, text".to_owned()),
        ("admin_token = 12345678\n", "1:1: admin_token = *** cannot be used: write a text in quotes".to_owned()),
        ("[hooks]\nclose_db = \"never\"\n", format!("2:1: hooks.close_db = \"never\" cannot be used: {seconds}")),
        (
            "[hooks]\ndb = 3\nclose_db = 4\n",
            "3:1: the timeout hooks.close_db cannot be used: service.toml:2 sets the same to another value; set one of them"
                .to_owned(),
        ),
        (
            "[graceful]\nshutdown_drian = 5\n",
            "2:1: unknown key shutdown_drian; did you mean shutdown_drain?".to_owned(),
        ),
        ("graceful = true\n", "1:1: graceful is not a table; write [graceful]".to_owned()),
    ] {
        let (_directory, service) = configured(file);
        let exit = refused(service);
        let expected = format!("graceful: error: graceful-tests did not start: service.toml:{problem}");
        assert_eq!(exit.stderr(), [expected], "{file}");
    }
}

#[test]
fn what_is_no_toml() {
    for (file, place) in [
        ("shutdown_drain = = 5\n", "1:18"),
        ("a = 1\na = 2\n", "2:1"),
        ("ok = 1\nadmin_token = \"hunter2\n", "2:"),
        ("shutdown_drain\n", "1:"),
    ] {
        let (_directory, service) = configured(file);
        let exit = refused(service);
        assert!(exit.line(&format!("service.toml:{place}")).contains(": this is not TOML: "), "{exit}");
        assert!(!exit.has("hunter2"), "{exit}");
    }
    let (directory, service) = configured("");
    fs::write(directory.path().join("service.toml"), b"# ok\nshutdown_drain = \"\xff\"\n").expect("written");
    refused(service).line("service.toml:2:19: this is not UTF-8");
}

#[test]
fn what_is_no_file() {
    let (directory, service) = configured("");
    let named = |name: &str| refused(configured("").1.directory(directory.path()).env("GRACEFUL_CONFIG", name));
    named("missing.toml").line(
        "missing.toml: the settings file cannot be read: No such file or directory (os error 2); write the file, or name \
         another with GRACEFUL_CONFIG",
    );
    named(".").line(".: this is no file; name one that holds settings");
    named("/dev/zero").line("/dev/zero: this is no file");
    let pipe = directory.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe can be made");
    named("pipe").line("pipe: this is no file");
    fs::write(directory.path().join("huge.toml"), "#".repeat(1024 * 1024 + 1)).expect("written");
    named("huge.toml").line("huge.toml: this is larger than 1 MiB, which no settings are; name the right file");
    // The largest is read; it is one comment.
    fs::write(directory.path().join("service.toml"), "#".repeat(1024 * 1024)).expect("written");
    service.env("GRACEFUL", "plan").spawn().wait(PATIENCE).expect_code(0);
}

#[test]
fn one_that_must_not_be_read() {
    let (directory, service) = configured("");
    let closed = fs::Permissions::from_mode(0o000);
    fs::set_permissions(directory.path().join("service.toml"), closed).expect("it is ours");
    let mut service = service;
    if nix::unistd::geteuid().is_root() {
        // Modes mean something to root only when it may not pass over them.
        service = service.under(["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]);
    }
    refused(service).line(
        "service.toml: the settings file cannot be read: Permission denied (os error 13); the user of the service must be \
         allowed to read it",
    );
}

#[test]
fn the_variable_names_another_file() {
    let (directory, service) = configured("shutdown_drain = 4\n");
    let other = "port = 80\n[graceful]\nshutdown_drain = 5\n[graceful.hooks]\ndb = 7\n[elsewhere]\nx = 1\n";
    fs::write(directory.path().join("other.toml"), other).expect("written");
    let exit = service.env("GRACEFUL_CONFIG", "other.toml").env("GRACEFUL", "config").spawn().wait(PATIENCE);
    exit.expect_code(0);
    let words = |key: &str| exit.line(key).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words("shutdown_drain "), ["shutdown_drain", "5s", "other.toml:3"], "{exit}");
    assert_eq!(words("hooks.close_db "), ["hooks.close_db", "7s", "other.toml:5"], "{exit}");
    assert_eq!(
        words("graceful_config "),
        ["graceful_config", "other.toml", "environment", "GRACEFUL_CONFIG"],
        "{exit}"
    );
}
