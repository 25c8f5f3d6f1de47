//! The parser: bytes in, events out. It does no I/O.
