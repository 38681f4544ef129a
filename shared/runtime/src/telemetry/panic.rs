//! Panics in the log.

use std::panic::PanicHookInfo;

/// Logs where a panic happened, and not what it says: its text may hold the value that it stumbled over.
pub fn hook(info: &PanicHookInfo<'_>) {
    let place = info.location().map_or_else(|| "unknown place".to_owned(), |at| format!("{}:{}", at.file(), at.line()));
    tracing::error!(target: "extoauth", place, "panic");
}
