//! All process-level tests, one behaviour a module.

mod ui;
