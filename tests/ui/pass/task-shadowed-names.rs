// Names of the prelude may mean anything, and none has to be there.
#![no_implicit_prelude]

mod core {}
mod std {}
mod graceful {}

struct Result;
struct Option;
struct Arc;
struct PanicPolicy;

#[::graceful::task(every = "1s")]
fn sync(_: &Result, _: ::std::sync::Arc<Option>, _: &Arc) -> ::std::io::Result<()> {
    ::std::result::Result::Ok(())
}

#[::graceful::reload(timeout = "1s")]
fn read(_: &PanicPolicy) {}

fn main() {
    let _ = (Result, Option, Arc, PanicPolicy);
}
