// The crate is known through another one that re-exports it.
mod framework {
    pub mod prelude {
        pub use ::graceful as service;
    }
}

#[framework::prelude::service::cleanup(crate = crate::framework::prelude::service)]
fn close(_: &String) {}

#[framework::prelude::service::task(every = "1s", crate = crate::framework::prelude::service)]
fn sync() {}

#[framework::prelude::service::reload(crate = framework::prelude::service)]
fn read() {}

mod other {
    #[super::framework::prelude::service::cleanup(crate = super::framework::prelude::service)]
    fn close() {}
}

fn main() {}
