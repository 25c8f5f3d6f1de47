//! Bytes and crates of each feature of `graceful-std`: one service, built with one feature after the other.

use graceful_benches::Result;

use crate::size::{Found, Package};
use crate::table::number;

/// Each with what it brings along; `macros` is in all of them.
const FEATURES: [&str; 13] = [
    "cache",
    "external",
    "files",
    "pool",
    "redis",
    "sqlite",
    "postgres",
    "nats",
    "http",
    "websocket",
    "health",
    "metrics",
    "logging",
];

/// Prints a table of its own: what counts is the difference to the service without features.
///
/// # Errors
/// What cargo says.
pub(crate) fn print() -> Result<()> {
    let base = build(&[])?;
    println!("| features | binary | more | crates to build | more | crates in the binary | more |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    row("none but `macros`", &base, &base);
    for feature in FEATURES {
        row(&format!("`{feature}`"), &build(&[feature])?, &base);
    }
    row("all of them", &build(&FEATURES)?, &base);
    Ok(())
}

fn row(name: &str, found: &Found, base: &Found) {
    let kib = |bytes: u64| number((bytes as f64 / 1024.0).round());
    println!(
        "| {name} | {} KiB | {} KiB | {} | {} | {} | {} |",
        kib(found.bytes),
        kib(found.bytes.saturating_sub(base.bytes)),
        found.all,
        found.all.saturating_sub(base.all),
        found.linked,
        found.linked.saturating_sub(base.linked),
    );
}

/// One package with all features in its manifest, so that what they share is compiled once.
fn build(features: &[&str]) -> Result<Found> {
    let forwarded: String =
        FEATURES.iter().map(|name| format!("{name} = [{}\"graceful-std/{name}\"]\n", with(name))).collect();
    let package = Package {
        name: "feature-service",
        source: include_str!("../size/feature.rs"),
        dependencies: "graceful-std = { path = \"{repository}/graceful-std\", default-features = false, features = [\"macros\"] }",
        more: &format!("[features]\n{forwarded}\n"),
    };
    eprintln!(
        "features: building {}",
        if features.is_empty() { "without any".to_owned() } else { features.join(", ") }
    );
    package.build(features)
}

/// Features of the service that this one cannot do without.
fn with(feature: &str) -> &'static str {
    match feature {
        "health" | "websocket" => "\"http\", ",
        "metrics" => "\"health\", ",
        _ => "",
    }
}
