//! What a command is about: a patient, an encounter or a note, by our id or as its sender names it.

use clap::Args;
use uuid::Uuid;

use crate::store::{LegalHold, Named, Store, Subject};

/// Which one.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// Our id: of an encounter that of its review item
    #[arg(required_unless_present = "source", conflicts_with = "source")]
    id: Option<Uuid>,
    /// The source whose number it is
    #[arg(long, requires = "record")]
    source: Option<String>,
    /// Its number at the source: the record number of a patient, the number of an encounter, the id of a note
    #[arg(long, requires = "source")]
    record: Option<String>,
    /// Who gives out the record number of a patient, where there are several
    #[arg(long, requires = "record")]
    system: Option<String>,
}

impl Which {
    /// Our id of it. The number is never printed.
    pub(super) async fn find(&self, store: &dyn Store, kind: &str) -> anyhow::Result<Subject> {
        if let Some(subject) = self.id.and_then(|id| Subject::of(kind, id)) {
            return Ok(subject);
        }
        let Some(named) = named(kind, (self.source.as_deref(), self.record.as_deref()), self.system.clone()) else {
            anyhow::bail!("name it by its id, or by --source and --record");
        };
        let found = store.find_subjects(named).await?;
        match found[..] {
            [subject] => Ok(subject),
            [] => anyhow::bail!("this source has no such {kind}"),
            _ => {
                let ids: Vec<String> = found.iter().map(|subject| subject.id().to_string()).collect();
                anyhow::bail!("several have this number; name one by its id: {}", ids.join(", "))
            }
        }
    }
}

/// As its sender names it.
fn named(kind: &str, place: (Option<&str>, Option<&str>), system: Option<String>) -> Option<Named> {
    let (source, record) = place.0.map(str::to_owned).zip(place.1.map(str::to_owned))?;
    match kind {
        "patient" => Some(Named::Patient { source, record, system }),
        "encounter" => Some(Named::Encounter { source, number: record }),
        "note" => Some(Named::Note { source, external_id: record }),
        _ => None,
    }
}

/// Prints holds, a line each.
pub(super) fn holds_told(holds: &[LegalHold]) {
    for hold in holds {
        let subject = hold.subject;
        eprintln!("hold {} on {} {}: {} (by {}, {})", hold.id, subject.kind(), subject.id(), hold.reason, hold.actor, hold.at);
    }
}
