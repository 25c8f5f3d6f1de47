// Hooks are found wherever a path leads to them, under the name that is used for them here.
mod db {
    pub mod pool {
        #[graceful::cleanup]
        pub fn close() {}
    }
    pub use pool::close;
}

mod cache {
    #[graceful::cleanup(order = 5)]
    pub(crate) fn flush(_: Option<&String>) {}
}

use cache::flush as flush_cache;

#[graceful::main(hooks = [db::close, self::flush_cache, crate::outer, inner])]
fn main() {}

#[graceful::cleanup(phase = "flush")]
fn outer() {}

#[graceful::reload]
fn inner() {}
