//! Damaged messages and any bytes of a connection.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Deframer, Ending, Header, Message, framed, message, request};
use crate::fuzzing::{Damaged, Seeds, fuzz};

/// Every kind of document and of patient message, other separators, other character sets, base64, escapes.
const SEEDS: Seeds<'_> = Seeds {
    good: &[
        b"MSH|^~\\&|EHR|NORTH|ABS|HIM|20260504101500+0200||MDM^T02^MDM_T02|C1|P|2.5.1||||||UNICODE UTF-8\rEVN|T02|20260504\r\
          PID|1||4711^^^NORTH^MR||Roe^Jane||19500228|F\rPV1|1|I|ICU^2^1^SOUTH\rTXA|1|DS|TX|20260503||||||||D-1||||||AU\r\
          OBX|1|TX|||One \\T\\ two\\.br\\three~four\rOBX|2|ED|||^TEXT^^Base64^R291dA==\r",
        b"MSH|^~\\&|RIS|N|ABS|H|2026||ORU^R01|C2|P|2.3||||||8859/1\rPID|||7\rOBR|1|P|F|1^CT|||20260502\rOBX|1|FT|||\\H\\Zo\\XEB\\\\N\\\r",
        b"MSH|^~\\&|ADT|N|ABS|H|2026||ADT^A40|C3|P|2.4|||AL|NE\rPID|||7^^^A\rMRG|8^^^B\r",
        b"MSH#*+!%#X#N#A#H#2026##MDM*T11#C4#P#2.6\rPID###7\rTXA#1#########D-1\r",
    ],
    telling: b"|^~\\&\r\n\x0b\x1c\0\"#XF.br\xff\xc3\xeb{}",
};

/// Everything that is done with the bytes of a message; the message where it is one.
fn read(bytes: &[u8]) -> Option<Message> {
    let header = Header::read(bytes)?;
    let _ = header.event();
    let message = message(bytes, &header).ok()?;
    let _ = request(&message, &header);
    Some(message)
}

#[test]
fn the_seeds_are_read_and_written_again_while_whole() {
    for seed in SEEDS.good {
        let message = read(seed).expect("reads");
        assert_eq!(message.write().as_bytes(), *seed);
    }
}

/// A damaged message never brings the reader down, and what was understood is written as it was read.
#[test]
fn a_damaged_message() {
    static TRIED: AtomicU64 = AtomicU64::new(0);
    static UNDERSTOOD: AtomicU64 = AtomicU64::new(0);
    fuzz!("HL7 message", Quick, Damaged, |input: &Damaged| {
        TRIED.fetch_add(1, Ordering::Relaxed);
        let Some(message) = read(&input.bytes(SEEDS)) else { return };
        UNDERSTOOD.fetch_add(1, Ordering::Relaxed);
        let written = message.write();
        let again = Message::read(&written, message.charset).expect("what was written is a message");
        assert_eq!(again.write(), written);
        assert!(again == message, "another message");
    });
    let (tried, understood) = (TRIED.load(Ordering::Relaxed), UNDERSTOOD.load(Ordering::Relaxed));
    assert!(understood > tried / 50, "{understood} of {tried} were understood: the damage says nothing");
}

/// Any bytes of a connection, in pieces of any size: no frame is lost, none grows over the limit, and each is read or refused.
#[test]
fn a_stream() {
    const MOST: usize = 200;
    fuzz!("HL7 stream", Quick, (Vec<u8>, Damaged, u8), |input: &(Vec<u8>, Damaged, u8)| {
        let (noise, damaged, size) = input;
        let mut stream = noise.clone();
        let whole = damaged.bytes(SEEDS);
        stream.extend(framed(&whole));
        let mut deframer = Deframer::new(MOST);
        for piece in stream.chunks(usize::from(*size).max(1)) {
            deframer.push(piece);
        }
        deframer.finish();
        let mut last = None;
        while let Some(frame) = deframer.next_frame() {
            assert!(frame.ending != Ending::Whole || frame.content.len() <= MOST, "a frame over the limit");
            read(&frame.content);
            last = Some(frame);
        }
        let plain = !whole.iter().any(|byte| [0x0b, 0x1c].contains(byte));
        if plain && whole.len() <= MOST {
            let last = last.expect("the frame that was sent");
            assert!(last.ending == Ending::Whole && last.content == whole, "the frame came as another one");
        }
    });
}
