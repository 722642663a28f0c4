//! MLLP frames: `0x0B` message `0x1C 0x0D`, cut out of a stream that comes in pieces of any size.

use std::collections::VecDeque;

/// Starts a frame.
const START: u8 = 0x0b;
/// Ends a frame; a carriage return follows.
const END: u8 = 0x1c;
/// What is kept of a message that is over the limit: enough for its header.
const KEPT: usize = 16_384;

/// How a frame came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By its end block.
    Whole,
    /// Another frame started, or the connection ended, before its end block.
    Cut,
    /// It grew over the limit; only its beginning is here.
    TooLarge,
}

/// One frame's message. `Debug` prints its length only: it is PHI.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// The message, without the bytes of the frame.
    pub content: Vec<u8>,
    /// How it ended.
    pub ending: Ending,
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Frame({} bytes, {:?})", self.content.len(), self.ending)
    }
}

/// Cuts frames out of what was read. Bytes between frames are dropped.
#[derive(Debug)]
pub struct Deframer {
    most: usize,
    open: Option<Frame>,
    ready: VecDeque<Frame>,
}

impl Deframer {
    /// For messages of at most `most` bytes.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, open: None, ready: VecDeque::new() }
    }

    /// Takes what was read.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let ends: &[u8] = if self.open.is_some() { &[START, END] } else { &[START] };
            let at = bytes.iter().position(|byte| ends.contains(byte));
            if let Some(open) = &mut self.open {
                open.take(&bytes[..at.unwrap_or(bytes.len())], self.most);
            }
            let Some(at) = at else { return };
            self.close(if bytes[at] == END { Ending::Whole } else { Ending::Cut });
            if bytes[at] == START {
                self.open = Some(Frame::opened());
            }
            bytes = &bytes[at + 1..];
        }
    }

    /// The stream has ended: what is open is cut.
    pub fn finish(&mut self) {
        self.close(Ending::Cut);
    }

    /// The next frame that has ended.
    pub fn next_frame(&mut self) -> Option<Frame> {
        self.ready.pop_front()
    }

    /// A frame that was cut before its first byte says nothing.
    fn close(&mut self, ending: Ending) {
        if let Some(mut frame) = self.open.take() {
            if frame.ending == Ending::Whole {
                frame.ending = ending;
            }
            if frame.ending == Ending::Whole || !frame.content.is_empty() {
                self.ready.push_back(frame);
            }
        }
    }
}

impl Frame {
    fn opened() -> Self {
        Self { content: Vec::new(), ending: Ending::Whole }
    }

    fn take(&mut self, bytes: &[u8], most: usize) {
        if self.ending == Ending::TooLarge {
            return;
        }
        self.content.extend_from_slice(bytes);
        if self.content.len() > most {
            self.ending = Ending::TooLarge;
            self.content.truncate(KEPT.min(most));
            self.content.shrink_to_fit();
        }
    }
}

/// The message in its frame.
#[must_use]
pub fn framed(message: &[u8]) -> Vec<u8> {
    [&[START], message, &[END, b'\r']].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(pieces: &[&[u8]]) -> Vec<(Vec<u8>, Ending)> {
        let mut deframer = Deframer::new(10);
        for piece in pieces {
            deframer.push(piece);
        }
        deframer.finish();
        std::iter::from_fn(|| deframer.next_frame()).map(|frame| (frame.content, frame.ending)).collect()
    }

    #[test]
    fn frames_of_every_kind() {
        let whole = |words: &[&str]| -> Vec<(Vec<u8>, Ending)> {
            words.iter().map(|word| (word.as_bytes().to_vec(), Ending::Whole)).collect()
        };
        assert_eq!(cut(&[b"\x0bab\x1c\r"]), whole(&["ab"]), "one");
        assert_eq!(cut(&[b"\x0bab\x1c\r\x0bcd\x1c\r"]), whole(&["ab", "cd"]), "two in one packet");
        assert_eq!(cut(&[b"\x0b", b"a", b"b\x1c", b"\r\x0bcd", b"\x1c\r"]), whole(&["ab", "cd"]), "two in many");
        assert_eq!(cut(&[b"noise\r\n\x0bab\x1c\r\n\n??\x0bcd\x1c\rnoise"]), whole(&["ab", "cd"]), "garbage between");
        assert_eq!(cut(&[b"\x0bab\x1c\x0bcd\x1c"]), whole(&["ab", "cd"]), "without the carriage return");
        assert_eq!(cut(&[b"\x0b\x1c\r"]), whole(&[""]), "empty");
        assert_eq!(cut(&[b"no frame at all", b"\x1c\r"]), whole(&[]));
        assert_eq!(cut(&[b"\x0b"]), whole(&[]), "nothing had come");
        assert_eq!(cut(&[b"\x0bab\x0bcd\x1c\r"]), [(b"ab".to_vec(), Ending::Cut), (b"cd".to_vec(), Ending::Whole)]);
        assert_eq!(cut(&[b"\x0bab"]), [(b"ab".to_vec(), Ending::Cut)]);
        let large = cut(&[b"\x0b0123456789", b"abcdef", b"ghi\x1c\r\x0bcd\x1c\r"]);
        assert_eq!(large, [(b"0123456789".to_vec(), Ending::TooLarge), (b"cd".to_vec(), Ending::Whole)]);
    }

    proptest! {
        #[test]
        fn how_the_stream_is_cut_into_pieces_changes_nothing(
            messages in proptest::collection::vec(proptest::collection::vec(0x20_u8.., 0..20), 0..6),
            sizes in proptest::collection::vec(1_usize..9, 1..40),
        ) {
            let stream: Vec<u8> = messages.iter().flat_map(|message| framed(message)).collect();
            let mut deframer = Deframer::new(100);
            let mut rest = stream.as_slice();
            for size in sizes.into_iter().cycle() {
                let (now, later) = rest.split_at(size.min(rest.len()));
                deframer.push(now);
                rest = later;
                if rest.is_empty() { break; }
            }
            deframer.finish();
            let found: Vec<Vec<u8>> = std::iter::from_fn(|| deframer.next_frame()).map(|frame| frame.content).collect();
            prop_assert_eq!(found, messages);
        }
    }
}
