//! Sockets: what the errors of `accept` mean.

/// Whether an error of `accept` concerns one connection and says nothing about the next.
pub(crate) fn is_of_one_connection(code: i32) -> bool {
    const WSAENETDOWN: i32 = 10050;
    const WSAECONNABORTED: i32 = 10053;
    const WSAECONNRESET: i32 = 10054;
    const WSAETIMEDOUT: i32 = 10060;
    matches!(code, WSAENETDOWN | WSAECONNABORTED | WSAECONNRESET | WSAETIMEDOUT)
}

/// Whether an error of `accept` says that the listener has been shut down: not a thing here.
pub(crate) fn is_shut(_: i32) -> bool {
    false
}
