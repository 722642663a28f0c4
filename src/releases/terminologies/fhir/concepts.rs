//! The concepts of resources, written one by one as they are read.

use std::{fmt, rc::Rc};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{
    super::{CONCEPTS, FLAGS},
    outline::{Excluded, Outline, held},
};
use crate::releases::{Output, ReleaseError, allowance::Meter};

/// What is read, and what was written.
pub struct Reading<'o> {
    out: &'o mut dyn Output,
    file: String,
    meter: Option<Rc<Meter>>,
    /// Concepts of the resource that is being read.
    listed: u64,
    /// The versions of the resources.
    pub versions: Vec<String>,
    /// Sentences for the person who imports.
    pub notes: Vec<String>,
    /// Terms that were written.
    pub written: usize,
    /// Concepts without a name.
    pub nameless: usize,
    /// Why reading was stopped, when it was not the JSON.
    pub stopped: Option<ReleaseError>,
}

impl<'o> Reading<'o> {
    /// Writes to `out`.
    pub fn new(out: &'o mut dyn Output) -> Self {
        Self {
            out,
            file: String::new(),
            meter: None,
            listed: 0,
            versions: Vec::new(),
            notes: Vec::new(),
            written: 0,
            nameless: 0,
            stopped: None,
        }
    }

    /// Begins with a file.
    pub fn begin(&mut self, file: &str, meter: Rc<Meter>) {
        file.clone_into(&mut self.file);
        self.meter = Some(meter);
    }

    fn wrong(&self, message: String) -> ReleaseError {
        ReleaseError::malformed(&self.file, self.meter.as_ref().map_or(0, |meter| meter.line()), message)
    }

    fn renew(&self) {
        if let Some(meter) = &self.meter {
            meter.renew();
        }
    }

    fn pass_over(&self) {
        if let Some(meter) = &self.meter {
            meter.pass_over();
        }
    }

    /// The next key of an object that is not held as a whole.
    fn key<'de, A: MapAccess<'de>>(&self, map: &mut A) -> Result<Option<String>, A::Error> {
        match &self.meter {
            Some(meter) => map.next_key_seed(held(meter)),
            None => map.next_key(),
        }
    }

    fn resource_ends(&mut self, outline: &Outline, written_before: usize) {
        let url = outline.url.as_deref().unwrap_or("without url");
        if outline.expands && outline.total.is_some_and(|total| total > self.listed) {
            let (listed, total) = (self.listed, outline.total.unwrap_or_default());
            self.notes.push(format!("The expansion of {url} lists {listed} of {total} concepts: import all its pages"));
        }
        if self.written == written_before {
            self.notes.push(format!("{} {url} lists no concepts with a name: import its expansion", outline.kind));
        }
        self.versions.push(outline.version.clone().unwrap_or_default());
    }
}

/// What stands between a resource and its lists of concepts.
#[derive(Clone, Copy)]
enum Part {
    Resource,
    Expansion,
    Compose,
    /// The include of this place.
    Include(usize),
    /// The entry of this place.
    Entry(usize),
}

/// Reads a resource and writes its concepts.
pub struct ResourceSeed<'r, 'o> {
    /// Where to.
    pub reading: &'r mut Reading<'o>,
    /// What it is.
    pub outline: &'r Outline,
}

impl<'de> DeserializeSeed<'de> for ResourceSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let written = self.reading.written;
        self.reading.listed = 0;
        PartSeed { reading: &mut *self.reading, outline: self.outline, part: Part::Resource }.deserialize(deserializer)?;
        if self.outline.can_be_read() {
            self.reading.resource_ends(self.outline, written);
        }
        Ok(())
    }
}

struct PartSeed<'r, 'o> {
    reading: &'r mut Reading<'o>,
    outline: &'r Outline,
    part: Part,
}

impl<'de> DeserializeSeed<'de> for PartSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PartSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of FHIR")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { reading, outline, part } = self;
        while let Some(key) = reading.key(&mut map)? {
            let (kind, expands) = (outline.kind.as_str(), outline.expands);
            let list = |reading, system, excluded| ConceptList { reading, system, excluded };
            let within = |reading, part| PartSeed { reading, outline, part };
            match (part, kind, key.as_str()) {
                (Part::Resource, "CodeSystem", "concept") => {
                    map.next_value_seed(list(&mut *reading, outline.system(), None))?
                }
                (Part::Resource, "ValueSet", "expansion") if expands => {
                    map.next_value_seed(within(&mut *reading, Part::Expansion))?
                }
                (Part::Expansion, _, "contains") => map.next_value_seed(list(&mut *reading, None, None))?,
                (Part::Resource, "ValueSet", "compose") if !expands => {
                    map.next_value_seed(within(&mut *reading, Part::Compose))?
                }
                (Part::Compose, _, "include") => {
                    map.next_value_seed(Each { reading: &mut *reading, outline, part: Part::Include })?
                }
                (Part::Include(at), _, "concept") => {
                    let system = outline.systems.get(at).and_then(Option::as_deref);
                    map.next_value_seed(list(&mut *reading, system, Some(&outline.excluded)))?;
                }
                (Part::Resource, "Bundle", "entry") => {
                    map.next_value_seed(Each { reading: &mut *reading, outline, part: Part::Entry })?
                }
                (Part::Entry(at), _, "resource") => match outline.entries.get(at).and_then(Option::as_deref) {
                    Some(outline) => map.next_value_seed(ResourceSeed { reading: &mut *reading, outline })?,
                    None => _ = map.next_value::<IgnoredAny>()?,
                },
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(())
    }
}

/// The parts of a list, one after the other.
struct Each<'r, 'o> {
    reading: &'r mut Reading<'o>,
    outline: &'r Outline,
    part: fn(usize) -> Part,
}

impl<'de> DeserializeSeed<'de> for Each<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Each<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of FHIR")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut at = 0;
        let part = |at| (self.part)(at);
        while list.next_element_seed(PartSeed { reading: &mut *self.reading, outline: self.outline, part: part(at) })?.is_some()
        {
            at += 1;
        }
        Ok(())
    }
}

/// A list of concepts.
struct ConceptList<'r, 'o> {
    reading: &'r mut Reading<'o>,
    system: Option<&'r str>,
    excluded: Option<&'r Excluded>,
}

impl<'de> DeserializeSeed<'de> for ConceptList<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ConceptList<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of concepts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { reading, system, excluded } = self;
        reading.renew();
        while list.next_element_seed(ConceptSeed { reading: &mut *reading, system, excluded })?.is_some() {
            reading.renew();
        }
        reading.pass_over();
        Ok(())
    }
}

/// The keys of a concept.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    System,
    Code,
    Display,
    Designation,
    Property,
    Inactive,
    Abstract,
    #[serde(alias = "contains")]
    Concept,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Designation {
    language: Option<String>,
    value: String,
}

impl Designation {
    fn is_english(&self) -> bool {
        self.language.as_deref().is_none_or(|language| language == "en" || language.starts_with("en-"))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Property {
    code: String,
    value_boolean: Option<bool>,
    value_code: Option<String>,
}

impl Property {
    fn says_inactive(&self) -> bool {
        match self.code.as_str() {
            "inactive" => self.value_boolean == Some(true),
            "status" => matches!(self.value_code.as_deref(), Some("retired" | "inactive")),
            _ => false,
        }
    }
}

/// What is known of a concept while it is read.
#[derive(Default)]
struct Known {
    system: Option<String>,
    code: Option<String>,
    display: Option<String>,
    designations: Vec<Designation>,
    /// Inactive, or a group that is no concept.
    hidden: bool,
    /// Terms that were written.
    terms: Vec<String>,
}

/// Whether more may come of a concept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    InPart,
    InFull,
}

struct ConceptSeed<'r, 'o> {
    reading: &'r mut Reading<'o>,
    system: Option<&'r str>,
    excluded: Option<&'r Excluded>,
}

impl<'de> DeserializeSeed<'de> for ConceptSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ConceptSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a concept")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        self.reading.listed += 1;
        let mut known = Known::default();
        while let Some(field) = map.next_key()? {
            match field {
                Field::System => known.system = map.next_value()?,
                Field::Code => known.code = map.next_value()?,
                Field::Display => known.display = map.next_value()?,
                Field::Designation => known.designations = map.next_value()?,
                Field::Property => known.hidden |= map.next_value::<Vec<Property>>()?.iter().any(Property::says_inactive),
                Field::Inactive | Field::Abstract => known.hidden |= map.next_value::<bool>()?,
                Field::Concept => {
                    // what is above comes first, where it is known
                    self.write(&mut known, Told::InPart).map_err(A::Error::custom)?;
                    let system = known.system.as_deref().or(self.system);
                    map.next_value_seed(ConceptList { reading: &mut *self.reading, system, excluded: None })?;
                    self.reading.renew();
                }
                Field::Other => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        self.write(&mut known, Told::InFull).map_err(A::Error::custom)
    }
}

impl ConceptSeed<'_, '_> {
    /// Writes the terms that are known and were not written; an error is kept with the reading.
    fn write(&mut self, known: &mut Known, told: Told) -> Result<(), &'static str> {
        self.try_write(known, told).map_err(|error| {
            self.reading.stopped = Some(error);
            "stopped"
        })
    }

    fn try_write(&mut self, known: &mut Known, told: Told) -> Result<(), ReleaseError> {
        let Some(code) = known.code.as_deref() else { return Ok(()) };
        if known.hidden {
            let message =
                format!("the concept \"{code}\" says behind the concepts below it that it is inactive; import its expansion");
            return if known.terms.is_empty() { Ok(()) } else { Err(self.reading.wrong(message)) };
        }
        let key = || (self.system.map(str::to_owned), Some(code.to_owned()));
        if self.excluded.is_some_and(|excluded| !excluded.is_empty() && excluded.contains(&key())) {
            return Ok(());
        }
        let Some(system) = known.system.as_deref().or(self.system) else {
            let message = format!("the concept \"{code}\" has no code system; add its system or the url of the resource");
            return if told == Told::InPart { Ok(()) } else { Err(self.reading.wrong(message)) };
        };
        let display = known.display.as_deref().map(str::trim).filter(|display| !display.is_empty());
        let english = known.designations.iter().filter(|designation| designation.is_english());
        for term in display.into_iter().chain(english.map(|designation| designation.value.trim())) {
            if term.is_empty() || known.terms.iter().any(|written| written == term) {
                continue;
            }
            let preferred = FLAGS[usize::from(Some(term) == display)];
            self.reading.out.row(CONCEPTS, &[system, code, term, preferred, "", FLAGS[0]])?;
            self.reading.written += 1;
            known.terms.push(term.to_owned());
        }
        self.reading.nameless += usize::from(told == Told::InFull && known.terms.is_empty());
        Ok(())
    }
}
