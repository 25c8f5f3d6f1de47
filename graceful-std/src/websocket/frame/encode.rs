//! Frames that we send: whole, unmasked.

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use crate::websocket::close::CloseCode;
use crate::websocket::message::Message;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Binary,
    Close,
    Ping,
    Pong,
    Text,
}

impl Kind {
    pub(crate) fn of(message: &Message) -> Self {
        match message {
            Message::Binary(_) => Self::Binary,
            Message::Text(_) => Self::Text,
        }
    }

    fn code(self) -> OpCode {
        match self {
            Self::Binary => OpCode::Data(Data::Binary),
            Self::Close => OpCode::Control(Control::Close),
            Self::Ping => OpCode::Control(Control::Ping),
            Self::Pong => OpCode::Control(Control::Pong),
            Self::Text => OpCode::Data(Data::Text),
        }
    }
}

/// Appends the header of a frame with a payload of that length.
pub(crate) fn head(out: &mut Vec<u8>, kind: Kind, length: usize) {
    let header = FrameHeader { opcode: kind.code(), ..FrameHeader::default() };
    // Nothing fails that writes into memory.
    drop(header.format(length as u64, out));
}

/// Appends a frame.
pub(crate) fn whole(out: &mut Vec<u8>, kind: Kind, payload: &[u8]) {
    out.reserve(payload.len() + 10);
    head(out, kind, payload.len());
    out.extend_from_slice(payload);
}

/// Appends a Close. A reason that does not fit is shortened; a code that may not be sent is left out, and the reason with it.
pub(crate) fn close(out: &mut Vec<u8>, code: CloseCode, reason: &str) {
    if !code.can_be_sent() {
        return whole(out, Kind::Close, &[]);
    }
    // 125 bytes are a control frame's, two of them the code's.
    let reason = &reason[..reason.floor_char_boundary(123)];
    let mut payload = [0; 125];
    payload[..2].copy_from_slice(&code.0.to_be_bytes());
    payload[2..2 + reason.len()].copy_from_slice(reason.as_bytes());
    whole(out, Kind::Close, &payload[..2 + reason.len()]);
}
