//! Reads answers, in whatever pieces they arrive. No I/O.

use crate::chunked::{BadChunk, Chunked};
use crate::request::Wanted;

/// A longer head is no answer to a drill.
const LONGEST_HEAD: usize = 64 * 1024;
const MOST_HEADERS: usize = 128;
/// A longer answer is not worth remembering.
const LONGEST_MEMO: usize = 4 * 1024;

/// What has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The server asks for the body of the request.
    Continue,
    /// The answer is complete.
    Done(Answer),
}

/// A complete answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) after: After,
}

/// What becomes of the connection behind an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    Closes,
    Stays,
}

/// Why something is no answer.
pub(crate) type Invalid = &'static str;

/// Reads one answer after the other.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    state: State,
    /// The part of a head that has come so far, unless all of it came at once.
    head: Vec<u8>,
    /// How much of the current answer has come.
    received: u64,
    body: Body,
}

/// The last whole answer. Most servers send the same bytes again and again, and comparing is cheaper than reading.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    bytes: Vec<u8>,
    answer: Option<Answer>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Head,
    Chunks(Answer, Chunked),
    Length(Answer, u64),
    UntilEnd(Answer),
}

/// How a body compares with the one that is wanted.
#[derive(Clone, Copy, Debug, Default)]
struct Body {
    seen: usize,
    differs: bool,
}

/// What one step of reading came to.
enum Step {
    Done(Answer),
    /// The body comes next.
    Head,
    /// An answer with this status, 1xx, before the answer.
    Interim(u16),
    /// Everything that has come is read.
    More,
}

impl Memo {
    /// Reads on; as [`Parser::read`].
    #[inline]
    pub(crate) fn read(
        &mut self,
        parser: &mut Parser,
        input: &mut &[u8],
        wanted: &Wanted,
    ) -> Result<Option<Event>, Invalid> {
        if parser.received > 0 {
            return parser.read(input, wanted);
        }
        if let Some(answer) = self.answer
            && let Some(rest) = input.strip_prefix(self.bytes.as_slice())
        {
            *input = rest;
            return Ok(Some(Event::Done(answer)));
        }
        let whole = *input;
        let event = parser.read(input, wanted)?;
        let size = whole.len() - input.len();
        if let Some(Event::Done(answer)) = event
            && size <= LONGEST_MEMO
        {
            self.bytes.clear();
            self.bytes.extend_from_slice(&whole[..size]);
            self.answer = Some(answer);
        }
        Ok(event)
    }
}

impl Parser {
    /// How much of the current answer has come; nothing of it between two answers.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// Takes from the input up to the next event, or all of it.
    pub(crate) fn read(&mut self, input: &mut &[u8], wanted: &Wanted) -> Result<Option<Event>, Invalid> {
        loop {
            let before = input.len();
            let step = self.step(input, wanted)?;
            self.received += (before - input.len()) as u64;
            match step {
                Step::Done(answer) => return self.complete(answer, wanted).map(|answer| Some(Event::Done(answer))),
                Step::Head => {}
                Step::Interim(status) => {
                    self.received = 0;
                    if status == 100 {
                        return Ok(Some(Event::Continue));
                    }
                }
                Step::More => return Ok(None),
            }
        }
    }

    /// The connection has ended: an answer whose end this is, is complete.
    pub(crate) fn end(&mut self, wanted: &Wanted) -> Option<Result<Answer, Invalid>> {
        match self.state {
            State::UntilEnd(answer) => Some(self.complete(answer, wanted)),
            _ => None,
        }
    }

    fn step(&mut self, input: &mut &[u8], wanted: &Wanted) -> Result<Step, Invalid> {
        match &mut self.state {
            State::Head => match read_head(&mut self.head, input, wanted)? {
                None => Ok(Step::More),
                Some((status @ (100 | 102..200), _)) => Ok(Step::Interim(status)),
                Some((_, state)) => {
                    self.state = state;
                    Ok(Step::Head)
                }
            },
            State::Chunks(answer, chunked) => {
                let answer = *answer;
                let body = &mut self.body;
                match chunked.read(input, |data| body.compare(data, wanted)) {
                    Ok(true) => Ok(Step::Done(answer)),
                    Ok(false) => Ok(Step::More),
                    Err(BadChunk) => Err("the body is not made of chunks"),
                }
            }
            State::Length(answer, left) => {
                let size = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
                let (now, later) = input.split_at(size);
                self.body.compare(now, wanted);
                *input = later;
                *left -= size as u64;
                Ok(if *left == 0 { Step::Done(*answer) } else { Step::More })
            }
            State::UntilEnd(_) => {
                self.body.compare(input, wanted);
                *input = &[];
                Ok(Step::More)
            }
        }
    }

    fn complete(&mut self, answer: Answer, wanted: &Wanted) -> Result<Answer, Invalid> {
        let body = self.body;
        (self.state, self.received, self.body) = (State::Head, 0, Body::default());
        let is_success = (200..300).contains(&answer.status);
        match &wanted.body {
            Some(wanted) if is_success && (body.differs || body.seen != wanted.len()) => {
                Err("the body is not the expected one")
            }
            _ => Ok(answer),
        }
    }
}

impl Body {
    fn compare(&mut self, data: &[u8], wanted: &Wanted) {
        let Some(wanted) = &wanted.body else { return };
        let rest = wanted.get(self.seen..).unwrap_or_default();
        self.differs |= !rest.starts_with(data);
        self.seen = self.seen.saturating_add(data.len());
    }
}

/// The status and what follows. `None` when the head is not complete; what has come of it is kept then.
fn read_head(kept: &mut Vec<u8>, input: &mut &[u8], wanted: &Wanted) -> Result<Option<(u16, State)>, Invalid> {
    if kept.is_empty() {
        let all = *input;
        return Ok(match parse_head(all, wanted)? {
            Some((size, status, state)) => {
                *input = &all[size..];
                Some((status, state))
            }
            None => {
                kept.extend_from_slice(all);
                *input = &[];
                None
            }
        });
    }
    let old = kept.len();
    let (now, later) = input.split_at(input.len().min(LONGEST_HEAD - old));
    kept.extend_from_slice(now);
    match parse_head(kept, wanted)? {
        Some((size, status, state)) => {
            // The head was not complete without this input.
            *input = &input[size - old..];
            kept.clear();
            Ok(Some((status, state)))
        }
        None => {
            *input = later;
            Ok(None)
        }
    }
}

fn parse_head(bytes: &[u8], wanted: &Wanted) -> Result<Option<(usize, u16, State)>, Invalid> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let size = match response.parse(bytes) {
        Ok(httparse::Status::Complete(size)) => size,
        Ok(httparse::Status::Partial) if bytes.len() < LONGEST_HEAD => return Ok(None),
        Ok(httparse::Status::Partial) => return Err("the head has no end"),
        Err(_) => return Err("this is no HTTP answer"),
    };
    let status = response.code.ok_or("the answer has no status")?;
    let state = framing(status, response.version == Some(0), response.headers, wanted)?;
    Ok(Some((size, status, state)))
}

fn framing(status: u16, is_1_0: bool, headers: &[httparse::Header<'_>], wanted: &Wanted) -> Result<State, Invalid> {
    let (mut length, mut coding) = (None, None);
    let mut after = if is_1_0 { After::Closes } else { After::Stays };
    for header in headers {
        if header.name.eq_ignore_ascii_case("content-length") {
            let value = parse_length(header.value)?;
            if length.is_some_and(|other| other != value) {
                return Err("the answer has two lengths");
            }
            length = Some(value);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            coding = tokens(header.value).last();
        } else if header.name.eq_ignore_ascii_case("connection") {
            for token in tokens(header.value) {
                if token.eq_ignore_ascii_case(b"close") {
                    after = After::Closes;
                } else if is_1_0 && token.eq_ignore_ascii_case(b"keep-alive") {
                    after = After::Stays;
                }
            }
        }
    }
    // What follows a switch of protocols is none of ours.
    let after = if status == 101 { After::Closes } else { after };
    let answer = Answer { status, after };
    let until_end = State::UntilEnd(Answer { status, after: After::Closes });
    Ok(match (coding, length) {
        _ if wanted.head_only || matches!(status, 101 | 204 | 304) => State::Length(answer, 0),
        (Some(coding), _) if coding.eq_ignore_ascii_case(b"chunked") => State::Chunks(answer, Chunked::START),
        (Some(_), _) => until_end,
        (None, Some(length)) => State::Length(answer, length),
        (None, None) => until_end,
    })
}

fn parse_length(value: &[u8]) -> Result<u64, Invalid> {
    let digits = value.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err("the length is no number");
    }
    let add = |sum: u64, digit: &u8| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
    digits.iter().try_fold(0, add).ok_or("the length is no number")
}

fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OK: Answer = Answer { status: 200, after: After::Stays };
    const LAST: Answer = Answer { status: 200, after: After::Closes };

    /// Everything that comes of these pieces and of the end behind them, and how much of an answer is left then.
    fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, wanted: &Wanted) -> (Vec<Result<Event, Invalid>>, u64) {
        let (mut parser, mut memo, mut events) = (Parser::default(), Memo::default(), Vec::new());
        for mut input in pieces {
            while !input.is_empty() {
                match memo.read(&mut parser, &mut input, wanted) {
                    Ok(Some(event)) => events.push(Ok(event)),
                    Ok(None) => assert_eq!(input, b"", "everything is taken"),
                    Err(why) => {
                        events.push(Err(why));
                        return (events, 0);
                    }
                }
            }
        }
        let end = parser.end(wanted);
        events.extend(end.map(|end| end.map(Event::Done)));
        (events, parser.received())
    }

    fn done(answers: &[Answer]) -> Vec<Result<Event, Invalid>> {
        answers.iter().map(|answer| Ok(Event::Done(*answer))).collect()
    }

    #[test]
    fn answers_are_read() {
        let check = |bytes: &str, answers: &[Answer], rest: u64| {
            let (events, left) = read([bytes.as_bytes()], &Wanted::default());
            assert_eq!((events, left), (done(answers), rest), "{bytes:?}");
        };
        let hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        check(hello, &[OK], 0);
        check(&hello.repeat(3), &[OK; 3], 0);
        check(&hello[..hello.len() - 1], &[], hello.len() as u64 - 1);
        check(&format!("{hello}HTT"), &[OK], 3);
        check("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: Close\r\n\r\n", &[LAST], 0);
        check("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x, close\r\n\r\n", &[LAST], 0);
        check("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", &[LAST], 0);
        check("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", &[OK], 0);
        check("HTTP/1.0 200 OK\r\n\r\nall of this", &[LAST], 0);
        check("HTTP/1.1 200 OK\r\n\r\n", &[LAST], 0);
        check("HTTP/1.1 204 \r\n\r\n", &[Answer { status: 204, after: After::Stays }], 0);
        check("HTTP/1.1 503\r\nContent-Length: 1\r\n\r\n!", &[Answer { status: 503, after: After::Stays }], 0);
        check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", &[OK], 0);
        check("HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", &[OK], 0);
        check("HTTP/1.1 103 Early\r\nLink: x\r\n\r\n", &[], 0);
    }

    #[test]
    fn what_is_no_answer_is_invalid() {
        let check = |bytes: &str, words: &str| match read([bytes.as_bytes()], &Wanted::default()).0.last() {
            Some(Err(why)) => assert!(why.contains(words), "{bytes:?}: {why}"),
            other => panic!("{bytes:?}: {other:?}"),
        };
        check("SSH-2.0-x\r\n", "no HTTP");
        check("HTTP/1.1 2OO OK\r\n\r\n", "no HTTP");
        check("HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n", "no number");
        check("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "two lengths");
        check("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", "no number");
        check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello", "chunks");
        check(&format!("HTTP/1.1 200 OK\r\nA: {}", "b".repeat(LONGEST_HEAD)), "no end");
    }

    #[test]
    fn bodies_are_compared() {
        let wanted = Wanted { body: Some(b"hello".to_vec()), head_only: false };
        let check = |body: &str, good: bool| {
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            assert_eq!(read([answer.as_bytes()], &wanted).0[0].is_ok(), good, "{body}");
            let answer = format!("HTTP/1.0 200 OK\r\n\r\n{body}");
            assert_eq!(read([answer.as_bytes()], &wanted).0[0].is_ok(), good, "{body}");
        };
        check("hello", true);
        check("hellO", false);
        check("hell", false);
        check("hello!", false);
        check("", false);
        let busy = b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy";
        assert!(read([&busy[..]], &wanted).0[0].is_ok(), "only successes have an expected body");
    }

    #[test]
    fn answers_to_head_have_no_body() {
        let wanted = Wanted { body: None, head_only: true };
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        assert_eq!(read([&head[..], &head[..]], &wanted).0, done(&[OK, OK]));
    }

    #[test]
    fn continue_is_told() {
        let bytes = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(read([&bytes[..]], &Wanted::default()).0, [Ok(Event::Continue), Ok(Event::Done(OK))]);
    }

    fn answer() -> impl Strategy<Value = String> {
        let body = "[a-z]{0,40}";
        prop_oneof![
            body.prop_map(|body| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())),
            ("[a-z]{1,20}", "[a-z]{1,20}").prop_map(|(one, two)| format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{one}\r\n{:X};a=b\r\n{two}\r\n0\r\nT: u\r\n\r\n",
                one.len(),
                two.len()
            )),
            Just("HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n".to_owned()),
            Just("HTTP/1.1 100 Continue\r\n\r\n".to_owned()),
            Just("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi".to_owned()),
            Just("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n".to_owned()),
            "[ -~\r\n]{1,20}",
        ]
    }

    proptest! {
        #[test]
        fn any_split_reads_the_same(
            answers in proptest::collection::vec(answer(), 1..6),
            last in proptest::option::of("HTTP/1.0 200 OK\r\n\r\n[a-z]{0,20}"),
            cut in any::<prop::sample::Index>(),
            splits in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let mut bytes = answers.concat();
            bytes.extend(last);
            let bytes = &bytes.as_bytes()[..=cut.index(bytes.len())];
            let mut splits: Vec<usize> = splits.iter().map(|split| split.index(bytes.len())).collect();
            splits.extend([0, bytes.len()]);
            splits.sort_unstable();
            let pieces = splits.windows(2).map(|ends| &bytes[ends[0]..ends[1]]);
            let wanted = Wanted::default();
            let whole = read([bytes], &wanted);
            prop_assert_eq!(&read(pieces, &wanted), &whole);
            prop_assert_eq!(&read(bytes.chunks(1), &wanted), &whole);
        }
    }
}
