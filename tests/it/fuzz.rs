//! Fuzz targets: each is tried on inputs made from a seed, which `tests/run` fixes, for ten seconds, in the long tier for ten minutes.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use abstractor::interop::hl7::{Deframer, Ending, Header, Message, framed, message, request};
use bolero::{TypeGenerator, check};

use super::server::is_long_tier;

/// Messages that are damaged: every kind of document and of patient message, other separators, other character sets, base64, escapes.
const SEEDS: [&str; 4] = [
    "MSH|^~\\&|EHR|NORTH|ABS|HIM|20260504101500+0200||MDM^T02^MDM_T02|C1|P|2.5.1||||||UNICODE UTF-8\rEVN|T02|20260504\r\
     PID|1||4711^^^NORTH^MR||Roe^Jane||19500228|F\rPV1|1|I|ICU^2^1^SOUTH\rTXA|1|DS|TX|20260503||||||||D-1||||||AU\r\
     OBX|1|TX|||One \\T\\ two\\.br\\three~four\rOBX|2|ED|||^TEXT^^Base64^R291dA==\r",
    "MSH|^~\\&|RIS|N|ABS|H|2026||ORU^R01|C2|P|2.3||||||8859/1\rPID|||7\rOBR|1|P|F|1^CT|||20260502\rOBX|1|FT|||\\H\\Zo\\XEB\\\\N\\\r",
    "MSH|^~\\&|ADT|N|ABS|H|2026||ADT^A40|C3|P|2.4|||AL|NE\rPID|||7^^^A\rMRG|8^^^B\r",
    "MSH#*+!%#X#N#A#H#2026##MDM*T11#C4#P#2.6\rPID###7\rTXA#1#########D-1\r",
];
/// Bytes that mean something to a reader of HL7.
const TELLING: &[u8] = b"|^~\\&\r\n\x0b\x1c\0\"#XF.br\xff\xc3\xeb{}";

/// One damage to a message, at a place of it.
#[derive(Debug, Clone, Copy, TypeGenerator)]
enum Damage {
    Remove(u16),
    Insert(u16, u8),
    InsertTelling(u16, u8),
    Set(u16, u8),
    SetTelling(u16, u8),
    Cut(u16),
}

fn damaged(seed: u8, damages: &[Damage]) -> Vec<u8> {
    let mut bytes = SEEDS[usize::from(seed) % SEEDS.len()].as_bytes().to_vec();
    for damage in damages {
        let place = |at: u16| usize::from(at) % bytes.len().max(1);
        let telling = |byte: u8| TELLING[usize::from(byte) % TELLING.len()];
        match *damage {
            _ if bytes.is_empty() => return bytes,
            Damage::Remove(at) => drop(bytes.remove(place(at))),
            Damage::Insert(at, byte) => bytes.insert(place(at), byte),
            Damage::InsertTelling(at, byte) => bytes.insert(place(at), telling(byte)),
            Damage::Set(at, byte) => {
                let at = place(at);
                bytes[at] = byte;
            }
            Damage::SetTelling(at, byte) => {
                let at = place(at);
                bytes[at] = telling(byte);
            }
            Damage::Cut(at) => bytes.truncate(place(at).max(1)),
        }
    }
    bytes
}

/// Everything that is done with the bytes of a message; the message where it is one.
fn read(bytes: &[u8]) -> Option<Message> {
    let header = Header::read(bytes)?;
    let _ = header.event();
    let message = message(bytes, &header).ok()?;
    let _ = request(&message, &header);
    Some(message)
}

#[test]
fn what_is_damaged_is_read_and_written_again_while_whole() {
    for seed in SEEDS {
        let message = read(seed.as_bytes()).expect("reads");
        assert_eq!(message.write(), seed);
    }
}

/// How long a target runs.
fn time() -> Duration {
    Duration::from_secs(if is_long_tier() { 600 } else { 10 })
}

/// A damaged message never brings the reader down, and what was understood is written as it was read.
#[test]
fn hl7_message() {
    static TRIED: AtomicUsize = AtomicUsize::new(0);
    static UNDERSTOOD: AtomicUsize = AtomicUsize::new(0);
    check!().with_type::<(u8, Vec<Damage>)>().with_iterations(usize::MAX).with_test_time(time()).for_each(|(seed, damages)| {
        TRIED.fetch_add(1, Ordering::Relaxed);
        let Some(message) = read(&damaged(*seed, damages)) else { return };
        UNDERSTOOD.fetch_add(1, Ordering::Relaxed);
        let written = message.write();
        let again = Message::read(&written, message.charset).expect("what was written is a message");
        assert_eq!(again.write(), written);
        assert!(again == message, "another message");
    });
    let (tried, understood) = (TRIED.load(Ordering::Relaxed), UNDERSTOOD.load(Ordering::Relaxed));
    println!("{tried} damaged messages, {understood} of them understood");
    assert!(tried > 1_000 && understood > tried / 50, "{understood} of {tried} were understood: the damage says nothing");
}

/// Any bytes of a connection, in pieces of any size: no frame is lost, none grows over the limit, and each is read or refused.
#[test]
fn hl7_stream() {
    const MOST: usize = 200;
    check!().with_type::<(Vec<u8>, Vec<Damage>, u8)>().with_iterations(usize::MAX).with_test_time(time()).for_each(
        |(noise, damages, size)| {
            let mut stream = noise.clone();
            let whole = damaged(*size, damages);
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
        },
    );
}
