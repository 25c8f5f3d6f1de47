//! The attributes as the compiler sees them: which programs it accepts, and what it says about the others.
//!
//! `tests/ui/fail/<attribute>-<mistake>.rs` stands beside the exact messages of the pinned compiler. After a change that
//! was meant, run with `TRYBUILD=overwrite` and read the difference.

#[test]
fn mistakes_are_told_with_the_text_to_write() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/fail/*.rs");
}

#[test]
fn legal_programs_compile_and_end_well() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
}
