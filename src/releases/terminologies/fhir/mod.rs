//! FHIR value sets and code systems as JSON: one resource a file, a Bundle of them, or one after the other (NDJSON). R4 and R5 alike.
//!
//! - CodeSystem: url (or supplements), concept[] with code, display, designation[] (language, value), property[] (inactive, status),
//!   and concept[] below them
//! - ValueSet: expansion.contains[] with system, code, display, designation[], abstract, inactive, and contains[] below them; without
//!   an expansion compose.include[].concept[], less compose.exclude[].concept[]
//!
//! English designations are read, and those that do not name their language. What a value set says by a filter or by reference needs a
//! terminology server: import its expansion.
//!
//! Files have hundreds of megabytes, so they are read twice and never held: first for the outline of each resource (`outline`), whose keys
//! come in any order, then concept by concept (`concepts`).

mod concepts;
mod outline;

use std::{collections::BTreeMap, io::BufRead as _};

use serde::de::DeserializeSeed;

use self::{
    concepts::{Reading, ResourceSeed},
    outline::{Outline, OutlineSeed},
};
use crate::releases::{Member, Output, Release, ReleaseError, Result, Summary, allowance::Allowance};

/// Keys of which one stands near the beginning of every resource that can be read.
const KEYS: [&str; 5] = ["\"resourceType\"", "\"concept\"", "\"compose\"", "\"expansion\"", "\"entry\""];

/// Reads a release.
///
/// # Errors
/// When there is no FHIR JSON, a resource is of another type or cannot be used, nothing in it has a name, or the output fails.
pub fn import(release: &Release, out: &mut dyn Output) -> Result<Summary> {
    let mut files: Vec<(String, Vec<Outline>)> = Vec::new();
    release.each(|member| {
        if is_fhir(member)? {
            files.push((member.name.to_owned(), outlines(member)?));
        }
        Ok(())
    })?;
    let Some((last, _)) = files.last() else {
        return Err(ReleaseError::not_found("FHIR JSON (a ValueSet, a CodeSystem, or a Bundle of them)"));
    };
    let last = last.clone();
    let mut reading = Reading::new(out);
    let mut read = files.iter();
    release.each(|member| {
        if is_fhir(member)?
            && let Some((_, outlines)) = read.next()
        {
            return concepts_of(member, outlines, &mut reading);
        }
        Ok(())
    })?;
    let mut others: BTreeMap<&str, usize> = BTreeMap::new();
    for (kind, count) in files.iter().flat_map(|(_, outlines)| outlines).flat_map(|outline| &outline.others) {
        *others.entry(kind).or_default() += count;
    }
    let Reading { mut notes, versions, written, nameless, .. } = reading;
    if nameless > 0 {
        notes.push(format!("{nameless} concepts were left out: they have no display"));
    }
    for (kind, count) in others {
        notes.push(format!("{count} resources of type {kind} in a Bundle were left out"));
    }
    if written == 0 {
        let reason = notes.join("; ");
        return Err(ReleaseError::malformed(&last, 0, format!("holds no concept that can be imported: {reason}")));
    }
    let release = if let [version] = versions.as_slice() { version.clone() } else { String::new() };
    Ok(Summary { release, notes, ..Summary::default() })
}

fn is_fhir(member: &mut Member<'_>) -> Result<bool> {
    let head = member.head()?;
    Ok(head.trim_start().starts_with('{') && KEYS.iter().any(|key| head.contains(key)))
}

/// What the resources of a file are, in their order.
fn outlines(member: &mut Member<'_>) -> Result<Vec<Outline>> {
    let file = member.name;
    let mut stream = Allowance::new(member.reader());
    let mut found = Vec::new();
    while begins(file, &mut stream)? {
        let meter = stream.meter();
        meter.pass_over();
        let outline = one(file, &mut stream, OutlineSeed { meter: &meter })?;
        if !outline.can_be_read() && outline.kind != "Bundle" {
            let (line, kind) = (meter.line(), &outline.kind);
            let message = if kind.is_empty() {
                "is no FHIR JSON that can be read (missing field `resourceType`)".to_owned()
            } else {
                format!("is a FHIR {kind}; import a ValueSet, a CodeSystem, or a Bundle of them")
            };
            return Err(ReleaseError::malformed(file, line, message));
        }
        found.push(outline);
    }
    Ok(found)
}

/// Writes the concepts of the resources of a file.
fn concepts_of(member: &mut Member<'_>, outlines: &[Outline], reading: &mut Reading<'_>) -> Result<()> {
    let file = member.name;
    let mut stream = Allowance::new(member.reader());
    reading.begin(file, stream.meter());
    for outline in outlines {
        if !begins(file, &mut stream)? {
            break;
        }
        stream.meter().pass_over();
        let read = one(file, &mut stream, ResourceSeed { reading, outline });
        if let Err(error) = read {
            return Err(reading.stopped.take().unwrap_or(error));
        }
    }
    Ok(())
}

/// Passes over white space and a byte order mark; whether something follows.
fn begins(file: &str, stream: &mut Allowance<'_>) -> Result<bool> {
    loop {
        let bytes = stream.fill_buf().map_err(|cause| ReleaseError::unreadable(file, cause))?;
        if bytes.is_empty() {
            return Ok(false);
        }
        let blank = if bytes.starts_with(b"\xef\xbb\xbf") {
            3
        } else {
            bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
        };
        if blank == 0 {
            return Ok(true);
        }
        stream.consume(blank);
    }
}

/// Reads one resource.
fn one<'de, S: DeserializeSeed<'de>>(file: &str, stream: &mut Allowance<'_>, seed: S) -> Result<S::Value> {
    let meter = stream.meter();
    let mut json = serde_json::Deserializer::from_reader(stream);
    seed.deserialize(&mut json).map_err(|error| unusable(file, meter.line(), &error))
}

fn unusable(file: &str, line: u64, error: &serde_json::Error) -> ReleaseError {
    let text = error.to_string();
    let message = if error.is_io() {
        format!("cannot be read: {text}")
    } else if error.is_eof() {
        format!("ends too early; download it again ({text})")
    } else if text.starts_with("invalid unicode") {
        format!("is not UTF-8; import the file as the publisher made it ({text})")
    } else if text.starts_with("recursion limit") {
        format!("is nested too deeply; import an expansion without levels ({text})")
    } else {
        format!("is no FHIR JSON that can be read ({text})")
    };
    ReleaseError::malformed(file, line, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::releases::terminologies::testing::{imported_fixtures, refusal, refuses_other_files, rows, try_import};

    const CODE_SYSTEM: [&str; 4] = [
        "http://hospital.example/zorv\tZ\tZorv disease\t1\t\t0",
        "http://hospital.example/zorv\tZ\tZorv illness\t0\t\t0",
        "http://hospital.example/zorv\tZ.1\tAcute zorv disease\t1\t\t0",
        "http://hospital.example/zorv\tZ.1.1\tSevere état of zorv\t1\t\t0",
    ];
    const VALUE_SET: [&str; 3] = [
        "http://snomed.info/sct\t100001\tZorv dust\t1\t\t0",
        "http://snomed.info/sct\t100001\tDust of zorv\t0\t\t0",
        "http://www.nlm.nih.gov/research/umls/rxnorm\t9000001\tzorvanil\t1\t\t0",
    ];

    #[test]
    fn a_code_system_is_read_with_its_levels() {
        let (out, summary) = imported_fixtures(import, &["fhir/code_system.json"]);
        assert_eq!(rows(&out, "concepts.tsv"), CODE_SYSTEM);
        assert_eq!(summary.release, "2026-09");
        assert_eq!(summary.notes, ["1 concepts were left out: they have no display"]);
    }

    #[test]
    fn a_value_set_is_read_from_its_composition() {
        let (out, _) = imported_fixtures(import, &["fhir/value_set.json"]);
        assert_eq!(rows(&out, "concepts.tsv"), VALUE_SET);
    }

    #[test]
    fn an_expansion_goes_before_the_composition() {
        let (out, summary) = imported_fixtures(import, &["fhir/expansion.json"]);
        assert_eq!(
            rows(&out, "concepts.tsv"),
            [
                "http://hospital.example/zorv\tZ\tZorv disease\t1\t\t0",
                "http://hospital.example/zorv\tZ.1\tAcute zorv disease\t1\t\t0",
                "http://hospital.example/other\tA\tOther\t1\t\t0",
            ]
        );
        assert!(summary.notes.is_empty(), "{:?}", summary.notes);
    }

    #[test]
    fn bundles_and_ndjson_hold_several() {
        for file in ["fhir/bundle.json", "fhir/resources.ndjson"] {
            let (out, summary) = imported_fixtures(import, &[file]);
            assert_eq!(rows(&out, "concepts.tsv"), [CODE_SYSTEM.as_slice(), VALUE_SET.as_slice()].concat(), "{file}");
            assert_eq!(summary.release, "");
        }
        let (_, summary) = imported_fixtures(import, &["fhir/bundle.json"]);
        assert_eq!(summary.notes[1], "1 resources of type OperationOutcome in a Bundle were left out");
    }

    #[test]
    fn other_resources_and_rules_are_refused() {
        let patient = refusal(import, b"{\"resourceType\": \"Patient\", \"name\": []}");
        assert!(patient.contains("is a FHIR Patient; import a ValueSet"), "{patient}");
        let rule = refusal(
            import,
            b"{\"resourceType\": \"ValueSet\", \"url\": \"u\", \"compose\": {\"include\": [{\"system\": \"s\"}]}}",
        );
        assert!(rule.contains("ValueSet u lists no concepts") && rule.contains("import its expansion"), "{rule}");
        let system =
            refusal(import, b"{\"resourceType\": \"CodeSystem\", \"concept\": [{\"code\": \"A\", \"display\": \"B\"}]}");
        assert!(system.contains("the concept \"A\" has no code system"), "{system}");
    }

    #[test]
    fn part_of_an_expansion_is_noted() {
        let part = b"\xef\xbb\xbf{\"resourceType\": \"ValueSet\", \"url\": \"u\", \"expansion\": {\"total\": 9, \"contains\": [
            {\"system\": \"s\", \"code\": \"c\", \"display\": \"d\"}]}}";
        let (_, summary) = try_import(import, part).expect("importable");
        assert_eq!(summary.notes, ["The expansion of u lists 1 of 9 concepts: import all its pages"]);
    }

    #[test]
    fn what_is_damaged_is_refused() {
        refuses_other_files(import, &["fhir/code_system.json"]);
        let cut = refusal(import, b"{\"resourceType\": \"CodeSystem\",\n\"concept\": [");
        assert!(cut.starts_with("download, line 2: ends too early"), "{cut}");
        let latin = refusal(import, b"{\"resourceType\": \"CodeSystem\", \"url\": \"caf\xe9\"}");
        assert!(latin.contains("is not UTF-8"), "{latin}");
        let shape = refusal(import, b"{\"resourceType\": \"CodeSystem\", \"url\": \"u\", \"concept\": [7]}");
        assert!(shape.contains("line 1: is no FHIR JSON"), "{shape}");
    }

    #[test]
    fn deep_nesting_is_refused_and_does_not_overflow() {
        let (open, close) = ("{\"code\": \"A\", \"concept\": [".repeat(100_000), "]}".repeat(100_000));
        let text = format!("{{\"resourceType\": \"CodeSystem\", \"url\": \"u\", \"concept\": [{open}{close}]}}");
        let deep = refusal(import, text.as_bytes());
        assert!(deep.contains("is nested too deeply"), "{deep}");
        let deep = refusal(import, format!("{{\"resourceType\": \"CodeSystem\", \"x\": {}", "[".repeat(1_000_000)).as_bytes());
        assert!(deep.starts_with("download, line 1: "), "{deep}");
    }

    #[test]
    fn keys_may_come_in_any_order() {
        let text = r#"{"concept": [{"concept": [{"code": "Z.1", "display": "Acute"}], "display": "Zorv", "code": "Z"}], "url": "u",
            "resourceType": "CodeSystem"}
            {"compose": {"exclude": [{"concept": [{"code": "B"}], "system": "s"}], "include": [{"concept": [{"code": "A", "display": "a"},
            {"code": "B", "display": "b"}], "system": "s"}]}, "url": "v", "resourceType": "ValueSet"}"#;
        let (out, _) = try_import(import, text.as_bytes()).expect("read");
        assert_eq!(rows(&out, "concepts.tsv"), ["u\tZ.1\tAcute\t1\t\t0", "u\tZ\tZorv\t1\t\t0", "s\tA\ta\t1\t\t0"]);
        let late = r#"{"resourceType": "CodeSystem", "url": "u", "concept": [{"code": "Z", "display": "Zorv", "concept": [],
            "property": [{"code": "inactive", "valueBoolean": true}]}]}"#;
        assert!(refusal(import, late.as_bytes()).contains("line 2: the concept \"Z\" says behind"));
    }

    /// Counts rows and keeps none.
    struct Counted(usize);

    impl Output for Counted {
        fn row(&mut self, _: crate::releases::Table, _: &[&str]) -> Result<()> {
            self.0 += 1;
            Ok(())
        }
    }

    #[test]
    fn a_large_file_is_read_concept_by_concept() {
        use std::io::Write as _;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("expansion.json");
        // the whole is larger than what one piece may be, so it is not read as one
        let (concepts, name) = (90_000, "zorv ".repeat(80));
        let mut file = std::io::BufWriter::new(std::fs::File::create(&path).expect("a file"));
        write!(file, "{{\"resourceType\": \"ValueSet\", \"expansion\": {{\"contains\": [").expect("written");
        for number in 0..concepts {
            let comma = if number == 0 { "" } else { ",\n" };
            write!(file, "{comma}{{\"system\": \"s\", \"code\": \"{number}\", \"display\": \"{name}\"}}").expect("written");
        }
        write!(file, "]}}}}").expect("written");
        drop(file);
        assert!(std::fs::metadata(&path).expect("there").len() > crate::releases::allowance::LARGEST_PIECE);
        let mut out = Counted(0);
        import(&Release::new(&[path]), &mut out).expect("read");
        assert_eq!(out.0, concepts);
    }

    #[test]
    fn keys_systems_and_exclusions_without_end_are_refused() {
        let endless = "x".repeat(usize::try_from(crate::releases::allowance::LARGEST_PIECE).expect("small") + 100);
        let many = "{\"code\": \"a\"},".repeat(endless.len() / 14);
        for part in [
            format!("\"expansion\": {{\"{endless}\": 1}}"),
            format!("\"compose\": {{\"{endless}\": 1}}"),
            format!("\"compose\": {{\"include\": [{{\"system\": \"{endless}\"}}]}}"),
            format!("\"compose\": {{\"exclude\": [{{\"system\": \"s\", \"concept\": [{many} {{\"code\": \"b\"}}]}}]}}"),
        ] {
            let refused = refusal(import, format!("{{\"resourceType\": \"ValueSet\",\n{part}}}").as_bytes());
            let start = &part[..30];
            assert!(refused.starts_with("download, line 2: cannot be read"), "{start}: {refused:.200}");
            assert!(refused.contains("larger than 32 MB"), "{start}: {refused:.200}");
        }
    }

    #[test]
    fn a_concept_without_end_is_refused() {
        let endless = "x".repeat(usize::try_from(crate::releases::allowance::LARGEST_PIECE).expect("small") + 100);
        let text = format!("{{\"resourceType\": \"CodeSystem\", \"url\": \"u\",\n\"concept\": [{{\"code\": \"{endless}\"}}]}}");
        let refused = refusal(import, text.as_bytes());
        assert!(refused.starts_with("download, line 2: cannot be read") && refused.contains("larger than 32 MB"), "{refused}");
    }
}
