//! An HTTP/1.1 server for blocking handlers, which stops without losing a request.

mod parser;
