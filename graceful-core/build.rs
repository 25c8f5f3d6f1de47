//! Nothing to build: `links` in the manifest needs a build script.
//!
//! Two versions of this crate in one program would each have signals, hooks and a registry of their own, and the hooks of one
//! would never run. With `links`, Cargo refuses that.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}
