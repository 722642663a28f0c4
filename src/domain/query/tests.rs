//! Every state with every act, words that are read back, and what answers a query.

use super::*;

fn acts() -> [QueryAct; 4] {
    [
        QueryAct::Send {},
        QueryAct::Answer(QueryAnswer::default()),
        QueryAct::Close { effect: QueryEffect::NoChange, comment: None },
        QueryAct::Withdraw { comment: None },
    ]
}

#[test]
fn every_state_with_every_act() {
    use QueryState::{Answered, Closed, Draft, Sent, Withdrawn};
    // send, answer, close, withdraw
    let table: [(QueryState, [Option<QueryState>; 4]); 5] = [
        (Draft, [Some(Sent), None, None, Some(Withdrawn)]),
        (Sent, [None, Some(Answered), None, Some(Withdrawn)]),
        (Answered, [None, None, Some(Closed), None]),
        (Closed, [None; 4]),
        (Withdrawn, [None; 4]),
    ];
    assert_eq!(table.map(|(state, _)| state), QueryState::ALL);
    for (state, row) in table {
        for (act, expected) in acts().iter().zip(row) {
            assert_eq!(state.after(act), expected, "{} {}", state.as_str(), act.as_str());
        }
    }
}

#[test]
fn words_are_read_back() {
    for state in QueryState::ALL {
        assert_eq!(state.as_str().parse(), Ok(state));
        assert_eq!(serde_json::to_value(state).expect("JSON"), state.as_str());
    }
    for kind in QueryKind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(kind));
        assert_eq!(serde_json::to_value(kind).expect("JSON"), kind.as_str());
    }
    for effect in QueryEffect::ALL {
        assert_eq!(effect.as_str().parse(), Ok(effect));
        assert_eq!(serde_json::to_value(effect).expect("JSON"), effect.as_str());
    }
    for act in acts() {
        let body = serde_json::to_string(&act).expect("JSON");
        assert_eq!(serde_json::from_str::<QueryAct>(&body).expect("reads"), act, "{body}");
    }
    assert_eq!("lost".parse::<QueryState>(), Err(()));
}

fn content() -> QueryContent {
    let option = |kind, label: &str| QueryOption { kind, label: label.to_owned() };
    QueryContent {
        template: "acuity".to_owned(),
        kind: QueryKind::Specificity,
        entry_id: None,
        title: "t".to_owned(),
        question: "q".to_owned(),
        options: vec![
            option(OptionKind::Choice, "acute"),
            option(OptionKind::Other, "other"),
            option(OptionKind::Undetermined, "unable"),
        ],
        indicators: Vec::new(),
    }
}

#[test]
fn answers() {
    let answer = |option, text: &str, provider: &str| QueryAnswer {
        option,
        text: (!text.is_empty()).then(|| text.to_owned()),
        provider: (!provider.is_empty()).then(|| provider.to_owned()),
    };
    for (name, answer, expected) in [
        ("a choice", answer(Some(0), "", "Dr. A"), true),
        ("undetermined", answer(Some(2), "", "Dr. A"), true),
        ("words alone", answer(None, "neither", "Dr. A"), true),
        ("other with words", answer(Some(1), "subacute", "Dr. A"), true),
        ("other without words", answer(Some(1), " ", "Dr. A"), false),
        ("nothing", answer(None, "", "Dr. A"), false),
        ("no such option", answer(Some(3), "", "Dr. A"), false),
        ("by nobody", answer(Some(0), "", ""), false),
        ("too long", answer(Some(0), &"a".repeat(4_001), "Dr. A"), false),
        ("a long name", answer(Some(0), "", &"a".repeat(201)), false),
    ] {
        assert_eq!(content().check_answer(&answer).is_ok(), expected, "{name}");
    }
}

#[test]
fn debug_shows_no_words() {
    let answer = QueryAnswer { option: None, text: Some("Zyxwatson".to_owned()), provider: Some("Zyxwatson".to_owned()) };
    let indicator = ClinicalIndicator { note_id: Uuid::nil(), text: "Zyxwatson".to_owned() };
    let content = QueryContent { title: "Zyxwatson".to_owned(), indicators: vec![indicator], ..content() };
    let comment = Some("Zyxwatson".to_owned());
    let shown = format!("{content:?} {answer:?} {:?} {:?}", QueryAct::Withdraw { comment }, content.options);
    assert!(!shown.contains("Zyxwatson"), "{shown}");
}
