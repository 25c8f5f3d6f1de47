// Names of the prelude may mean anything, and none has to be there.
#![no_implicit_prelude]

mod core {}
mod std {}
mod graceful {}

struct Result;
struct Option;
struct CheckKind;

#[::graceful::readiness(every = "1s", failures = 2, critical)]
fn sync(_: &Result, _: ::std::sync::Arc<Option>) -> ::std::io::Result<()> {
    ::std::result::Result::Ok(())
}

#[::graceful::liveness(timeout = "1s")]
fn read(_: &CheckKind) {}

fn main() {
    let _ = (Result, Option, CheckKind);
}
