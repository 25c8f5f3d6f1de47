// Names of the prelude may mean anything, and none has to be there.
#![no_implicit_prelude]

mod core {}
mod std {}
mod graceful {}

struct Result;
struct Option;
struct Some;
struct None;
struct Ok;
struct Err;
struct Vec;
struct Send;
struct Sync;
struct MainSpec;

#[::graceful::cleanup(timeout = "1s")]
fn close(_: &Result, _: ::std::option::Option<&Option>, _: Vec) -> ::std::io::Result<()> {
    ::std::result::Result::Ok(())
}

#[::graceful::main(timeout = "30s", hooks = [close])]
fn main() -> ::std::result::Result<(), ::graceful::BoxError> {
    let _ = (Result, Option, Some, None, Ok, Err, Vec, Send, Sync, MainSpec);
    ::std::result::Result::Ok(())
}
