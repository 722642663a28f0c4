//! The header of a message, read before the rest of it is understood: whatever is wrong with the rest can be answered.

use super::{
    charset::Charset,
    message::{Malformed, Message},
    problem::Problem,
};

/// What MSH says. `Debug` prints the kind only: a control id may hold anything.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// MSH-3.1 and MSH-4.1: sending application and facility.
    pub sender: (String, String),
    /// MSH-5.1 and MSH-6.1: receiving application and facility.
    pub receiver: (String, String),
    /// MSH-7: when the message was made, as it came.
    pub time: String,
    /// MSH-9.1.
    pub kind: String,
    /// MSH-9.2.
    pub trigger: String,
    /// MSH-10.
    pub control_id: String,
    /// MSH-11.
    pub processing: String,
    /// MSH-12.
    pub version: String,
    /// MSH-15: when an accept acknowledgement is wanted.
    pub accept: String,
    /// MSH-16: when an application acknowledgement is wanted.
    pub application: String,
    /// MSH-18, first.
    pub charset: String,
}

impl Header {
    /// Reads the header; none when the bytes do not start with one.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let start = bytes.iter().position(|byte| !b"\r\n".contains(byte))?;
        let line = bytes[start..].split(|byte| b"\r\n".contains(byte)).next()?;
        // letters that are no ASCII stand in no field that is looked at before the character set is known
        let line = String::from_utf8_lossy(line);
        let message = Message::read(&line, Charset::UNNAMED).ok()?;
        let value = |field, component| message.value("MSH", field, component).unwrap_or_default();
        Some(Self {
            sender: (value(3, 1), value(4, 1)),
            receiver: (value(5, 1), value(6, 1)),
            time: value(7, 1),
            kind: value(9, 1),
            trigger: value(9, 2),
            control_id: value(10, 1),
            processing: value(11, 1),
            version: value(12, 1),
            accept: value(15, 1),
            application: value(16, 1),
            charset: value(18, 1),
        })
    }

    /// `MDM^T02`, for lists and logs; `other` for what is none of HL7's words.
    #[must_use]
    pub fn event(&self) -> String {
        let word = |text: &str| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        match (word(&self.kind), word(&self.trigger)) {
            (true, true) => format!("{}^{}", self.kind, self.trigger),
            (true, false) if self.trigger.is_empty() => self.kind.clone(),
            _ => "other".to_owned(),
        }
    }
}

impl std::fmt::Debug for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Header({})", self.event())
    }
}

/// The whole message, by the character set of its header.
///
/// # Errors
/// What is wrong with it.
pub fn message(bytes: &[u8], header: &Header) -> Result<Message, Problem> {
    let charset = Charset::named(&header.charset).ok_or_else(|| {
        Problem::error("unknown_charset", 103, "the character set of MSH-18 is not known; send UNICODE UTF-8").at("MSH", 18)
    })?;
    let text = charset.decode(bytes).ok_or_else(|| {
        let detail = "the message has bytes that are not of the character set of MSH-18 (UTF-8 where MSH-18 is empty)";
        Problem::error("invalid_charset", 102, detail).at("MSH", 18)
    })?;
    Message::read(&text, charset).map_err(|malformed| match malformed {
        Malformed::NoHeader => no_header(),
        Malformed::Segment { line } => {
            let detail =
                format!("line {line} does not start with the name of a segment; write line breaks in fields as \\.br\\");
            Problem::error("malformed_segment", 100, detail)
        }
    })
}

/// The problem of what does not start with a header.
#[must_use]
pub fn no_header() -> Problem {
    Problem::reject("no_header", 100, "the message does not start with an MSH segment that can be read").at("MSH", 1)
}
