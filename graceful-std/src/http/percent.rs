//! Percent-escapes of paths and queries.

use std::borrow::Cow;

/// A part of a path without its escapes; `None` when one of them is broken, or the result is not UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            bytes.push(escaped(after)?);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

/// A name or value of a query as forms write it: `+` is a space. As browsers read it, nothing is an error: broken escapes
/// stay as they are, and what is not UTF-8 becomes U+FFFD.
pub(crate) fn decode_form(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => match escaped(after) {
                Some(byte) => {
                    bytes.push(byte);
                    rest = &after[2..];
                }
                None => bytes.push(b'%'),
            },
            _ => bytes.push(byte),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// The pairs of a query, decoded. A name without `=` has an empty value; empty pairs are left out.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode_form(name), decode_form(value))
    })
}

fn escaped(after: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match after {
        [high, low, ..] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_decoded_strictly() {
        let check = |text: &str, decoded: Option<&str>| assert_eq!(decode(text).as_deref(), decoded, "{text}");
        check("", Some(""));
        check("a+b", Some("a+b"));
        check("%41%6a%6A", Some("Ajj"));
        check("%25", Some("%"));
        check("%2541", Some("%41"));
        check("%00", Some("\0"));
        check("%e2%82%ac", Some("€"));
        check("%e2%82", None);
        check("%", None);
        check("%4", None);
        check("%4g", None);
        check("%+1", None);
        check("%é", None);
    }

    #[test]
    fn queries_are_decoded_as_browsers_do() {
        let check = |query: &str, expected: &[(&str, &str)]| {
            let found: Vec<_> = pairs(query).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
            let expected: Vec<_> = expected.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
            assert_eq!(found, expected, "{query}");
        };
        check("", &[]);
        check("&&", &[]);
        check("a", &[("a", "")]);
        check("a=", &[("a", "")]);
        check("=b", &[("", "b")]);
        check("a=b=c", &[("a", "b=c")]);
        check("a=1&b=2&a=3", &[("a", "1"), ("b", "2"), ("a", "3")]);
        check("a+b=c%20d%2B", &[("a b", "c d+")]);
        check("a=%&b=%4&c=%zz&d=100%", &[("a", "%"), ("b", "%4"), ("c", "%zz"), ("d", "100%")]);
        check("a=%ff%26", &[("a", "\u{fffd}&")]);
    }
}
