//! cases
#[test]
fn ok() {}
