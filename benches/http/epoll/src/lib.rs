//! What the hand-written epoll loops have in common: the least that can be called an HTTP server, through safe wrappers of the
//! system calls. There is no parser: a request ends at an empty line, and has no body.

pub mod connection;
pub mod listener;
pub mod wire;
