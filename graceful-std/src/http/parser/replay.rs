//! The fuzzer's corpus, on a stable toolchain.

use super::differential;
use crate::fuzzing::replay::replay;

/// What a mutant may have in it, besides bytes at random.
const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\r",
    b"\n",
    b" ",
    b"\t",
    b"\0",
    b":",
    b",",
    b";",
    b"0\r\n\r\n",
    b"Content-Length: 1\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"chunked",
    b"Host: x\r\n",
    b"HTTP/1.0",
    b"ffffffffffffffff",
];

#[test]
fn requests() {
    replay("request", PIECES, differential::request);
}

#[test]
fn chunked_bodies() {
    replay("chunked", PIECES, differential::chunked);
}
