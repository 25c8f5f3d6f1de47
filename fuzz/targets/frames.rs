//! A WebSocket client's frames, whole and in pieces, and against another reader.
#![no_main]

use graceful::__fuzz;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| __fuzz::frames(bytes, __fuzz::cuts(bytes)));
