//! FHIR value sets and code systems as JSON: one resource a file, a Bundle of them, or one after the other (NDJSON). R4 and R5 alike.
//!
//! - CodeSystem: url (or supplements), concept[] with code, display, designation[] (language, value), property[] (inactive, status),
//!   and concept[] below them
//! - ValueSet: expansion.contains[] with system, code, display, designation[], abstract, inactive, and contains[] below them; without
//!   an expansion compose.include[].concept[], less compose.exclude[].concept[]
//!
//! English designations are read, and those that do not name their language. What a value set says by a filter or by reference needs a
//! terminology server: import its expansion.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;

use super::{CONCEPTS, FLAGS};
use crate::releases::{Member, Output, Release, ReleaseError, Result, Summary};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    resource_type: String,
    url: Option<String>,
    version: Option<String>,
    supplements: Option<String>,
    #[serde(default)]
    concept: Vec<Concept>,
    #[serde(default)]
    compose: Compose,
    #[serde(default)]
    expansion: Expansion,
    #[serde(default)]
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    resource: Option<Resource>,
}

#[derive(Deserialize, Default)]
struct Compose {
    #[serde(default)]
    include: Vec<Include>,
    #[serde(default)]
    exclude: Vec<Include>,
}

#[derive(Deserialize)]
struct Include {
    system: Option<String>,
    #[serde(default)]
    concept: Vec<Concept>,
}

#[derive(Deserialize, Default)]
struct Expansion {
    total: Option<u64>,
    #[serde(default)]
    contains: Vec<Concept>,
}

/// A concept of a code system, of a value set's composition, or of its expansion.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Concept {
    system: Option<String>,
    code: Option<String>,
    display: Option<String>,
    #[serde(default)]
    designation: Vec<Designation>,
    #[serde(default)]
    property: Vec<Property>,
    #[serde(default)]
    inactive: bool,
    #[serde(default)]
    r#abstract: bool,
    #[serde(default, alias = "contains")]
    concept: Vec<Concept>,
}

#[derive(Deserialize)]
struct Designation {
    language: Option<String>,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Property {
    code: String,
    value_boolean: Option<bool>,
    value_code: Option<String>,
}

/// Keys of which one stands near the beginning of every resource that can be read.
const KEYS: [&str; 5] = ["\"resourceType\"", "\"concept\"", "\"compose\"", "\"expansion\"", "\"entry\""];

/// Reads a release.
///
/// # Errors
/// When there is no FHIR JSON, a resource is of another type or cannot be used, nothing in it has a name, or the output fails.
pub fn import(release: &Release, out: &mut dyn Output) -> Result<Summary> {
    let mut reading = Reading {
        out,
        file: String::new(),
        versions: Vec::new(),
        notes: Vec::new(),
        others: BTreeMap::new(),
        written: 0,
        nameless: 0,
    };
    let mut found = false;
    release.each(|member| {
        let head = member.head()?;
        if head.trim_start().starts_with('{') && KEYS.iter().any(|key| head.contains(key)) {
            found = true;
            member.name.clone_into(&mut reading.file);
            return reading.member(member);
        }
        Ok(())
    })?;
    if !found {
        return Err(ReleaseError::not_found("FHIR JSON (a ValueSet, a CodeSystem, or a Bundle of them)"));
    }
    if reading.nameless > 0 {
        reading.notes.push(format!("{} concepts were left out: they have no display", reading.nameless));
    }
    for (kind, count) in &reading.others {
        reading.notes.push(format!("{count} resources of type {kind} in a Bundle were left out"));
    }
    if reading.written == 0 {
        let reason = reading.notes.join("; ");
        return Err(reading.wrong(format!("holds no concept that can be imported: {reason}")));
    }
    let release = if let [version] = reading.versions.as_slice() { version.clone() } else { String::new() };
    Ok(Summary { release, notes: reading.notes })
}

struct Reading<'o> {
    out: &'o mut dyn Output,
    file: String,
    versions: Vec<String>,
    notes: Vec<String>,
    others: BTreeMap<String, usize>,
    written: usize,
    nameless: usize,
}

impl Reading<'_> {
    fn wrong(&self, message: String) -> ReleaseError {
        ReleaseError::Malformed { file: self.file.clone(), line: 0, message }
    }

    fn member(&mut self, member: &mut Member<'_>) -> Result<()> {
        let unreadable = |cause| ReleaseError::Unreadable { file: self.file.clone(), cause };
        let reader = member.reader();
        if reader.fill_buf().map_err(unreadable)?.starts_with(b"\xef\xbb\xbf") {
            reader.consume(3);
        }
        for resource in serde_json::Deserializer::from_reader(reader).into_iter::<Resource>() {
            let resource = resource.map_err(|error| unusable(&self.file, error))?;
            if resource.resource_type == "Bundle" {
                self.bundle(resource)?;
            } else if !self.resource(&resource)? {
                let kind = &resource.resource_type;
                return Err(self.wrong(format!("is a FHIR {kind}; import a ValueSet, a CodeSystem, or a Bundle of them")));
            }
        }
        Ok(())
    }

    fn bundle(&mut self, bundle: Resource) -> Result<()> {
        for resource in bundle.entry.into_iter().filter_map(|entry| entry.resource) {
            if !self.resource(&resource)? {
                *self.others.entry(resource.resource_type).or_default() += 1;
            }
        }
        Ok(())
    }

    /// Writes a resource; false for one of another type.
    fn resource(&mut self, resource: &Resource) -> Result<bool> {
        let before = self.written;
        match resource.resource_type.as_str() {
            "CodeSystem" => self.code_system(resource)?,
            "ValueSet" => self.value_set(resource)?,
            _ => return Ok(false),
        }
        let url = resource.url.as_deref().unwrap_or("without url");
        if self.written == before {
            self.notes.push(format!("{} {url} lists no concepts with a name: import its expansion", resource.resource_type));
        }
        self.versions.push(resource.version.clone().unwrap_or_default());
        Ok(true)
    }

    fn code_system(&mut self, resource: &Resource) -> Result<()> {
        let canonical = resource.supplements.as_deref().or(resource.url.as_deref());
        let system = canonical.map(|canonical| canonical.split('|').next().unwrap_or_default());
        resource.concept.iter().try_for_each(|concept| self.concept(concept, system))
    }

    fn value_set(&mut self, resource: &Resource) -> Result<()> {
        let contains = &resource.expansion.contains;
        if !contains.is_empty() {
            contains.iter().try_for_each(|concept| self.concept(concept, None))?;
            let (listed, url) = (count(contains), resource.url.as_deref().unwrap_or("without url"));
            if let Some(total) = resource.expansion.total.filter(|total| *total > listed) {
                self.notes.push(format!("The expansion of {url} lists {listed} of {total} concepts: import all its pages"));
            }
            return Ok(());
        }
        let listed = |include: &'_ Include| -> Vec<(Option<String>, Option<String>)> {
            include.concept.iter().map(|concept| (include.system.clone(), concept.code.clone())).collect()
        };
        let excluded: HashSet<_> = resource.compose.exclude.iter().flat_map(listed).collect();
        for include in &resource.compose.include {
            for concept in &include.concept {
                if !excluded.contains(&(include.system.clone(), concept.code.clone())) {
                    self.concept(concept, include.system.as_deref())?;
                }
            }
        }
        Ok(())
    }

    /// Writes a concept and those below it. The depth is bounded: deeper JSON is refused when it is read.
    fn concept(&mut self, concept: &Concept, system: Option<&str>) -> Result<()> {
        let system = concept.system.as_deref().or(system);
        if let (Some(code), false) = (&concept.code, concept.r#abstract || concept.is_inactive()) {
            let Some(system) = system else {
                return Err(
                    self.wrong(format!("the concept \"{code}\" has no code system; add its system or the url of the resource"))
                );
            };
            self.terms(concept, system, code)?;
        }
        concept.concept.iter().try_for_each(|child| self.concept(child, system))
    }

    fn terms(&mut self, concept: &Concept, system: &str, code: &str) -> Result<()> {
        let display = concept.display.as_deref().map(str::trim).filter(|display| !display.is_empty());
        let english = concept.designation.iter().filter(|designation| designation.is_english());
        let mut terms: Vec<&str> = display.into_iter().chain(english.map(|designation| designation.value.trim())).collect();
        let mut seen = HashSet::new();
        terms.retain(|term| !term.is_empty() && seen.insert(*term));
        self.nameless += usize::from(terms.is_empty());
        for term in terms {
            let preferred = FLAGS[usize::from(Some(term) == display)];
            self.out.row(CONCEPTS, &[system, code, term, preferred, "", FLAGS[0]])?;
            self.written += 1;
        }
        Ok(())
    }
}

impl Concept {
    fn is_inactive(&self) -> bool {
        let says = |property: &Property| match property.code.as_str() {
            "inactive" => property.value_boolean == Some(true),
            "status" => matches!(property.value_code.as_deref(), Some("retired" | "inactive")),
            _ => false,
        };
        self.inactive || self.property.iter().any(says)
    }
}

impl Designation {
    fn is_english(&self) -> bool {
        self.language.as_deref().is_none_or(|language| language == "en" || language.starts_with("en-"))
    }
}

fn count(concepts: &[Concept]) -> u64 {
    concepts.iter().map(|concept| 1 + count(&concept.concept)).sum()
}

fn unusable(file: &str, error: serde_json::Error) -> ReleaseError {
    let text = error.to_string();
    let message = if error.is_eof() {
        format!("ends too early; download it again ({text})")
    } else if text.starts_with("invalid unicode") {
        format!("is not UTF-8; import the file as the publisher made it ({text})")
    } else if text.starts_with("recursion limit") {
        format!("is nested too deeply; import an expansion without levels ({text})")
    } else {
        format!("is no FHIR JSON that can be read ({text})")
    };
    let line = u64::try_from(error.line()).unwrap_or_default();
    if error.is_io() {
        return ReleaseError::Unreadable { file: file.to_owned(), cause: error.into() };
    }
    ReleaseError::Malformed { file: file.to_owned(), line, message }
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
        let deep = "{\"code\": \"A\", \"concept\": [".repeat(100_000);
        let deep = refusal(import, format!("{{\"resourceType\": \"CodeSystem\", \"concept\": [{deep}").as_bytes());
        assert!(deep.contains("is nested too deeply"), "{deep}");
        let deep = refusal(import, format!("{{\"resourceType\": \"CodeSystem\", \"x\": {}", "[".repeat(1_000_000)).as_bytes());
        assert!(deep.starts_with("download, line 1: "), "{deep}");
    }
}
