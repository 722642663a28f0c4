//! The reader as a whole: damaged messages never bring it down, and what it reads it writes again.

use proptest::prelude::*;

use super::{Charset, Deframer, Header, Message, framed, message, request};

const SEEDS: [&str; 4] = [
    "MSH|^~\\&|EHR|NORTH|ABS|HIM|20260504101500+0200||MDM^T02^MDM_T02|C1|P|2.5.1||||||UNICODE UTF-8\rEVN|T02|20260504\r\
     PID|1||4711^^^NORTH^MR||Roe^Jane||19500228|F\rPV1|1|I|ICU^2^1^SOUTH\rTXA|1|DS|TX|20260503||||||||D-1||||||AU\r\
     OBX|1|TX|||One \\T\\ two\\.br\\three~four\rOBX|2|ED|||^TEXT^^Base64^R291dA==\r",
    "MSH|^~\\&|RIS|N|ABS|H|2026||ORU^R01|C2|P|2.3||||||8859/1\rPID|||7\rOBR|1|P|F|1^CT|||20260502\rOBX|1|FT|||\\H\\Zo\\XEB\\\\N\\\r",
    "MSH|^~\\&|ADT|N|ABS|H|2026||ADT^A40|C3|P|2.4|||AL|NE\rPID|||7^^^A\rMRG|8^^^B\r",
    "MSH#*+!%#X#N#A#H#2026##MDM*T11#C4#P#2.6\rPID###7\rTXA#1#########D-1\r",
];

/// Everything that is done with bytes that came in.
fn read(bytes: &[u8]) -> Option<Message> {
    let header = Header::read(bytes)?;
    let _ = header.event();
    let message = message(bytes, &header).ok()?;
    let _ = request(&message, &header);
    Some(message)
}

#[test]
fn what_is_read_is_written_again() {
    for seed in SEEDS {
        let message = read(seed.as_bytes()).expect("reads");
        assert_eq!(message.write(), seed);
    }
}

/// A hundred thousand damaged messages, the same in every run.
#[test]
fn damaged_messages_never_bring_the_reader_down() {
    let mut state = 20_261_129_u64;
    let mut below = |limit: usize| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((word ^ (word >> 31)) % limit as u64).expect("small")
    };
    let telling = b"|^~\\&\r\n\x0b\x1c\0\"#XF.br\xff\xc3\xeb{}";
    let mut understood = 0;
    for _ in 0..100_000 {
        let mut bytes = SEEDS[below(SEEDS.len())].as_bytes().to_vec();
        for _ in 0..=below(6) {
            let at = below(bytes.len().max(1));
            if bytes.is_empty() {
                break;
            }
            match below(5) {
                0 => drop(bytes.remove(at)),
                1 => bytes.insert(at, telling[below(telling.len())]),
                2 => bytes[at] = telling[below(telling.len())],
                3 => bytes[at] = u8::try_from(below(256)).expect("a byte"),
                _ => bytes.truncate(at.max(1)),
            }
        }
        if let Some(message) = read(&bytes) {
            understood += 1;
            let written = message.write();
            let again = Message::read(&written, message.charset).expect("what was written is a message");
            assert_eq!(again.write(), written);
            assert!(again == message, "another message");
        }
    }
    assert!((20_000..90_000).contains(&understood), "{understood} were understood: the damage says nothing");
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 0_usize..60) {
        let mut whole = SEEDS[0].as_bytes()[..cut.min(SEEDS[0].len())].to_vec();
        whole.extend(&bytes);
        read(&whole);
        let mut deframer = Deframer::new(200);
        deframer.push(&bytes);
        deframer.push(&framed(&bytes));
        deframer.finish();
        while let Some(frame) = deframer.next_frame() {
            read(&frame.content);
        }
    }

    #[test]
    fn any_values_come_back(values in proptest::collection::vec("[a-zA-Zéß0-9 |^~&\\\\\n]{0,12}", 1..8)) {
        let escaped: Vec<String> = values.iter().map(|value| super::escape(value)).collect();
        let text = format!("MSH|^~\\&|\rZZZ|{}\r", escaped.join("|"));
        let message = Message::read(&text, Charset::UNNAMED).expect("reads");
        for (at, value) in values.iter().enumerate() {
            prop_assert_eq!(&message.plain(message.segments[1].raw(at + 1)), value);
        }
        prop_assert_eq!(message.write(), text);
    }
}
