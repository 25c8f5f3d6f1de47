//! Files as responses.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ::http::header::{CONTENT_TYPE, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use ::http::{Method, StatusCode};

use super::body::Body;
use super::error::Error;
use super::into_response::IntoResponse;
use super::request::Request;
use super::response::{self, Response};

/// The file at exactly this path, read while it is sent.
///
/// **The path is the author's.** It is opened as it is given: links are followed, `..` leads upwards. Whoever makes it from
/// a request ([`Request::param`] may contain `/` and `..`) has to check it before.
///
/// It is opened when the handler returns it. What is not there, or is no regular file, is answered with 404; another error
/// with 500, and logged. The media type comes from the extension, and `last-modified` from the file.
/// A file that becomes shorter while it is sent ends the connection; what it grows by is not sent.
///
/// Not done: ranges, `etag`, directories, compression.
///
/// # Examples
/// ```
/// use graceful::http::{file, Request, Router};
///
/// let routes = Router::new()
///     .get("/", || file("public/index.html"))
///     .get("/logo.svg", |request: Request| file("public/logo.svg").if_modified(&request));
/// # drop(routes);
/// ```
pub fn file(path: impl Into<PathBuf>) -> FileBody {
    FileBody { path: path.into(), media_type: None, known: None }
}

/// A [`file()`] to be sent.
#[derive(Clone, Debug)]
#[must_use]
pub struct FileBody {
    path: PathBuf,
    media_type: Option<HeaderValue>,
    /// When the client's copy is from.
    known: Option<SystemTime>,
}

impl FileBody {
    /// Says what it is, instead of its extension.
    ///
    /// **Default:** by the extension; `application/octet-stream` for those that are not known.
    pub fn media_type(mut self, media_type: HeaderValue) -> Self {
        self.media_type = Some(media_type);
        self
    }

    /// Answers with 304 and without the file when the client has it already, by the request's `if-modified-since`.
    pub fn if_modified(mut self, request: &Request) -> Self {
        // A client that asks by entity tag must not be answered by date.
        let asks = matches!(*request.method(), Method::GET | Method::HEAD) && request.header(IF_NONE_MATCH).is_none();
        self.known = if asks {
            request.header(IF_MODIFIED_SINCE).and_then(|date| httpdate::parse_http_date(date).ok())
        } else {
            None
        };
        self
    }

    fn open(self) -> io::Result<Response> {
        // Opening a pipe would wait for its writer, so what it is comes first.
        if !fs::metadata(&self.path)?.is_file() {
            return Ok(response::status(StatusCode::NOT_FOUND));
        }
        let file = File::open(&self.path)?;
        let metadata = file.metadata()?;
        let modified = metadata.modified().ok();
        let mut response = if is_known(modified, self.known) {
            response::status(StatusCode::NOT_MODIFIED)
        } else {
            let mut response = Response::new(Body::sized_reader(file, metadata.len()));
            let media_type = self.media_type.unwrap_or_else(|| HeaderValue::from_static(by_extension(&self.path)));
            response.headers_mut().insert(CONTENT_TYPE, media_type);
            response
        };
        // A date that HTTP cannot write is left out: `httpdate` would panic on it.
        if let Some(modified) = modified.filter(|modified| is_writable(*modified))
            && let Ok(date) = HeaderValue::try_from(httpdate::fmt_http_date(modified))
        {
            response.headers_mut().insert(LAST_MODIFIED, date);
        }
        Ok(response)
    }
}

impl IntoResponse for FileBody {
    fn into_response(self) -> Response {
        match self.open() {
            Ok(response) => response,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                response::status(StatusCode::NOT_FOUND)
            }
            Err(error) => Error::from(error).into_response(),
        }
    }
}

/// Dates in headers have whole seconds.
fn is_known(modified: Option<SystemTime>, known: Option<SystemTime>) -> bool {
    let seconds = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).ok().map(|since| since.as_secs());
    match (modified.and_then(seconds), known.and_then(seconds)) {
        (Some(modified), Some(known)) => modified <= known,
        _ => false,
    }
}

/// From 1970 to the end of the year 9999.
fn is_writable(time: SystemTime) -> bool {
    const END: u64 = 253_402_300_800;
    time.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|since| since.as_secs() < END)
}

fn by_extension(path: &Path) -> &'static str {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_ascii_lowercase();
    match extension.as_str() {
        "avif" => "image/avif",
        "css" => "text/css; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "gif" => "image/gif",
        "gz" => "application/gzip",
        "htm" | "html" => "text/html; charset=utf-8",
        "ico" => "image/x-icon",
        "jpeg" | "jpg" => "image/jpeg",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "md" => "text/markdown; charset=utf-8",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        "webm" => "video/webm",
        "webp" => "image/webp",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "xml" => "application/xml",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::http::testing::{request, sent};

    #[test]
    fn a_file_has_its_length_type_and_date() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.TXT");
        fs::write(&path, "content").expect("writable");
        let response = file(&path).into_response();
        assert_eq!((response.status(), response.body().len_hint()), (StatusCode::OK, Some(7)));
        assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
        assert!(response.headers().contains_key("last-modified"));
        assert_eq!(sent(response.into_body()), "content");
        let response = file(&path).media_type(HeaderValue::from_static("text/x")).into_response();
        assert_eq!(response.headers()["content-type"], "text/x");
    }

    #[test]
    fn what_is_no_file_is_not_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let plain = folder.path().join("plain");
        fs::write(&plain, "").expect("writable");
        for path in [folder.path().to_owned(), folder.path().join("none"), plain.join("below")] {
            assert_eq!(file(&path).into_response().status(), 404, "{}", path.display());
        }
    }

    #[test]
    fn a_copy_that_is_new_enough_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        fs::write(&path, "content").expect("writable");
        let modified = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 500_000_000);
        File::options().write(true).open(&path).expect("there").set_modified(modified).expect("settable");
        let check = |method: &str, headers: &[(&'static str, &str)], status: u16| {
            let mut request = request(method, "/");
            for (name, value) in headers {
                request.headers_mut().insert(*name, value.parse().expect("visible"));
            }
            assert_eq!(file(&path).if_modified(&request).into_response().status(), status, "{method} {headers:?}");
        };
        let same = httpdate::fmt_http_date(modified);
        let before = httpdate::fmt_http_date(modified - Duration::from_secs(1));
        check("GET", &[("if-modified-since", &same)], 304);
        check("HEAD", &[("if-modified-since", &same)], 304);
        check("POST", &[("if-modified-since", &same)], 200);
        check("GET", &[("if-modified-since", &before)], 200);
        check("GET", &[("if-modified-since", "yesterday")], 200);
        check("GET", &[("if-modified-since", &same), ("if-none-match", "\"x\"")], 200);
        check("GET", &[], 200);
    }
}
