//! Patterns as users write them.

use graceful_core::__private::owned_text;

use super::error::RouteError;
use crate::http::params;

/// A pattern, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pattern<'t> {
    pub(super) text: &'t str,
    pub(super) names: Vec<&'t str>,
    /// The pattern with its names taken out: equal for patterns that match the same paths.
    pub(super) shape: String,
}

impl<'t> Pattern<'t> {
    pub(super) fn parse(text: &'t str) -> Result<Self, RouteError> {
        let problem = |problem| Err(unusable(text, problem));
        if !text.starts_with('/') {
            return problem("it begins with a slash");
        }
        if text.contains(['?', '#']) {
            return problem("it is matched with the path only; a query is read with `Request::query_param`");
        }
        let mut names: Vec<&str> = Vec::new();
        let mut shape = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            shape.push_str(before);
            if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
                shape.push_str(&from[..2]);
                rest = after;
                continue;
            }
            let Some((name, after)) = from.strip_prefix('{').and_then(|inside| inside.split_once('}')) else {
                return problem("a brace is open or closed alone; a brace itself is written twice");
            };
            let (catch_all, name) = match name.strip_prefix('*') {
                Some(name) => (true, name),
                None => (false, name),
            };
            if name.is_empty() || name.contains(['{', '*', '/']) {
                return problem("a parameter is written {name}, or {*name} for the rest of the path");
            }
            if catch_all && !(after.is_empty() && shape.ends_with('/')) {
                return problem("{*name} is the whole last segment");
            }
            if names.contains(&name) {
                return problem("two of its parameters have the same name");
            }
            names.push(name);
            shape.push_str(if catch_all { "{*}" } else { "{}" });
            rest = after;
        }
        shape.push_str(rest);
        if names.len() > params::MOST {
            return Err(RouteError::TooManyParams { pattern: owned_text(text) });
        }
        Ok(Self { text, names, shape })
    }
}

#[cold]
#[inline(never)]
fn unusable(pattern: &str, problem: &'static str) -> RouteError {
    RouteError::Pattern { pattern: owned_text(pattern), problem }
}

/// `pattern` under `prefix`.
pub(super) fn join(prefix: &str, pattern: &str) -> String {
    match (prefix, pattern) {
        ("", pattern) => owned_text(pattern),
        (prefix, "/") => owned_text(prefix),
        (prefix, pattern) => format!("{prefix}{pattern}"),
    }
}

/// A prefix of a nested router, in the form that patterns can be put behind.
pub(super) fn prefix(around: &str, text: &str) -> Result<String, RouteError> {
    if text == "/" {
        return Ok(owned_text(around));
    }
    let pattern = Pattern::parse(text)?;
    let problem = match text {
        _ if text.ends_with('/') => "a prefix does not end with a slash",
        _ if pattern.shape.ends_with("{*}") => "a prefix does not end with {*name}: nothing could follow",
        _ => return Ok(format!("{around}{text}")),
    };
    Err(unusable(text, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_names_and_a_shape() {
        let check = |text: &str, names: &[&str], shape: &str| {
            let pattern = Pattern::parse(text).expect(text);
            assert_eq!((pattern.names.as_slice(), pattern.shape.as_str()), (names, shape), "{text}");
        };
        check("/", &[], "/");
        check("/a/b/", &[], "/a/b/");
        check("/{id}", &["id"], "/{}");
        check("/a-{id}.png/{x}", &["id", "x"], "/a-{}.png/{}");
        check("/{*rest}", &["rest"], "/{*}");
        check("/{{x}}/{y}", &["y"], "/{{x}}/{}");
        check(
            "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{*h}",
            &["a", "b", "c", "d", "e", "f", "g", "h"],
            "/{}/{}/{}/{}/{}/{}/{}/{*}",
        );
    }

    #[test]
    fn bad_patterns_say_what_is_wrong() {
        let check = |text: &str, words: &str| {
            let error = Pattern::parse(text).expect_err(text).to_string();
            assert!(error.contains(words), "{text}: {error}");
        };
        check("", "begins with a slash");
        check("a", "begins with a slash");
        check("{id}", "begins with a slash");
        check("/a?b", "query");
        check("/{", "brace");
        check("/}", "brace");
        check("/{id", "brace");
        check("/id}", "brace");
        check("/{}", "written {name}");
        check("/{*}", "written {name}");
        check("/{a/b}", "written {name}");
        check("/{a{b}", "written {name}");
        check("/{*a}/b", "last segment");
        check("/x{*a}", "last segment");
        check("/{a}/{a}", "same name");
        check("/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}", "more than 8");
    }

    #[test]
    fn prefixes_and_patterns_are_joined() {
        let check = |prefix: &str, pattern: &str, joined: &str| assert_eq!(join(prefix, pattern), joined);
        check("", "/", "/");
        check("", "/a", "/a");
        check("/api", "/", "/api");
        check("/api", "/a", "/api/a");
        check("/api", "/a/", "/api/a/");
        assert_eq!(prefix("/a", "/{b}"), Ok("/a/{b}".to_owned()));
        assert_eq!(prefix("/a", "/"), Ok("/a".to_owned()));
        for bad in ["", "a", "/a/", "/{*rest}", "//"] {
            assert!(prefix("", bad).is_err(), "{bad}");
        }
    }
}
