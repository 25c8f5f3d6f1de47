//! Header maps that are used again: a new one costs two allocations, and each request needs one.

use std::cell::Cell;

use http::HeaderMap;

/// What has room for more is not kept.
const ROOM: usize = 64;

thread_local! {
    static SPARE: Cell<Option<HeaderMap>> = const { Cell::new(None) };
}

/// An empty map.
pub(super) fn take() -> HeaderMap {
    SPARE.try_with(Cell::take).ok().flatten().unwrap_or_default()
}

/// For what nobody needs any more.
pub(crate) fn recycle(mut headers: HeaderMap) {
    if headers.capacity() > ROOM || headers.capacity() == 0 {
        return;
    }
    headers.clear();
    // It fails where the thread is at its end.
    let _ended = SPARE.try_with(|spare| spare.set(Some(headers)));
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_map_comes_back_empty() {
        let mut headers = HeaderMap::with_capacity(5);
        headers.append("a", HeaderValue::from_static("b"));
        headers.append("a", HeaderValue::from_static("c"));
        let room = headers.capacity();
        recycle(headers);
        let again = take();
        assert_eq!((again.len(), again.capacity()), (0, room));
        assert_eq!(again.get_all("a").iter().count(), 0);
        assert_eq!(take().capacity(), 0, "it was the only one");
    }

    #[test]
    fn a_large_one_is_let_go() {
        recycle(HeaderMap::with_capacity(1000));
        assert_eq!(take().capacity(), 0);
    }
}
