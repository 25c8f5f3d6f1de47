//! What the attributes expand to, compared with the files in `tests/expand`.
//!
//! `case.rs` is what a user writes and `case.expanded.rs` what becomes of it. After a change that was meant, run the
//! tests with `GRACEFUL_BLESS=1` and read the difference.

use std::path::{Path, PathBuf};
use std::{env, fs};

use quote::quote;

use crate::testing::expand;

#[test]
fn expansions() {
    let cases = cases();
    assert!(!cases.is_empty());
    let bless = env::var_os("GRACEFUL_BLESS").is_some();
    let wrong: Vec<_> = cases.iter().filter_map(|case| check(case, bless)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expand");
    let files = fs::read_dir(folder).expect("the folder of cases is there");
    let files = files.map(|file| file.expect("the folder can be read").path());
    let mut cases: Vec<_> = files.filter(|file| !file.to_string_lossy().ends_with(".expanded.rs")).collect();
    cases.sort();
    cases
}

/// What is wrong with a case.
fn check(case: &Path, bless: bool) -> Option<String> {
    let source = fs::read_to_string(case).expect("the case can be read");
    let (expanded, errors) = expand(&source);
    let file = syn::parse2(quote!(#expanded #errors)).expect("the expansion is made of items");
    let actual = prettyplease::unparse(&file);
    let snapshot = case.with_extension("expanded.rs");
    if bless {
        fs::write(&snapshot, &actual).expect("the snapshot can be written");
    }
    let expected = fs::read_to_string(&snapshot).unwrap_or_default();
    (actual != expected).then(|| format!("{} expands to\n{actual}\nand not to\n{expected}", case.display()))
}
