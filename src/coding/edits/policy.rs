//! The site's say on how heavy each kind of edit weighs: `edit_policy.tsv`.

use super::{EditKind, Severity};
use crate::domain::table::{self, TableError};

/// Severity by kind; none = off.
#[derive(Debug)]
pub(super) struct Policy([Option<Severity>; EditKind::ALL.len()]);

impl Policy {
    /// Reads `kind`, `severity`.
    pub(super) fn parse((name, text): (&str, &str)) -> Result<Self, TableError> {
        let mut read: [Option<Option<Severity>>; EditKind::ALL.len()] = [None; EditKind::ALL.len()];
        table::read(name, text, |row| {
            let word = row.get("kind")?;
            let place = EditKind::ALL.iter().position(|kind| kind.as_str() == word);
            let place = place.ok_or_else(|| row.error(format!("unknown kind {word:?}; use one of {}", kinds())))?;
            let severity =
                match row.get("severity")? {
                    "off" => None,
                    word => Some(Severity::ALL.into_iter().find(|severity| severity.as_str() == word).ok_or_else(|| {
                        row.error(format!("unknown severity {word:?}; use hard, soft, informational or off"))
                    })?),
                };
            if read[place].replace(severity).is_some() {
                return Err(row.error(format!("kind {word:?} stands twice; keep one row of each kind")));
            }
            Ok(())
        })?;
        let mut policy = [None; EditKind::ALL.len()];
        for (kind, (read, severity)) in EditKind::ALL.into_iter().zip(read.into_iter().zip(&mut policy)) {
            *severity = read.ok_or_else(|| TableError {
                table: name.to_owned(),
                line: text.lines().count(),
                message: format!("no row for kind {:?}; add one, with severity off to switch the kind off", kind.as_str()),
            })?;
        }
        Ok(Self(policy))
    }

    /// The severity of an edit whose rule gives it `own`: never heavier than the site wants. None when the kind is off.
    pub(super) fn severity(&self, kind: EditKind, own: Severity) -> Option<Severity> {
        let place = EditKind::ALL.iter().position(|other| *other == kind)?;
        self.0.get(place).copied().flatten().map(|site| site.max(own))
    }
}

fn kinds() -> String {
    EditKind::ALL.map(EditKind::as_str).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = include_str!("../../../vocabularies/edit_policy.tsv");

    fn error(text: &str) -> String {
        Policy::parse(("edit_policy", text)).expect_err("a wrong table").to_string()
    }

    #[test]
    fn the_shipped_table() {
        let policy = Policy::parse(("edit_policy", TABLE)).expect("our table");
        assert_eq!(policy.severity(EditKind::NotBillable, Severity::Hard), Some(Severity::Hard));
        assert_eq!(policy.severity(EditKind::CodeFirst, Severity::Informational), Some(Severity::Informational));
        assert_eq!(policy.severity(EditKind::Duplicate, Severity::Hard), Some(Severity::Soft));
    }

    #[test]
    fn errors_say_what_is_wrong() {
        assert!(error("kind\tseverity\nexcludes9\thard\n").contains("line 2: unknown kind \"excludes9\""));
        assert!(error("kind\tseverity\nexcludes1\tfatal\n").contains("unknown severity \"fatal\""));
        assert!(error("kind\tseverity\nage\thard\nage\tsoft\n").contains("stands twice"));
        assert!(error("kind\tseverity\nexcludes1\thard\n").contains("no row for kind \"code_first\""));
        assert!(error("kind\nexcludes1\n").contains("no column \"severity\""));
    }

    #[test]
    fn a_kind_can_be_switched_off() {
        let off = TABLE.replace("unspecified\tsoft", "unspecified\toff");
        let policy = Policy::parse(("edit_policy", &off)).expect("a table");
        assert_eq!(policy.severity(EditKind::Unspecified, Severity::Soft), None);
    }
}
