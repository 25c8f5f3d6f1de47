//! A chunked body, whole and in pieces, and against a decoder that is too simple to be wrong.
#![no_main]

use graceful::__fuzz;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| __fuzz::chunked(bytes, __fuzz::cuts(bytes)));
