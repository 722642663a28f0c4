//! What a resource is, read in passing: its type, its address, which concepts it excludes. Concepts are passed over.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    marker::PhantomData,
};

use serde::{
    Deserialize,
    de::{DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::releases::allowance::Meter;

/// System and code of concepts that a value set excludes.
pub type Excluded = HashSet<(Option<String>, Option<String>)>;

/// A resource without its concepts.
#[derive(Debug, Default)]
pub struct Outline {
    /// Its type; empty where it does not say it.
    pub kind: String,
    /// Its address.
    pub url: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The code system that it supplements.
    pub supplements: Option<String>,
    /// How many concepts the whole expansion has.
    pub total: Option<u64>,
    /// Whether an expansion lists concepts.
    pub expands: bool,
    /// The code systems of what it includes, in order.
    pub systems: Vec<Option<String>>,
    /// What it excludes.
    pub excluded: Excluded,
    /// The resources of a Bundle, in order; none for those of other types.
    pub entries: Vec<Option<Box<Outline>>>,
    /// How many resources of other types a Bundle has.
    pub others: BTreeMap<String, usize>,
}

impl Outline {
    /// Whether it holds concepts.
    pub fn can_be_read(&self) -> bool {
        matches!(self.kind.as_str(), "CodeSystem" | "ValueSet")
    }

    /// The code system of the concepts of a CodeSystem.
    pub fn system(&self) -> Option<&str> {
        let canonical = self.supplements.as_deref().or(self.url.as_deref());
        canonical.map(|canonical| canonical.split('|').next().unwrap_or_default())
    }
}

/// Reads a value that is held, within the allowance of one piece.
pub struct Held<'m, T> {
    meter: &'m Meter,
    of: PhantomData<T>,
}

/// A value that is held, within the allowance of one piece.
pub fn held<T>(meter: &Meter) -> Held<'_, T> {
    Held { meter, of: PhantomData }
}

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for Held<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        self.meter.renew();
        let value = T::deserialize(deserializer);
        self.meter.pass_over();
        value
    }
}

/// Reads an [`Outline`].
#[derive(Clone, Copy)]
pub struct OutlineSeed<'m> {
    /// The meter of the stream.
    pub meter: &'m Meter,
}

impl<'de> DeserializeSeed<'de> for OutlineSeed<'_> {
    type Value = Outline;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Outline, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OutlineSeed<'_> {
    type Value = Outline;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a FHIR resource")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Outline, A::Error> {
        let mut outline = Outline::default();
        while let Some(key) = map.next_key_seed(held::<String>(self.meter))? {
            match key.as_str() {
                "resourceType" => outline.kind = map.next_value_seed(held(self.meter))?,
                "url" => outline.url = map.next_value_seed(held(self.meter))?,
                "version" => outline.version = map.next_value_seed(held(self.meter))?,
                "supplements" => outline.supplements = map.next_value_seed(held(self.meter))?,
                "expansion" => map.next_value_seed(self.within(&mut outline, Part::Expansion))?,
                "compose" => map.next_value_seed(self.within(&mut outline, Part::Compose))?,
                "entry" => map.next_value_seed(Entries { meter: self.meter, outline: &mut outline })?,
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(outline)
    }
}

/// What stands between a value set and its concepts.
#[derive(Clone, Copy)]
enum Part {
    Expansion,
    Compose,
    Includes,
    Include,
}

/// Reads a part of a value set into its outline.
struct PartSeed<'m, 'o> {
    meter: &'m Meter,
    outline: &'o mut Outline,
    part: Part,
}

impl<'m> OutlineSeed<'m> {
    fn within<'o>(self, outline: &'o mut Outline, part: Part) -> PartSeed<'m, 'o> {
        PartSeed { meter: self.meter, outline, part }
    }
}

impl<'de> DeserializeSeed<'de> for PartSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.part {
            Part::Includes => deserializer.deserialize_seq(self),
            Part::Expansion | Part::Compose | Part::Include => deserializer.deserialize_map(self),
        }
    }
}

impl<'de> Visitor<'de> for PartSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a part of a value set")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { meter, outline, part } = self;
        let mut system = None;
        while let Some(key) = map.next_key_seed(held::<String>(meter))? {
            match (part, key.as_str()) {
                (Part::Expansion, "total") => outline.total = map.next_value_seed(held(meter))?,
                (Part::Expansion, "contains") => outline.expands = map.next_value::<Counted>()?.0 > 0,
                (Part::Compose, "include") => {
                    map.next_value_seed(PartSeed { meter, outline: &mut *outline, part: Part::Includes })?;
                }
                (Part::Compose, "exclude") => {
                    for exclude in map.next_value_seed(held::<Vec<Excludes>>(meter))? {
                        let codes = exclude.concept.into_iter().map(|concept| (exclude.system.clone(), concept.code));
                        outline.excluded.extend(codes);
                    }
                }
                (Part::Include, "system") => system = map.next_value_seed(held(meter))?,
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        if matches!(part, Part::Include) {
            outline.systems.push(system);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { meter, outline, .. } = self;
        while list.next_element_seed(PartSeed { meter, outline: &mut *outline, part: Part::Include })?.is_some() {}
        Ok(())
    }
}

#[derive(Deserialize)]
struct Excludes {
    system: Option<String>,
    #[serde(default)]
    concept: Vec<ExcludedConcept>,
}

#[derive(Deserialize)]
struct ExcludedConcept {
    code: Option<String>,
}

/// How many elements a list has.
#[derive(Default)]
struct Counted(u64);

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements;
        impl<'de> Visitor<'de> for Elements {
            type Value = Counted;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of concepts")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Counted, A::Error> {
                let mut count = 0;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(Counted(count))
            }
        }
        deserializer.deserialize_seq(Elements)
    }
}

/// Reads the entries of a Bundle into its outline.
struct Entries<'m, 'o> {
    meter: &'m Meter,
    outline: &'o mut Outline,
}

impl<'de> DeserializeSeed<'de> for Entries<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the entries of a Bundle")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(found) = list.next_element_seed(Entry { meter: self.meter })? {
            let readable = match found {
                Some(outline) if outline.can_be_read() => Some(Box::new(outline)),
                Some(other) => {
                    *self.outline.others.entry(other.kind).or_default() += 1;
                    None
                }
                None => None,
            };
            self.outline.entries.push(readable);
        }
        Ok(())
    }
}

struct Entry<'m> {
    meter: &'m Meter,
}

impl<'de> DeserializeSeed<'de> for Entry<'_> {
    type Value = Option<Outline>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Entry<'_> {
    type Value = Option<Outline>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an entry of a Bundle")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key_seed(held::<String>(self.meter))? {
            if key == "resource" {
                found = Some(map.next_value_seed(OutlineSeed { meter: self.meter })?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}
