//! Files that end well: a log that is only ever appended to, and temporary files that are gone at the end.

mod append_log;
mod temporary;

pub use append_log::{AppendLog, Durability};
pub use temporary::Temporary;
