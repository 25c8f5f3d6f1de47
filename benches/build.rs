//! Writes the hooks of the programs `hooks_1`, `hooks_100` and `hooks_1000`: each carries the attribute, as in a service.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    // Invariant: cargo sets it for every build script.
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("run by cargo"));
    for count in [1, 100, 1000] {
        fs::write(out.join(format!("hooks_{count}.rs")), hooks(count))?;
    }
    Ok(())
}

/// Hooks that do nothing, each in an order of its own; together they need 1 s at worst.
fn hooks(count: usize) -> String {
    let mut source = String::new();
    for order in 0..count {
        // Writing to a string cannot fail.
        let _ = writeln!(source, "#[graceful::cleanup(order = {order}, timeout = \"1ms\")] fn hook_{order}() {{}}");
    }
    source
}
