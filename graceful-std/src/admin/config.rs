//! The settings in effect.

use graceful_core::App;
use serde_json::{Value, json};

/// None can be listed yet.
pub(super) fn config(_app: &App) -> Value {
    json!([])
}
