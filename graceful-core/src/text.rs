//! What is done with texts in many places, compiled once.
//!
//! The library's functions for it are generic or inlined, and each call of them is as long as the function.

use std::fmt;

/// Copies a text.
#[inline(never)]
#[must_use]
pub fn owned(text: &str) -> String {
    text.to_owned()
}

/// Writes something as a text.
#[inline(never)]
pub(crate) fn shown(value: &dyn fmt::Display) -> String {
    value.to_string()
}

/// Whether two texts are the same, in capitals or not.
#[inline(never)]
#[must_use]
pub fn same(one: &[u8], other: &[u8]) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// A whole number that is not negative.
#[inline(never)]
pub(crate) fn number(text: &str, radix: u32) -> Option<u64> {
    u64::from_str_radix(text, radix).ok()
}

/// The word at a place, from 0.
#[inline(never)]
pub(crate) fn word(text: &str, place: usize) -> Option<&str> {
    text.split_ascii_whitespace().nth(place)
}
