//! The extraction keeps the contract of the design, key by key, whatever the note: our notes, and generated odd texts.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::OnceLock,
};

use serde_json::{Value, json};

use super::{
    golden,
    kill::Numbers,
    server::{Server, program},
};

const ASSERTIONS: [&str; 6] = ["present", "historical", "absent", "possible", "hypothetical", "family"];
const STATUSES: [&str; 5] = ["active", "given", "discontinued", "hypothetical", "absent"];
const ICD: &str = "http://hl7.org/fhir/sid/icd-10-cm";
const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";
const SNOMED: &str = "http://snomed.info/sct";
const UNII: &str = "http://fdasis.nlm.nih.gov";

/// What is wrong with an extraction; empty when it keeps the contract.
struct Checked<'a> {
    /// The text, as code points.
    text: Vec<char>,
    problems: Vec<String>,
    whole: &'a Value,
}

impl Checked<'_> {
    fn that(&mut self, right: bool, problem: impl FnOnce() -> String) {
        if !right {
            self.problems.push(problem());
        }
    }

    /// Exactly these keys, `?` behind a key that may be left out.
    fn keys(&mut self, at: &str, value: &Value, expected: &str) {
        let found: BTreeSet<&str> =
            value.as_object().map(|object| object.keys().map(String::as_str).collect()).unwrap_or_default();
        let all: BTreeSet<&str> = expected.split(' ').map(|key| key.trim_end_matches('?')).collect();
        let needed: BTreeSet<&str> = expected.split(' ').filter(|key| !key.ends_with('?')).collect();
        self.that(found.is_subset(&all) && needed.is_subset(&found), || format!("{at} has the keys {found:?}"));
    }

    fn string(&mut self, at: &str, value: &Value) {
        self.that(value.is_string(), || format!("{at} is {value}"));
    }

    fn word(&mut self, at: &str, value: &Value, words: &[&str]) {
        self.that(value.as_str().is_some_and(|word| words.contains(&word)), || format!("{at} is {value}"));
    }

    fn probability(&mut self, at: &str, value: &Value) {
        self.that(value.as_f64().is_some_and(|number| (0.0..=1.0).contains(&number)), || format!("{at} is {value}"));
    }

    /// `start` and `end` lie in the text, and the words there are `text` when it has one.
    fn place(&mut self, at: &str, value: &Value) {
        let (Some(start), Some(end)) = (value["start"].as_u64(), value["end"].as_u64()) else {
            return self.problems.push(format!("{at} has no place: {value}"));
        };
        let Some(words) = self.text.get(start as usize..end as usize) else {
            return self.problems.push(format!("{at} lies outside the text: {start}..{end}"));
        };
        if let Some(text) = value.get("text") {
            let words: String = words.iter().collect();
            self.that(text.as_str() == Some(&words), || format!("{at} says {text}, the note {words:?}"));
            self.that(!words.is_empty(), || format!("{at} is empty"));
        }
    }

    fn cues(&mut self, at: &str, value: &Value) {
        let Some(cues) = value.as_array() else { return self.problems.push(format!("{at} is {value}")) };
        for cue in cues {
            self.keys(at, cue, "text start end means scope?");
            self.string(at, &cue["means"]);
            self.place(at, cue);
            if let Some(scope) = cue.get("scope") {
                self.place(&format!("{at}.scope"), scope);
            }
        }
    }

    fn attributes(&mut self, at: &str, kind: &str, value: &Value) {
        let allowed = match kind {
            "medication" => {
                "strength? dose? form? route? frequency? duration? indication? prn? change? dosage? total_daily_dose? quantity? refills? not_understood?"
            }
            "allergy" => "reactions? severity? type? criticality? category?",
            _ => "none?",
        };
        self.keys(at, value, allowed);
        for (name, attribute) in value.as_object().into_iter().flatten() {
            let at = format!("{at}.{name}");
            match name.as_str() {
                "type" => self.word(&at, attribute, &["allergy", "intolerance"]),
                "criticality" => self.word(&at, attribute, &["high"]),
                "category" => self.word(&at, attribute, &["medication", "food", "environment", "biologic"]),
                "prn" => {
                    self.keys(&at, attribute, "value text start end");
                    self.that(attribute["value"] == true, || format!("{at} is not true"));
                    self.place(&at, attribute);
                }
                "reactions" => {
                    self.that(attribute.as_array().is_some_and(|all| !all.is_empty()), || format!("{at} is {attribute}"));
                    for reaction in attribute.as_array().into_iter().flatten() {
                        self.keys(&at, reaction, "text start end value?");
                        self.place(&at, reaction);
                    }
                }
                _ => {
                    self.keys(&at, attribute, "text start end value?");
                    self.place(&at, attribute);
                }
            }
        }
    }

    fn code(&mut self, at: &str, rank: usize, (kind, code): (&str, &Value)) {
        self.keys(at, code, "rank role system code display score with why scored_by?");
        self.that(code["rank"].as_u64() == Some(rank as u64), || format!("{at} has rank {}", code["rank"]));
        self.word(&format!("{at}.role"), &code["role"], &["code", "ingredient", "clinical_drug", "class", "allergy_status"]);
        // the kind's home system comes first; alternatives may be of another
        let systems: &[&str] = match (kind, rank) {
            ("diagnosis", _) => &[ICD],
            ("medication", 1) => &[RXNORM],
            ("allergy", 1) => &[RXNORM, SNOMED, UNII],
            ("no_known_allergies", 1) => &[SNOMED],
            _ => &[ICD, RXNORM, SNOMED, UNII],
        };
        self.word(&format!("{at}.system"), &code["system"], systems);
        for field in ["code", "display"] {
            self.that(code[field].as_str().is_some_and(|text| !text.is_empty()), || format!("{at}.{field} is {}", code[field]));
        }
        self.string(&format!("{at}.why"), &code["why"]);
        self.probability(&format!("{at}.score"), &code["score"]);
        let with = code["with"].as_array();
        self.that(with.is_some_and(|all| all.iter().all(Value::is_string)), || format!("{at}.with is {}", code["with"]));
    }

    fn evidence(&mut self, at: &str, entry: &Value, evidence: &Value) {
        self.keys(
            at,
            evidence,
            "start end text section assertion status confidence attributes cues sources list? boilerplate?",
        );
        self.place(at, evidence);
        for (field, words) in [
            ("list", &["home", "inpatient", "discharge"][..]),
            ("boilerplate", &["template", "repeated", "copied_forward"][..]),
        ] {
            if let Some(word) = evidence.get(field) {
                self.word(&format!("{at}.{field}"), word, words);
            }
        }
        self.string(&format!("{at}.section"), &evidence["section"]);
        for field in ["assertion", "status"] {
            self.that(evidence[field] == entry[field], || format!("{at}.{field} is not its entry's"));
        }
        self.probability(&format!("{at}.confidence"), &evidence["confidence"]);
        self.attributes(&format!("{at}.attributes"), entry["kind"].as_str().unwrap_or_default(), &evidence["attributes"]);
        self.cues(&format!("{at}.cues"), &evidence["cues"]);
        let sources = evidence["sources"].as_array().map(Vec::as_slice).unwrap_or_default();
        let known = |source: &Value| {
            source.as_str().is_some_and(|name| ["dictionary", "model", "rule"].iter().any(|start| name.starts_with(start)))
        };
        self.that(!sources.is_empty() && sources.iter().all(known), || format!("{at}.sources is {}", evidence["sources"]));
    }

    fn entry(&mut self, at: &str, entry: &Value) {
        self.keys(
            at,
            entry,
            "id kind display assertion status scope codes confidence reportable not_reportable_because attributes prompts evidence",
        );
        let kind = entry["kind"].as_str().unwrap_or_default();
        self.word(&format!("{at}.kind"), &entry["kind"], &["diagnosis", "medication", "allergy", "no_known_allergies"]);
        self.that(entry["display"].as_str().is_some_and(|name| !name.is_empty()), || format!("{at} has no display"));
        for (field, kinds, words) in [
            ("assertion", &["diagnosis", "allergy"][..], &ASSERTIONS[..]),
            ("status", &["medication"][..], &STATUSES[..]),
            ("scope", &["no_known_allergies"][..], &["drug", "all"][..]),
        ] {
            if kinds.contains(&kind) {
                self.word(&format!("{at}.{field}"), &entry[field], words);
            } else {
                self.that(entry[field].is_null(), || format!("{at}.{field} of {kind} is {}", entry[field]));
            }
        }
        self.that(!(kind == "allergy" && entry["assertion"] == "hypothetical"), || format!("{at}: a hypothetical allergy"));
        let codes = entry["codes"].as_array().cloned().unwrap_or_default();
        for (index, code) in codes.iter().enumerate() {
            self.code(&format!("{at}.codes[{index}]"), index + 1, (kind, code));
        }
        let distinct: BTreeSet<String> = codes.iter().map(|code| format!("{} {}", code["system"], code["code"])).collect();
        self.that(distinct.len() == codes.len(), || format!("{at}: a code stands twice"));
        if kind == "medication" && !codes.is_empty() {
            let ingredient =
                codes.iter().any(|code| ["ingredient", "class"].contains(&code["role"].as_str().unwrap_or_default()));
            self.that(ingredient, || format!("{at}: codes without an ingredient"));
        }
        self.that(codes.is_empty() == entry["confidence"].is_null(), || format!("{at}: confidence {}", entry["confidence"]));
        if !entry["confidence"].is_null() {
            self.probability(&format!("{at}.confidence"), &entry["confidence"]);
        }
        let because = &entry["not_reportable_because"];
        self.that(entry["reportable"].as_bool() == Some(because.is_null()), || format!("{at}: reportable and {because}"));
        self.attributes(&format!("{at}.attributes"), kind, &entry["attributes"]);
        for prompt in entry["prompts"].as_array().into_iter().flatten() {
            self.keys(&format!("{at}.prompts"), prompt, "kind message");
        }
        let evidence = entry["evidence"].as_array().cloned().unwrap_or_default();
        self.that(!evidence.is_empty(), || format!("{at} has no evidence"));
        for (index, one) in evidence.iter().enumerate() {
            self.evidence(&format!("{at}.evidence[{index}]"), entry, one);
        }
    }

    fn extraction(&mut self) {
        let whole = self.whole;
        self.keys("the extraction", whole, "note_id offset_unit engine sections alerts entries boilerplate? medications?");
        self.keys("engine", &whole["engine"], "version model vocabulary edition edition_exact");
        self.that(whole["engine"]["edition_exact"].is_boolean(), || "edition_exact is no boolean".to_owned());
        for section in whole["sections"].as_array().into_iter().flatten() {
            self.keys("a section", section, "kind title body code?");
            if let Some(code) = section.get("code") {
                self.keys("a section's code", code, "system code display");
            }
            self.string("a section's kind", &section["kind"]);
            if !section["title"].is_null() {
                self.place("a title", &section["title"]);
            }
            self.place("a body", &section["body"]);
        }
        let entries = whole["entries"].as_array().cloned().unwrap_or_default();
        let mut spans: BTreeMap<String, usize> = BTreeMap::new();
        for (index, entry) in entries.iter().enumerate() {
            self.entry(&format!("entries[{index}]"), entry);
            for evidence in entry["evidence"].as_array().into_iter().flatten() {
                *spans.entry(format!("{} {}..{}", entry["kind"], evidence["start"], evidence["end"])).or_default() += 1;
            }
        }
        let twice: Vec<&String> = spans.iter().filter(|(_, count)| **count > 1).map(|(span, _)| span).collect();
        self.that(twice.is_empty(), || format!("spans with two entries of a kind: {twice:?}"));
        let ids: BTreeSet<&str> = entries.iter().filter_map(|entry| entry["id"].as_str()).collect();
        self.that(ids.len() == entries.len(), || "ids are missing or not unique".to_owned());
        for passage in whole["boilerplate"].as_array().into_iter().flatten() {
            self.keys("a passage", passage, "kind start end");
            self.place("a passage", passage);
        }
        for medication in whole["medications"].as_array().into_iter().flatten() {
            self.keys("a medication", medication, "display ingredients status change? comparison? lists entries");
            self.word("a medication's status", &medication["status"], &STATUSES);
            let known = medication["entries"]
                .as_array()
                .is_some_and(|all| !all.is_empty() && all.iter().all(|id| id.as_str().is_some_and(|id| ids.contains(id))));
            self.that(known, || format!("a medication names {}", medication["entries"]));
            for listed in medication["lists"].as_array().into_iter().flatten() {
                self.keys("a list", listed, "list status attributes mentions");
                self.attributes("a list", "medication", &listed["attributes"]);
            }
        }
        for alert in whole["alerts"].as_array().into_iter().flatten() {
            self.keys("an alert", alert, "kind message entries");
            let known = alert["entries"]
                .as_array()
                .is_some_and(|all| all.iter().all(|id| id.as_str().is_some_and(|id| ids.contains(id))));
            self.that(known, || format!("an alert names {}", alert["entries"]));
        }
    }
}

/// Where an extraction (in code points, without spans) breaks the contract.
fn problems(text: &str, extraction: &Value) -> Vec<String> {
    let mut checked = Checked { text: text.chars().collect(), problems: Vec::new(), whole: extraction };
    checked.extraction();
    checked.problems
}

/// Extracts notes by the command line and asserts the contract of every line; gives the lines.
fn assert_contract(notes: &[(String, String)]) -> Vec<Value> {
    let mut input = String::new();
    for (id, text) in notes {
        input.push_str(&json!({"id": id, "text": text}).to_string());
        input.push('\n');
    }
    let output = program(&["extract", "--format", "ndjson", "-"], input.as_bytes());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .expect("UTF-8")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON line"))
        .collect();
    assert_eq!(lines.len(), notes.len(), "a line for each note");
    let mut wrong = Vec::new();
    for ((id, text), line) in notes.iter().zip(&lines) {
        assert_eq!(line["note_id"], json!(id), "in the order of the notes");
        assert_eq!(line["offset_unit"], "codepoint");
        wrong.extend(problems(text, line).into_iter().map(|problem| format!("{id}: {problem}")));
    }
    assert!(wrong.is_empty(), "{} problems:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
    lines
}

#[test]
fn our_notes_keep_the_contract() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/demo_notes.jsonl");
    let mut notes: Vec<(String, String)> = std::fs::read_to_string(file)
        .expect("the demo's notes")
        .lines()
        .map(|line| {
            let note: Value = serde_json::from_str(line).expect("JSON");
            (note["external_id"].as_str().expect("an id").to_owned(), note["text"].as_str().expect("text").to_owned())
        })
        .collect();
    notes.extend(golden::notes().into_iter().map(|note| (note.name, note.text)));
    assert!(notes.len() >= 24);
    let lines = assert_contract(&notes);
    let kinds: BTreeSet<&str> = lines
        .iter()
        .flat_map(|line| line["entries"].as_array().expect("entries"))
        .filter_map(|entry| entry["kind"].as_str())
        .collect();
    assert_eq!(kinds.len(), 4, "all kinds are found: {kinds:?}");
}

/// A random text: words of notes between characters that no note should have.
fn odd_text(numbers: &mut Numbers) -> String {
    let words = [
        "type 2 diabetes mellitus",
        "DENIES",
        "chest pain",
        "metformin 500 mg p.o. b.i.d.",
        "ALLERGIES:",
        "penicillin (rash)",
        "NKDA",
        "FAMILY HISTORY:",
        "no evidence of",
        "pneumonia",
        "?",
        "MS",
        "1.",
        "\n",
        "\r\n",
        "\t",
        ". ",
        ", ",
        "aspirin",
        "s/p MI",
        "mother",
    ];
    let odd = [
        "\u{1}",
        "\u{7f}",
        "\u{85}",
        "\u{a0}",
        "\u{ad}",
        "\u{200b}",
        "\u{200d}",
        "\u{202e}",
        "\u{2028}",
        "\u{feff}",
        "e\u{301}\u{323}",
        "ﬁ",
        "İ",
        "ẞ",
        "ſ",
        "Ǆ",
        "½",
        "Å",
        "ﷺ",
        "مرض السكري",
        "סוכרת",
        "糖尿病",
        "👩‍⚕️",
        "🇺🇸",
        "𝓭𝓲𝓪𝓫𝓮𝓽𝓮𝓼",
        "ｄｉａｂｅｔｅｓ",
        "\u{e0001}",
        "“",
        "’s",
        "–",
    ];
    let mut text = String::new();
    for _ in 0..=numbers.below(40) {
        match numbers.below(5) {
            0 | 1 => text.push_str(words[numbers.below(words.len() as u64) as usize]),
            2 => text.push_str(odd[numbers.below(odd.len() as u64) as usize]),
            3 => text.push(' '),
            _ => {
                let any = char::from_u32(u32::try_from(1 + numbers.below(0x10_ffff)).expect("fits"));
                text.push(any.unwrap_or('\u{fffd}'));
            }
        }
    }
    text.push('.');
    text
}

#[test]
fn odd_texts_keep_the_contract() {
    let mut notes: Vec<(String, String)> = vec![
        ("punctuation".to_owned(), "...;;;---:::((([[[{{{***???!!!\n\n\n:::".to_owned()),
        ("one character".to_owned(), "a".to_owned()),
        ("emoji".to_owned(), "😀👩‍⚕️🇺🇸🫀".repeat(50)),
        ("right to left".to_owned(), "المريض يعاني من مرض السكري. asthma. חולה סוכרת: metformin 500 mg.".to_owned()),
        ("combining".to_owned(), format!("a{}sthma and gout{}", "\u{301}".repeat(300), "\u{323}".repeat(300))),
        (
            "controls".to_owned(),
            (1_u8..32).map(char::from).flat_map(|control| ["gout".to_owned(), control.to_string()]).collect(),
        ),
        ("headings".to_owned(), "ALLERGIES:\nMEDICATIONS:\nASSESSMENT:\nALLERGIES:\n".repeat(40)),
        ("a long word".to_owned(), "x".repeat(60_000)),
        (
            "a long line".to_owned(),
            "Asthma and no gout, metformin 500 mg daily; mother had breast cancer ".repeat(200_000 / 69),
        ),
        ("numbers".to_owned(), "1. 2. 3.5 mg 4/5 6-7 8:9 10% ".repeat(100)),
    ];
    let mut numbers = Numbers(42);
    notes.extend((0..150).map(|number| (format!("odd {number}"), odd_text(&mut numbers))));
    assert_contract(&notes);
}

/// This file's server: nothing is ever posted to it.
fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::shared(&[]))
}

#[test]
fn generated_texts_are_extracted_by_the_service_and_nothing_is_stored() {
    let mut numbers = Numbers(7);
    for _ in 0..120 {
        let text = odd_text(&mut numbers);
        if text.contains('\0') {
            continue;
        }
        let reply = server().call("POST", "/v1/extract", "submitter", Some(json!({ "text": text }).to_string().as_bytes()));
        assert_eq!(reply.status, 200, "{text:?}: {}", reply.text);
        let wrong = problems(&text, &reply.json());
        assert!(wrong.is_empty(), "{text:?}: {wrong:?}");
    }
    assert_eq!((server().gauge("abstractor_notes"), server().gauge("abstractor_jobs_waiting")), (0, 0));
    let items = server().call("GET", "/v1/review/items", "coder", None).json();
    assert_eq!(items["items"], json!([]));
    let subjects: BTreeSet<String> = server().events().iter().map(|event| event["subject_kind"].to_string()).collect();
    assert!(!subjects.contains("\"note\"") && !subjects.contains("\"item\""), "{subjects:?}");
}

#[test]
fn generated_spans_are_answered_or_refused() {
    let mut numbers = Numbers(11);
    for _ in 0..60 {
        let text = odd_text(&mut numbers);
        let unit = ["utf8", "utf16", "codepoint"][numbers.below(3) as usize];
        let limit = text.len() as u64 + 3;
        let spans: Vec<Value> =
            (0..=numbers.below(3)).map(|_| json!({"start": numbers.below(limit), "end": numbers.below(limit)})).collect();
        let body = json!({"text": text, "offset_unit": unit, "spans": spans});
        let reply = server().call("POST", "/v1/extract", "coder", Some(body.to_string().as_bytes()));
        match reply.status {
            200 => assert_eq!(reply.json()["spans"].as_array().map(Vec::len), Some(spans.len()), "{body}"),
            _ => assert_eq!((reply.status, reply.code().as_str()), (422, "invalid_span"), "{body}: {}", reply.text),
        }
    }
}
