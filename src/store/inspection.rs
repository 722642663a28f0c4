//! What a look at a database tells that changes nothing, for either adapter.

use jiff::Timestamp;

use super::sql::schema::{self, Migration};
use crate::domain::User;

/// How the schema of a database stands to this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaState {
    /// There is none yet.
    Missing,
    /// There is one, whose tables the user of the database may not use.
    Closed,
    /// It is the one of this program.
    Current {
        /// Its version.
        version: i64,
    },
    /// Steps are missing.
    Older {
        /// The version that was found.
        version: i64,
        /// That of this program.
        own: i64,
        /// How many steps are missing.
        steps: usize,
    },
    /// It is newer, and this program may open it all the same.
    Newer {
        /// The version that was found.
        version: i64,
        /// That of this program.
        own: i64,
    },
    /// It needs a newer program.
    Refused {
        /// Which.
        message: String,
    },
}

impl SchemaState {
    /// Of the steps of an adapter and those that were applied, each with the oldest release that may open it.
    pub(in crate::store) fn of(all: &[Migration], applied: &[(i64, String)]) -> Self {
        let own = all.last().map_or(0, |step| step.version);
        let Some(version) = applied.iter().map(|(version, _)| *version).max() else { return Self::Missing };
        match schema::missing(all, applied) {
            Err(refused) => Self::Refused { message: refused.to_string() },
            Ok(missing) if !missing.is_empty() => Self::Older { version, own, steps: missing.len() },
            Ok(_) if version > own => Self::Newer { version, own },
            Ok(_) => Self::Current { version },
        }
    }
}

/// How the site keys stand to a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFit {
    /// It has no key of its own yet.
    NewDatabase,
    /// The first one opens it.
    First,
    /// An older one opens it: data keys are not wrapped anew yet.
    Older,
    /// None opens it.
    None,
}

/// What a database holds that a service depends on; nothing where there is no schema yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Everybody who may call, by name.
    pub users: Vec<User>,
    /// Jobs that are not done: waiting or claimed.
    pub jobs: u64,
    /// Since when the first of them can be done, or from when on.
    pub due_since: Option<Timestamp>,
    /// Until when the last of them is held by a worker.
    pub held_until: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [Migration; 2] = [
        Migration { version: 1, name: "first", oldest_binary: "0.1.0", sql: "" },
        Migration { version: 2, name: "second", oldest_binary: "0.1.0", sql: "" },
    ];

    #[test]
    fn a_schema_is_told_by_its_steps() {
        let of = |applied: &[(i64, &str)]| {
            let applied: Vec<_> = applied.iter().map(|(version, oldest)| (*version, (*oldest).to_owned())).collect();
            SchemaState::of(&STEPS, &applied)
        };
        assert_eq!(of(&[]), SchemaState::Missing);
        assert_eq!(of(&[(1, "0.1.0")]), SchemaState::Older { version: 1, own: 2, steps: 1 });
        assert_eq!(of(&[(1, "0.1.0"), (2, "0.1.0")]), SchemaState::Current { version: 2 });
        assert_eq!(of(&[(1, "0.1.0"), (2, "0.1.0"), (3, "0.1.0")]), SchemaState::Newer { version: 3, own: 2 });
        let SchemaState::Refused { message } = of(&[(3, "99.0.0")]) else { panic!("is refused") };
        assert!(message.contains("99.0.0"), "{message}");
    }
}
