//! The parameters of a path: where they are in it, and what they are called.

use std::sync::{Mutex, PoisonError};

use graceful_core::__private::owned_text;

use super::percent;

/// How many parameters a pattern may have: they are kept in the request itself.
pub(crate) const MOST: usize = 8;

/// A route's pattern and the names in it.
#[derive(Debug)]
pub(crate) struct RouteText {
    pub(crate) pattern: String,
    pub(crate) names: Vec<String>,
}

/// The texts of all patterns so far, sorted. They live as long as the process, so that requests can refer to them for free; there are
/// no more of them than the program spells, however many routers it makes.
static TEXTS: Mutex<Vec<&'static RouteText>> = Mutex::new(Vec::new());

impl RouteText {
    /// The one text of this pattern. `names` must be those that are in it.
    pub(crate) fn of(pattern: &str, names: &[&str]) -> &'static Self {
        // A panic while the lock is held is impossible short of allocation failure.
        let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
        match texts.binary_search_by(|text| text.pattern.as_str().cmp(pattern)) {
            Ok(at) => texts[at],
            Err(at) => {
                let names = names.iter().map(|&name| owned_text(name)).collect();
                let text: &'static Self = Box::leak(Box::new(Self { pattern: owned_text(pattern), names }));
                texts.insert(at, text);
                text
            }
        }
    }
}

/// What the router found in a path. It refers to the path by position: the request has the path.
#[derive(Debug, Default)]
pub(crate) struct Params {
    text: Option<&'static RouteText>,
    /// First byte and the byte after the last; a target longer than 65534 bytes is no `Uri`.
    ranges: [(u16, u16); MOST],
    /// The values with percent-escapes, decoded; by the same index.
    decoded: Option<Box<[Option<Box<str>>; MOST]>>,
}

/// An escape in a parameter is none, or what is escaped is not UTF-8.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadEscape;

impl Params {
    /// Of a route whose pattern has no parameters, or whose parameters nobody asks for.
    pub(crate) fn none(text: Option<&'static RouteText>) -> Self {
        Self { text, ..Self::default() }
    }

    /// `values` are parts of `path`, in the order of the names.
    pub(crate) fn new<'p>(
        text: Option<&'static RouteText>,
        path: &'p str,
        values: impl Iterator<Item = &'p str>,
    ) -> Result<Self, BadEscape> {
        let mut params = Self::none(text);
        for (index, value) in values.enumerate().take(MOST) {
            let start = value.as_ptr() as usize - path.as_ptr() as usize;
            let (Ok(first), Ok(end)) = (u16::try_from(start), u16::try_from(start + value.len())) else {
                return Err(BadEscape);
            };
            params.ranges[index] = (first, end);
            if value.as_bytes().contains(&b'%') {
                let value = percent::decode(value).ok_or(BadEscape)?;
                params.decoded.get_or_insert_default()[index] = Some(value.into_boxed_str());
            }
        }
        Ok(params)
    }

    /// The pattern that the path matched.
    pub(crate) fn pattern(&self) -> Option<&'static str> {
        self.text.map(|text| text.pattern.as_str())
    }

    pub(crate) fn get<'a>(&'a self, path: &'a str, name: &str) -> Option<&'a str> {
        let index = self.text?.names.iter().position(|known| known == name)?;
        self.value(path, index)
    }

    pub(crate) fn iter<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let names = self.text.map_or(&[][..], |text| &text.names);
        names.iter().enumerate().filter_map(move |(index, name)| Some((name.as_str(), self.value(path, index)?)))
    }

    fn value<'a>(&'a self, path: &'a str, index: usize) -> Option<&'a str> {
        if let Some(decoded) = &self.decoded
            && let Some(value) = &decoded[index]
        {
            return Some(value);
        }
        let (first, end) = self.ranges[index];
        path.get(usize::from(first)..usize::from(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_found_by_name() {
        let check = |path: &'static str, values: [&'static str; 2], expected: Option<[&str; 2]>| {
            let text = RouteText::of("/{a}/{b}", &["a", "b"]);
            // As the router does it: the values are slices of the path.
            let values = values.map(|value| &path[path.find(value).expect("a part of it")..][..value.len()]);
            match (Params::new(Some(text), path, values.into_iter()), expected) {
                (Ok(params), Some([a, b])) => {
                    assert_eq!(params.iter(path).collect::<Vec<_>>(), [("a", a), ("b", b)], "{path}");
                    assert_eq!(params.get(path, "b"), Some(b), "{path}");
                    assert_eq!(params.get(path, "c"), None, "{path}");
                }
                (Err(BadEscape), None) => {}
                (result, _) => panic!("{path}: {result:?}"),
            }
        };
        check("/x/y", ["x", "y"], Some(["x", "y"]));
        check("/x%20y/z", ["x%20y", "z"], Some(["x y", "z"]));
        check("/x/%C3%A9+%2f", ["x", "%C3%A9+%2f"], Some(["x", "é+/"]));
        check("/x/%", ["x", "%"], None);
        check("/x/%2", ["x", "%2"], None);
        check("/x/%zz", ["x", "%zz"], None);
        check("/%ff/y", ["%ff", "y"], None);
    }

    #[test]
    fn equal_patterns_share_one_text() {
        assert!(std::ptr::eq(RouteText::of("/same/{x}", &["x"]), RouteText::of("/same/{x}", &["x"])));
    }
}
