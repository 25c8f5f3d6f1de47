//! What a client sends, RFC 6455 section 5: masked frames in any pieces, to messages and control frames.

use std::io::Cursor;

use bytes::Bytes;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::mask;
use crate::websocket::close::CloseCode;
use crate::websocket::message::Message;

/// What has been decoded so far of what is not complete yet. Between two messages it holds no memory.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    /// The data frame whose payload is under way.
    frame: Option<Frame>,
    /// The message that it belongs to, or that the next one goes on with.
    message: Option<Partial>,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    mask: [u8; 4],
    /// Of its payload.
    length: u64,
    seen: u64,
    end: End,
}

/// Whether a frame ends its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Message,
    Nothing,
}

#[derive(Debug)]
struct Partial {
    kind: Kind,
    bytes: Vec<u8>,
    /// As much of a text is known to be UTF-8.
    valid: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Binary,
    Text,
}

/// How large things may be, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) frame: usize,
    pub(crate) message: usize,
}

/// What a client has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// `None`: without a code.
    Close(Option<(CloseCode, String)>),
    Message(Message),
    Ping(Bytes),
    Pong,
}

/// A rule that was broken: the connection is closed with that code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) code: CloseCode,
    pub(crate) rule: &'static str,
}

impl Decoder {
    /// Decodes what `input` begins with, and takes the masks off in it. Tells how many bytes are used up; those that are not
    /// have to be there again at the next call, in front of what has come since. At most one event comes of a call: it is to
    /// be called again until it uses up nothing.
    pub(crate) fn decode(&mut self, input: &mut [u8], limits: &Limits) -> Result<(usize, Option<Event>), Violation> {
        if self.frame.is_some() {
            return self.go_on(input);
        }
        let mut cursor = Cursor::new(&*input);
        let (header, length) = match FrameHeader::parse(&mut cursor) {
            Ok(Some(parsed)) => parsed,
            Ok(None) => return Ok((0, None)),
            Err(_) => return Err(protocol("unknown opcode")),
        };
        let start = cursor.position() as usize;
        let FrameHeader { is_final, rsv1, rsv2, rsv3, opcode, mask } = header;
        if rsv1 || rsv2 || rsv3 {
            return Err(protocol("reserved bit without an extension"));
        }
        let Some(mask) = mask else { return Err(protocol("frame without a mask")) };
        if start != header_length(length) {
            return Err(protocol("length not in its shortest form"));
        }
        let end = if is_final { End::Message } else { End::Nothing };
        match opcode {
            OpCode::Control(control) => {
                if end == End::Nothing {
                    return Err(protocol("control frame in fragments"));
                }
                if length > 125 {
                    return Err(protocol("control frame longer than 125 bytes"));
                }
                let used = start + length as usize;
                let Some(payload) = input.get_mut(start..used) else { return Ok((0, None)) };
                mask::apply(payload, mask, 0);
                Ok((used, Some(control_event(control, payload)?)))
            }
            OpCode::Data(data) => {
                let kind = match (data, &self.message) {
                    (Data::Continue, Some(partial)) => partial.kind,
                    (Data::Continue, None) => return Err(protocol("continuation of nothing")),
                    (_, Some(_)) => return Err(protocol("new message within another")),
                    (Data::Text, None) => Kind::Text,
                    (Data::Binary, None) => Kind::Binary,
                    (Data::Reserved(_), None) => return Err(protocol("unknown opcode")),
                };
                if length > limits.frame as u64 {
                    return Err(Violation { code: CloseCode::TOO_BIG, rule: "frame too long" });
                }
                let before = self.message.as_ref().map_or(0, |partial| partial.bytes.len());
                if length > (limits.message - before.min(limits.message)) as u64 {
                    return Err(Violation { code: CloseCode::TOO_BIG, rule: "message too long" });
                }
                let payload = &mut input[start..];
                if end == End::Message && self.message.is_none() && length <= payload.len() as u64 {
                    let payload = &mut payload[..length as usize];
                    mask::apply(payload, mask, 0);
                    let used = start + payload.len();
                    return Ok((used, Some(Event::Message(message(kind, payload)?))));
                }
                self.message.get_or_insert(Partial { kind, bytes: Vec::new(), valid: 0 });
                self.frame = Some(Frame { mask, length, seen: 0, end });
                let (used, event) = self.go_on(&mut input[start..])?;
                Ok((start + used, event))
            }
        }
    }

    /// Whether a message has begun and not ended.
    pub(crate) fn is_within_message(&self) -> bool {
        self.message.is_some()
    }

    /// More of a data frame's payload.
    fn go_on(&mut self, input: &mut [u8]) -> Result<(usize, Option<Event>), Violation> {
        let (Some(frame), Some(partial)) = (&mut self.frame, &mut self.message) else { return Ok((0, None)) };
        let left = frame.length - frame.seen;
        let used = left.min(input.len() as u64) as usize;
        let piece = &mut input[..used];
        mask::apply(piece, frame.mask, frame.seen);
        frame.seen += used as u64;
        // Grows with what has come, not with what was announced.
        partial.bytes.extend_from_slice(piece);
        partial.check()?;
        if frame.seen < frame.length {
            return Ok((used, None));
        }
        let end = frame.end;
        self.frame = None;
        let event = match (end, self.message.take_if(|_| end == End::Message)) {
            (End::Message, Some(partial)) => Some(Event::Message(partial.complete()?)),
            _ => None,
        };
        Ok((used, event))
    }
}

impl Partial {
    /// Whether a text is UTF-8 so far: an error is told as soon as it can be seen.
    fn check(&mut self) -> Result<(), Violation> {
        if self.kind == Kind::Binary {
            return Ok(());
        }
        match std::str::from_utf8(&self.bytes[self.valid..]) {
            Ok(_) => self.valid = self.bytes.len(),
            Err(error) if error.error_len().is_none() => self.valid += error.valid_up_to(),
            Err(_) => return Err(NOT_UTF8),
        }
        Ok(())
    }

    fn complete(self) -> Result<Message, Violation> {
        match self.kind {
            Kind::Binary => Ok(Message::Binary(self.bytes.into())),
            Kind::Text => String::from_utf8(self.bytes).map(Message::Text).map_err(|_| NOT_UTF8),
        }
    }
}

const NOT_UTF8: Violation = Violation { code: CloseCode::INVALID_DATA, rule: "text is not UTF-8" };

fn protocol(rule: &'static str) -> Violation {
    Violation { code: CloseCode::PROTOCOL, rule }
}

/// Of a masked frame whose length is in its shortest form, which the standard demands.
fn header_length(payload: u64) -> usize {
    6 + match payload {
        0..=125 => 0,
        126..=0xFFFF => 2,
        _ => 8,
    }
}

fn message(kind: Kind, payload: &[u8]) -> Result<Message, Violation> {
    Ok(match kind {
        Kind::Binary => Message::Binary(Bytes::copy_from_slice(payload)),
        Kind::Text => Message::Text(std::str::from_utf8(payload).map_err(|_| NOT_UTF8)?.to_owned()),
    })
}

fn control_event(control: Control, payload: &[u8]) -> Result<Event, Violation> {
    match control {
        Control::Close => match payload {
            [] => Ok(Event::Close(None)),
            [_] => Err(protocol("Close with half a code")),
            [high, low, reason @ ..] => {
                let code = CloseCode(u16::from_be_bytes([*high, *low]));
                if !code.can_be_sent() {
                    return Err(protocol("Close with a code that is not to be sent"));
                }
                let reason = std::str::from_utf8(reason).map_err(|_| NOT_UTF8)?;
                Ok(Event::Close(Some((code, reason.to_owned()))))
            }
        },
        Control::Ping => Ok(Event::Ping(Bytes::copy_from_slice(payload))),
        Control::Pong => Ok(Event::Pong),
        Control::Reserved(_) => Err(protocol("unknown opcode")),
    }
}
