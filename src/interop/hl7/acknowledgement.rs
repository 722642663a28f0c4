//! Acknowledgements: what is answered, in original and in enhanced mode, and what an answer to us says.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    charset::Charset,
    escape::escape,
    framing::framed,
    header::Header,
    message::Message,
    problem::{Problem, Refusal},
    time::written,
};

/// The frames to answer a message with; nothing when the sender asked for none.
///
/// Without MSH-15 and MSH-16 (original mode) it is AA, AE or AR. With them (enhanced mode) an accepted message gets CA where MSH-15 asks for
/// it, then AA where MSH-16 does; one that is not accepted gets CE or CR, or, where only MSH-16 asks, AE or AR.
#[must_use]
pub fn answer(header: &Header, outcome: Result<(), &Problem>, (id, at): (Uuid, Timestamp)) -> Vec<u8> {
    let enhanced = !header.accept.is_empty() || !header.application.is_empty();
    let asked = |condition: &str| match condition {
        "AL" => true,
        "ER" => outcome.is_err(),
        "SU" => outcome.is_ok(),
        _ => false,
    };
    let (accept, application) = if enhanced { (asked(&header.accept), asked(&header.application)) } else { (false, true) };
    let codes: &[&str] = match (outcome.map_err(|problem| problem.refusal), accept, application) {
        (Ok(()), true, true) => &["CA", "AA"],
        (Ok(()), true, false) => &["CA"],
        (Ok(()), false, true) => &["AA"],
        (Err(Refusal::Error), true, _) => &["CE"],
        (Err(Refusal::Reject), true, _) => &["CR"],
        (Err(Refusal::Error), false, true) => &["AE"],
        (Err(Refusal::Reject), false, true) => &["AR"],
        (_, false, false) => &[],
    };
    let charset = Charset::named(&header.charset).unwrap_or(Charset::UNNAMED);
    let message = |(at_place, code): (usize, &&str)| {
        // a number of twenty characters, as old versions allow
        let number = &id.simple().to_string()[12..];
        let number = if at_place == 0 { number.to_owned() } else { format!("{}B", &number[1..]) };
        framed(&charset.encode(&acknowledgement(header, (code, outcome.err()), (&number, at))))
    };
    codes.iter().enumerate().flat_map(message).collect()
}

fn acknowledgement(header: &Header, (code, problem): (&str, Option<&Problem>), (number, at): (&str, Timestamp)) -> String {
    let kind = if header.trigger.is_empty() { "ACK".to_owned() } else { format!("ACK^{}", escape(&header.trigger)) };
    let or = |text: &str, default: &str| escape(if text.is_empty() { default } else { text });
    let mut out = format!(
        "MSH|^~\\&|{}|{}|{}|{}|{}||{kind}|{number}|{}|{}",
        or(&header.receiver.0, "ABSTRACTOR"),
        escape(&header.receiver.1),
        escape(&header.sender.0),
        escape(&header.sender.1),
        written(at),
        or(&header.processing, "P"),
        or(&header.version, "2.5.1"),
    );
    if !header.charset.is_empty() {
        out.push_str(&format!("||||||{}", escape(&header.charset)));
    }
    let text = problem.map_or("", |problem| problem.detail.as_str());
    out.push_str(&format!("\rMSA|{code}|{}|{}\r", escape(&header.control_id), escape(text)));
    if let Some(problem) = problem {
        out.push_str(&error_segment(header, problem));
    }
    out
}

/// ERR as the version of the message has it: one composite before 2.5, fields of their own since.
fn error_segment(header: &Header, problem: &Problem) -> String {
    let (number, title) = (problem.number, problem.title());
    let old = ["2.1", "2.2", "2.3", "2.4"].iter().any(|version| header.version.starts_with(version));
    let place = problem.place.map_or_else(String::new, |(segment, field)| format!("{segment}^1^{field}"));
    if old {
        let place = if place.is_empty() { "^^".to_owned() } else { place };
        return format!("ERR|{place}^{number}&{title}&HL70357\r");
    }
    let code = escape(problem.code);
    format!("ERR||{place}|{number}^{title}^HL70357|E|{code}|||{}\r", escape(&problem.detail))
}

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    /// MSA-1: AA, AE, AR, CA, CE or CR.
    pub code: String,
    /// MSA-2: control id of the message that it answers.
    pub control_id: String,
    /// MSA-3, or the code of the first ERR: why it was not accepted. The other system's words.
    pub text: String,
}

impl Acknowledgement {
    /// Reads an answer; none when it is no acknowledgement.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let message = super::header::message(bytes, &Header::read(bytes)?).ok()?;
        let says = |name, field| message.value(name, field, 1).unwrap_or_default();
        let text = [message.value("MSA", 3, 1), message.value("ERR", 8, 1), error_title(&message)].into_iter().flatten().next();
        let code = says("MSA", 1);
        let known = ["AA", "AE", "AR", "CA", "CE", "CR"].contains(&code.as_str());
        known.then(|| Self { code, control_id: says("MSA", 2), text: text.unwrap_or_default() })
    }

    /// Whether the message was accepted.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        ["AA", "CA"].contains(&self.code.as_str())
    }
}

fn error_title(message: &Message) -> Option<String> {
    message.value("ERR", 3, 2).or_else(|| message.value("ERR", 3, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(accept: &str, application: &str) -> Header {
        let text = format!("MSH|^~\\&|EHR|NORTH|ABS|HIM|20260504||MDM^T02|C&1|P|2.5.1|||{accept}|{application}\r");
        Header::read(text.as_bytes()).expect("a header")
    }

    fn codes(accept: &str, application: &str, outcome: Result<(), &Problem>) -> Vec<String> {
        let made = (Uuid::from_u128(7), Timestamp::UNIX_EPOCH);
        let mut deframer = super::super::framing::Deframer::new(10_000);
        deframer.push(&answer(&header(accept, application), outcome, made));
        std::iter::from_fn(|| deframer.next_frame())
            .map(|frame| Acknowledgement::read(&frame.content).expect("an acknowledgement").code)
            .collect()
    }

    #[test]
    fn modes() {
        let error = Problem::error("no_text", 101, "there is no text");
        let reject = Problem::reject("unsupported_event", 201, "this event is not taken");
        for (accept, application, good, bad, refused) in [
            ("", "", vec!["AA"], vec!["AE"], vec!["AR"]),
            ("AL", "NE", vec!["CA"], vec!["CE"], vec!["CR"]),
            ("NE", "AL", vec!["AA"], vec!["AE"], vec!["AR"]),
            ("AL", "AL", vec!["CA", "AA"], vec!["CE"], vec!["CR"]),
            ("ER", "SU", vec!["AA"], vec!["CE"], vec!["CR"]),
            ("SU", "ER", vec!["CA"], vec!["AE"], vec!["AR"]),
            ("NE", "NE", vec![], vec![], vec![]),
            ("AL", "", vec!["CA"], vec!["CE"], vec!["CR"]),
        ] {
            assert_eq!(codes(accept, application, Ok(())), good, "{accept}/{application}");
            assert_eq!(codes(accept, application, Err(&error)), bad, "{accept}/{application}");
            assert_eq!(codes(accept, application, Err(&reject)), refused, "{accept}/{application}");
        }
    }

    #[test]
    fn what_is_written() {
        let made = (Uuid::from_u128(0xabc), Timestamp::UNIX_EPOCH);
        let problem = Problem::missing("TXA", 12);
        let text = |header: &Header| String::from_utf8(answer(header, Err(&problem), made)).expect("text");
        let new = header("", "");
        assert_eq!(
            text(&new),
            "\u{b}MSH|^~\\&|ABS|HIM|EHR|NORTH|19700101000000+0000||ACK^T02|00000000000000000abc|P|2.5.1\r\
             MSA|AE|C|TXA-12 must have a value\r\
             ERR||TXA^1^12|101^Required field missing^HL70357|E|missing_field|||TXA-12 must have a value\r\u{1c}\r"
        );
        let old = text(&Header { version: "2.3".to_owned(), ..new });
        assert!(old.contains("\rERR|TXA^1^12^101&Required field missing&HL70357\r"), "{old}");
        let none = text(&Header::default());
        assert!(none.contains("|ABSTRACTOR||||") && none.contains("\rMSA|AE||"), "{none}");
    }

    #[test]
    fn what_is_read() {
        let read = |text: &str| Acknowledgement::read(text.as_bytes());
        let accepted = read("MSH|^~\\&|X|Y|A|B|2026||ACK|1|P|2.3\rMSA|CA|C7\r").expect("reads");
        assert!(accepted.is_accepted() && accepted.control_id == "C7");
        let refused = read("MSH|^~\\&|X|Y|A|B|2026||ACK|1|P|2.5\rMSA|AE|C7\rERR|||204^Unknown key^HL70357|E\r").expect("reads");
        assert!(!refused.is_accepted());
        assert_eq!(refused.text, "Unknown key");
        assert_eq!(read("MSH|^~\\&|X|Y|A|B|2026||ADT^A01|1|P|2.5\rPID|1\r"), None);
        assert_eq!(read("\u{6}"), None);
    }
}
