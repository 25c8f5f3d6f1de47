//! Why a request is refused, one name a rule.

use std::fmt;

use http::StatusCode;

/// The rule that a request breaks. The connection is answered with [`status`](Self::status) and closed: where the next
/// request would begin is not known any more, or not to be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reject {
    /// The two readers of a head, the quick one and the careful one, do not agree. It is not known to happen.
    Ambiguous,
    BareCr,
    BareLf,
    ChunkEnd,
    ChunkExtension,
    ChunkExtensionsTooLong,
    ChunkSize,
    ChunkSizeTooLarge,
    Connect,
    ContentLength,
    ContentLengthAndTransferEncoding,
    ContentLengthRepeated,
    EmptyLines,
    Expectation,
    FieldFolded,
    FieldName,
    FieldNameSpace,
    FieldValue,
    FieldWithoutColon,
    HeadTooLong,
    HostInvalid,
    HostMissing,
    HostRepeated,
    Method,
    RequestLine,
    RequestLineTooLong,
    Target,
    TargetForm,
    TooManyFields,
    TrailersTooLong,
    TransferCodingUnknown,
    TransferEncoding,
    TransferEncodingInOldVersion,
    Version,
    VersionUnsupported,
}

impl Reject {
    /// What the client is told.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::ChunkExtensionsTooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RequestLineTooLong => StatusCode::URI_TOO_LONG,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            Self::HeadTooLong | Self::TooManyFields | Self::TrailersTooLong => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            Self::Connect | Self::TransferCodingUnknown => StatusCode::NOT_IMPLEMENTED,
            Self::VersionUnsupported => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The reason, for a log line and for the body of the answer. It quotes nothing of the request.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Ambiguous => "the head can be read in more than one way",
            Self::BareCr => "a carriage return without a line feed",
            Self::BareLf => "a line feed without a carriage return",
            Self::ChunkEnd => "a chunk is longer than its size says",
            Self::ChunkExtension => "an invalid character in a chunk extension",
            Self::ChunkExtensionsTooLong => "too many chunk extensions",
            Self::ChunkSize => "an invalid chunk size",
            Self::ChunkSizeTooLarge => "a chunk size of more than 16 digits",
            Self::Connect => "this server is not a proxy: CONNECT is not implemented",
            Self::ContentLength => "an invalid content-length",
            Self::ContentLengthAndTransferEncoding => "both content-length and transfer-encoding",
            Self::ContentLengthRepeated => "more than one content-length",
            Self::EmptyLines => "too many empty lines before the request",
            Self::Expectation => "an expectation other than 100-continue",
            Self::FieldFolded => "a header line that begins with whitespace",
            Self::FieldName => "an invalid header name",
            Self::FieldNameSpace => "whitespace in a header name or before its colon",
            Self::FieldValue => "an invalid character in a header value",
            Self::FieldWithoutColon => "a header line without a colon",
            Self::HeadTooLong => "the headers are too long",
            Self::HostInvalid => "an invalid host",
            Self::HostMissing => "the host header is missing",
            Self::HostRepeated => "more than one host header",
            Self::Method => "an invalid method",
            Self::RequestLine => "an invalid request line",
            Self::RequestLineTooLong => "the request line is too long",
            Self::Target => "an invalid request target",
            Self::TargetForm => "a request target in a form that does not fit the method",
            Self::TooManyFields => "too many headers",
            Self::TrailersTooLong => "the trailers are too long",
            Self::TransferCodingUnknown => "an unknown transfer coding",
            Self::TransferEncoding => "an invalid transfer-encoding: chunked is needed once, at the end",
            Self::TransferEncodingInOldVersion => "a transfer-encoding in HTTP/1.0",
            Self::Version => "an invalid HTTP version",
            Self::VersionUnsupported => "an HTTP version other than 1.0 and 1.1",
        }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Reject {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let check = |reject: Reject, status: u16| assert_eq!(reject.status().as_u16(), status, "{reject}");
        check(Reject::BareLf, 400);
        check(Reject::HostMissing, 400);
        check(Reject::TransferEncoding, 400);
        check(Reject::ChunkExtensionsTooLong, 413);
        check(Reject::RequestLineTooLong, 414);
        check(Reject::Expectation, 417);
        check(Reject::HeadTooLong, 431);
        check(Reject::TooManyFields, 431);
        check(Reject::TrailersTooLong, 431);
        check(Reject::Connect, 501);
        check(Reject::TransferCodingUnknown, 501);
        check(Reject::VersionUnsupported, 505);
    }
}
