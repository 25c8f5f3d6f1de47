//! The token: where it comes from, and whether a request has it.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use subtle::ConstantTimeEq as _;

use super::error::AdminError;
use super::settings::Settings;
use crate::http::{HeaderMap, header};

/// Nobody guesses that many characters that were chosen at random.
const SHORTEST: usize = 16;

const LONGEST: usize = 4096;

/// Where the token comes from.
#[derive(Default)]
pub(super) enum Source {
    #[default]
    Environment,
    File(PathBuf),
    Text(String),
}

/// A token that can be used. It has no `Debug`, so that it cannot get into a log.
pub(super) struct Token(Vec<u8>);

impl Source {
    pub(super) fn token(self, settings: &mut Settings) -> Result<Option<Token>, AdminError> {
        match self {
            Self::Environment => match (settings.token.take(), settings.token_file.take()) {
                (None, None) => Ok(None),
                (Some(_), Some(_)) => Err(AdminError::TwoTokens),
                (Some(token), None) => Token::new(token.into_bytes(), "ADMIN_TOKEN").map(Some),
                (None, Some(path)) => Token::read(&path).map(Some),
            },
            Self::File(path) => Token::read(&path).map(Some),
            Self::Text(token) => Token::new(token.into_bytes(), "Admin::token").map(Some),
        }
    }
}

impl Token {
    fn read(path: &Path) -> Result<Self, AdminError> {
        let unreadable = |source| AdminError::TokenFile { path: path.to_owned(), source };
        let mut text = Vec::new();
        // A line break may follow, of two bytes; what is longer is not read to its end.
        let most = LONGEST as u64 + 3;
        File::open(path).and_then(|file| file.take(most).read_to_end(&mut text)).map_err(unreadable)?;
        let line = text.strip_suffix(b"\n").unwrap_or(&text);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Self::new(line.to_owned(), &path.display().to_string())
    }

    fn new(token: Vec<u8>, from: &str) -> Result<Self, AdminError> {
        let problem = match token.len() {
            0 => Some("it is empty"),
            length if length < SHORTEST => Some("it is shorter than 16 characters"),
            length if length > LONGEST => Some("it is longer than 4096 characters"),
            _ if !token.iter().all(u8::is_ascii_graphic) => {
                Some("it has characters that are no visible ASCII: one line without spaces is wanted")
            }
            _ => None,
        };
        problem.map_or(Ok(Self(token)), |problem| Err(AdminError::Token { from: from.to_owned(), problem }))
    }

    /// Whether a request has it. How long that takes tells the length of the token at most.
    pub(super) fn is_in(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return false };
        let value = value.as_bytes();
        let Some((scheme, rest)) = value.split_at_checked("Bearer".len()) else { return false };
        if !scheme.eq_ignore_ascii_case(b"Bearer") || rest.first() != Some(&b' ') {
            return false;
        }
        rest.trim_ascii_start().ct_eq(&self.0).into()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::http::HeaderValue;

    fn refused(token: Result<Token, AdminError>) -> String {
        token.err().expect("refused").to_string()
    }

    #[test]
    fn tokens_that_cannot_be_used() {
        let check = |token: &str, problem: &str| {
            let told = refused(Token::new(token.into(), "ADMIN_TOKEN"));
            assert!(told.contains(problem) && (token.is_empty() || !told.contains(token)), "{told}");
        };
        check("", "empty");
        check("fifteen-letters", "shorter");
        check(&"x".repeat(4097), "longer");
        check("sixteen letters!", "visible ASCII");
        check("sixteen-letters\u{e9}", "visible ASCII");
        check("two-lines-are-it\ntwo-lines-are-it", "visible ASCII");
        assert!(Token::new(vec![b'x'; 16], "").is_ok() && Token::new(vec![b'x'; 4096], "").is_ok());
    }

    #[test]
    fn a_file_has_one_line() {
        let read = |bytes: &[u8]| {
            let mut file = tempfile::NamedTempFile::new().expect("a file");
            file.write_all(bytes).expect("written");
            Token::read(file.path())
        };
        for text in ["0123456789abcdef", "0123456789abcdef\n", "0123456789abcdef\r\n"] {
            assert_eq!(read(text.as_bytes()).expect("usable").0, b"0123456789abcdef");
        }
        assert!(refused(read(b"")).contains("empty"));
        assert!(refused(read(b"\n")).contains("empty"));
        assert!(refused(read(b"0123456789abcdef\n\n")).contains("visible ASCII"));
        assert!(refused(read(&[b'x'; 1 << 20])).contains("longer"));
        assert!(read(&[b"x".repeat(4096), b"\r\n".to_vec()].concat()).is_ok());
        let folder = tempfile::tempdir().expect("a folder");
        assert!(refused(Token::read(folder.path())).contains("cannot be read"));
        assert!(refused(Token::read(&folder.path().join("none"))).contains("cannot be read"));
    }

    #[test]
    fn only_the_very_token_will_do() {
        let token = Token::new(b"0123456789abcdef".to_vec(), "").expect("usable");
        let check = |values: &[&str], is_in: bool| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).expect("a value"));
            }
            assert_eq!(token.is_in(&headers), is_in, "{values:?}");
        };
        check(&["Bearer 0123456789abcdef"], true);
        check(&["bearer   0123456789abcdef"], true);
        check(&[], false);
        check(&[""], false);
        check(&["Bearer"], false);
        check(&["Bearer "], false);
        check(&["Bearer0123456789abcdef"], false);
        check(&["0123456789abcdef"], false);
        check(&["Basic 0123456789abcdef"], false);
        check(&["Bearer 0123456789abcdeF"], false);
        check(&["Bearer 0123456789abcde"], false);
        check(&["Bearer 0123456789abcdef0"], false);
        check(&["Bearer 0123456789abcdef", "Bearer 0123456789abcdef"], false);
        check(&[&format!("Bearer {}", "0123456789abcdef".repeat(400))], false);
    }
}
