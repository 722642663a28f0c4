//! What is written is read again.

use proptest::prelude::*;

use super::{Charset, Message};

proptest! {
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
