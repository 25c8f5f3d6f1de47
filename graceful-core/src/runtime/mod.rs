//! The part with threads.

pub(crate) mod app;
pub(crate) mod audience;
pub(crate) mod builder;
pub(crate) mod checks;
pub(crate) mod child;
pub(crate) mod coordinator;
pub(crate) mod ending;
pub(crate) mod entry;
pub(crate) mod flush;
pub(crate) mod hooks;
pub(crate) mod inject;
pub(crate) mod injection;
pub(crate) mod registry;
pub(crate) mod reload;
pub(crate) mod settings;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod stop;
pub(crate) mod stuck;
pub(crate) mod tasks;
pub(crate) mod tickets;
pub(crate) mod waiting;
pub(crate) mod watchdog;
