//! The settings of the process, for those who have no [`App`](crate::App) at hand: a logger, a pool.
//!
//! Environment and settings file are the process's and not an object's, and so is the one runtime that handles its signals.
//! What that runtime has read may be known everywhere; nothing else is shared this way.

use std::sync::{Arc, Mutex};

use super::{SettingValue, Settings};
use crate::sync::lock;

static SETTINGS: Mutex<Option<Arc<Settings>>> = Mutex::new(None);

/// Makes them those of the process, until another runtime of it does.
pub(crate) fn publish(settings: &Arc<Settings>) {
    *lock(&SETTINGS) = Some(Arc::clone(settings));
}

/// What a setting of the process is set to, and who said so; `None` as long as no runtime that handles signals has started,
/// and as [`App::setting`](crate::App::setting).
#[must_use]
pub fn process_setting(key: &str) -> Option<(SettingValue, String)> {
    let settings = lock(&SETTINGS).clone()?;
    let source = settings.said(key).map_or_else(|| "default".to_owned(), |(_, source)| source.to_string());
    Some((settings.value(key)?, source))
}
