use proptest::prelude::*;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::decoder::{Event, Limits};
use super::differential::{self, hear};
use super::{Kind, close, whole};
use crate::fuzzing::replay::replay;
use crate::websocket::close::CloseCode;
use crate::websocket::message::Message;

const LIMITS: Limits = Limits { frame: 1 << 16, message: 1 << 16 };

/// A frame as a client sends it.
fn masked(opcode: OpCode, is_final: bool, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let header = FrameHeader { is_final, opcode, mask: Some(mask), ..FrameHeader::default() };
    header.format(payload.len() as u64, &mut bytes).expect("memory");
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

fn messages() -> impl Strategy<Value = Vec<(Message, Vec<usize>, [u8; 4], bool)>> {
    let message = prop_oneof![
        any::<String>().prop_map(Message::Text),
        proptest::collection::vec(any::<u8>(), 0..300).prop_map(Message::from),
    ];
    let fragments = proptest::collection::vec(0..40_usize, 0..5);
    proptest::collection::vec((message, fragments, any::<[u8; 4]>(), any::<bool>()), 0..5)
}

proptest! {
    /// Whole or in fragments, with control frames in between, and however TCP cuts them.
    #[test]
    fn messages_come_as_they_were_sent(sent in messages(), cuts in proptest::collection::vec(1..50_u8, 1..8)) {
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        for (message, fragments, mask, pinged) in sent {
            let mut rest = message.as_bytes();
            let mut opcode = OpCode::Data(if message.as_text().is_some() { Data::Text } else { Data::Binary });
            for length in fragments {
                let (fragment, behind) = rest.split_at(length.min(rest.len()));
                bytes.extend(masked(opcode, false, fragment, mask));
                (opcode, rest) = (OpCode::Data(Data::Continue), behind);
                if pinged {
                    bytes.extend(masked(OpCode::Control(Control::Ping), true, fragment, mask));
                    expected.push(Event::Ping(fragment.to_vec().into()));
                }
            }
            bytes.extend(masked(opcode, true, rest, mask));
            expected.push(Event::Message(message));
        }
        differential::frames(&bytes, &cuts);
        let heard = hear(&bytes, 0, &cuts, &LIMITS);
        prop_assert_eq!(heard.end, Ok(()));
        prop_assert_eq!(heard.events, expected);
    }

    #[test]
    fn any_bytes_at_all(bytes: Vec<u8>, cuts in proptest::collection::vec(1..9_u8, 1..8)) {
        differential::frames(&bytes, &cuts);
    }
}

#[test]
fn corpus() {
    let pieces: &[&[u8]] = &[
        b"\x81",
        b"\x80",
        b"\x00",
        b"\x01",
        b"\x82",
        b"\x88\x82",
        b"\x89\x80",
        b"\x8a\x80",
        b"\xfe",
        b"\xff",
        b"\0\0\0\0",
    ];
    replay("frames", pieces, differential::frames);
}

#[test]
fn each_rule_has_its_code() {
    let text = OpCode::Data(Data::Text);
    let binary = OpCode::Data(Data::Binary);
    let check = |bytes: &[u8], code: CloseCode, rule: &str| {
        let end = hear(bytes, bytes.len(), &[], &LIMITS).end;
        assert!(
            end.is_err_and(|broken| broken.code == code && broken.rule.contains(rule)),
            "{end:?}, not {code} {rule}"
        );
    };
    let (protocol, invalid, big) = (CloseCode::PROTOCOL, CloseCode::INVALID_DATA, CloseCode::TOO_BIG);
    check(b"\x81\x01x", protocol, "mask");
    check(b"\xc1\x80\0\0\0\0", protocol, "reserved");
    check(b"\x83\x80\0\0\0\0", protocol, "opcode");
    check(b"\x8b\x80\0\0\0\0", protocol, "opcode");
    check(b"\x81\xfe\x00\x7d\0\0\0\0", protocol, "shortest");
    check(b"\x81\xff\0\0\0\0\0\0\xff\xff\0\0\0\0", protocol, "shortest");
    check(b"\x80\x80\0\0\0\0", protocol, "continuation");
    check(b"\x01\x80\0\0\0\0\x81\x80\0\0\0\0", protocol, "within");
    check(b"\x09\x80\0\0\0\0", protocol, "fragments");
    check(&masked(OpCode::Control(Control::Ping), true, &[0; 126], [0; 4]), protocol, "125");
    check(b"\x88\x81\0\0\0\0x", protocol, "half");
    check(&masked(OpCode::Control(Control::Close), true, &1005_u16.to_be_bytes(), [7; 4]), protocol, "not to be sent");
    check(&masked(OpCode::Control(Control::Close), true, b"\x03\xe8\xff", [7; 4]), invalid, "UTF-8");
    check(&masked(text, true, b"\xc3\x28", [1, 2, 3, 4]), invalid, "UTF-8");
    // At the byte that shows it, long before the frame ends, and at the end for what is only begun.
    check(b"\x01\xff\0\0\0\0\0\x01\0\0\0\0\0\0\xf5", invalid, "UTF-8");
    check(b"\x01\xfe\x10\0\0\0\0\0ok\xf4\x90", invalid, "UTF-8");
    check(&masked(text, true, b"\xe2\x82", [1, 2, 3, 4]), invalid, "UTF-8");
    // Before a byte of it has come.
    check(b"\x82\xff\0\0\0\0\0\x01\0\x01\0\0\0\0", big, "frame");
    check(b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", big, "frame");
    let mut long = masked(binary, false, &[0; 1 << 16], [0; 4]);
    long.extend(b"\x80\x81\0\0\0\0");
    check(&long, big, "message");
}

#[test]
fn what_we_send_is_understood() {
    let mut bytes = Vec::new();
    whole(&mut bytes, Kind::Text, "grüß dich".as_bytes());
    whole(&mut bytes, Kind::Binary, &[7; 70_000]);
    close(&mut bytes, CloseCode::GOING_AWAY, &"ö".repeat(100));
    let mut client =
        tungstenite::WebSocket::from_raw_socket(std::io::Cursor::new(bytes), tungstenite::protocol::Role::Client, None);
    assert_eq!(client.read().expect("a text"), tungstenite::Message::text("grüß dich"));
    assert_eq!(client.read().expect("bytes").into_data(), vec![7; 70_000]);
    let tungstenite::Message::Close(Some(frame)) = client.read().expect("a Close") else { panic!("no Close") };
    assert_eq!((u16::from(frame.code), frame.reason.as_str()), (1001, &*"ö".repeat(61)));
}

#[test]
fn a_code_that_may_not_be_sent_is_not() {
    let mut bytes = Vec::new();
    close(&mut bytes, CloseCode::NO_STATUS, "never");
    assert_eq!(bytes, [0x88, 0]);
}
