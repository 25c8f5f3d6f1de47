//! The bytes of a connection: heads and bodies, whole and in pieces.
#![no_main]

use graceful::__fuzz;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| __fuzz::request(bytes, __fuzz::cuts(bytes)));
