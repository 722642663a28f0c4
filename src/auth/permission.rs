//! The table of roles and permissions, and the scope of a user.

use crate::domain::{Confidentiality, NewNote, ReviewItem, Role, User};

/// What a call asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Post notes.
    PostNote,
    /// Extract without storing.
    Extract,
    /// Read notes and extractions of one's own source.
    ReadOwnNote,
    /// Read notes and extractions in scope.
    ReadNote,
    /// List the queue.
    ListItems,
    /// Claim items, decide on entries, finish.
    Decide,
    /// Draft queries to providers, send, withdraw and close them.
    AskProvider,
    /// Record what a provider answered.
    AnswerQuery,
    /// Put items back into the queue: finished ones, and those that others hold.
    Reopen,
    /// Say who is to work on an item.
    Assign,
    /// Look at finished encounters again.
    SecondReview,
    /// See what leads arranged for the site.
    ReadSettings,
    /// Arrange it.
    ChangeSettings,
    /// Read the audit trail.
    ReadAudit,
    /// Read reports: counts and rates, no note text.
    ReadReports,
    /// Make users and tokens.
    ManageAccounts,
    /// Read metrics.
    ReadMetrics,
    /// See which vocabularies are loaded, with releases and licences.
    ReadVocabularies,
    /// Use other vocabularies, and go back.
    ManageVocabularies,
    /// Say where events are sent.
    ManageDestinations,
    /// See what became of what was sent, and send it again.
    ReadDeliveries,
    /// See which messages of other systems could not be used, without their content, and have them handled again.
    ReplayMessages,
}

impl Permission {
    /// All permissions.
    pub const ALL: [Self; 22] = [
        Self::PostNote,
        Self::Extract,
        Self::ReadOwnNote,
        Self::ReadNote,
        Self::ListItems,
        Self::Decide,
        Self::AskProvider,
        Self::AnswerQuery,
        Self::Reopen,
        Self::Assign,
        Self::SecondReview,
        Self::ReadSettings,
        Self::ChangeSettings,
        Self::ReadAudit,
        Self::ReadReports,
        Self::ManageAccounts,
        Self::ReadMetrics,
        Self::ReadVocabularies,
        Self::ManageVocabularies,
        Self::ManageDestinations,
        Self::ReadDeliveries,
        Self::ReplayMessages,
    ];
}

impl Permission {
    /// Whether what it lets through changes something.
    #[must_use]
    pub const fn changes_something(self) -> bool {
        match self {
            Self::PostNote
            | Self::Decide
            | Self::AskProvider
            | Self::AnswerQuery
            | Self::Reopen
            | Self::Assign
            | Self::ChangeSettings
            | Self::SecondReview
            | Self::ManageAccounts
            | Self::ManageVocabularies
            | Self::ManageDestinations
            | Self::ReplayMessages => true,
            Self::Extract
            | Self::ReadOwnNote
            | Self::ReadNote
            | Self::ListItems
            | Self::ReadSettings
            | Self::ReadAudit
            | Self::ReadReports
            | Self::ReadMetrics
            | Self::ReadVocabularies
            | Self::ReadDeliveries => false,
        }
    }
}

/// Whether the role has the permission: the whole table.
#[must_use]
pub const fn permits(role: Role, permission: Permission) -> bool {
    use Permission::{
        AnswerQuery, AskProvider, Assign, ChangeSettings, Decide, Extract, ListItems, ManageAccounts, ManageDestinations,
        ManageVocabularies, PostNote, ReadAudit, ReadDeliveries, ReadMetrics, ReadNote, ReadOwnNote, ReadReports, ReadSettings,
        ReadVocabularies, Reopen, ReplayMessages, SecondReview,
    };
    match role {
        Role::Submitter => matches!(permission, PostNote | Extract | ReadOwnNote | AnswerQuery | ReadVocabularies),
        Role::Coder => {
            matches!(permission, Extract | ReadNote | ListItems | Decide | AskProvider | AnswerQuery | ReadVocabularies)
        }
        Role::Lead => matches!(
            permission,
            Extract
                | ReadNote
                | ListItems
                | Decide
                | AskProvider
                | AnswerQuery
                | Reopen
                | Assign
                | SecondReview
                | ReadSettings
                | ChangeSettings
                | ReadReports
                | ReadVocabularies
                | ReadDeliveries
                | ReplayMessages
        ),
        Role::Auditor => matches!(permission, ReadAudit | ReadReports | ReadVocabularies),
        Role::Admin => matches!(
            permission,
            ManageAccounts
                | ReadSettings
                | ChangeSettings
                | ReadMetrics
                | ReadVocabularies
                | ManageVocabularies
                | ManageDestinations
                | ReadDeliveries
                | ReplayMessages
        ),
    }
}

/// Where a thing stands, to be held against what a user may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope<'a> {
    /// The system that sent it; none for an item.
    pub source: Option<&'a str>,
    /// Facility.
    pub facility: Option<&'a str>,
    /// Department.
    pub department: Option<&'a str>,
    /// Confidentiality label.
    pub confidentiality: Confidentiality,
}

impl<'a> Scope<'a> {
    /// Where a note stands.
    #[must_use]
    pub fn of_note(note: &'a NewNote) -> Self {
        Self {
            source: Some(&note.source),
            facility: note.facility.as_deref(),
            department: note.department.as_deref(),
            confidentiality: note.confidentiality,
        }
    }

    /// Where an item stands: restricted as soon as one of its notes is.
    #[must_use]
    pub fn of_item(item: &'a ReviewItem) -> Self {
        Self {
            source: None,
            facility: item.facility.as_deref(),
            department: item.department.as_deref(),
            confidentiality: if item.restricted { Confidentiality::Restricted } else { Confidentiality::Normal },
        }
    }
}

/// Whether the user's scope covers the thing. A submitter's scope is its source, whatever the label: it sent the note.
/// For everybody else a limit to a facility or department leaves out what names none, and restricted needs clearance.
#[must_use]
pub fn in_scope(user: &User, scope: &Scope<'_>) -> bool {
    if user.disabled {
        return false;
    }
    if user.role == Role::Submitter {
        return user.source.is_some() && user.source.as_deref() == scope.source;
    }
    let within = |limit: &Option<String>, place: Option<&str>| limit.is_none() || limit.as_deref() == place;
    within(&user.facility, scope.facility)
        && within(&user.department, scope.department)
        && (scope.confidentiality == Confidentiality::Normal || user.sees_restricted)
}

/// Whether the user may read a note that stands there: by role and by scope.
#[must_use]
pub fn may_read_note(user: &User, scope: &Scope<'_>) -> bool {
    (permits(user.role, Permission::ReadNote) || permits(user.role, Permission::ReadOwnNote)) && in_scope(user, scope)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_table() {
        // submitter, coder, lead, auditor, admin
        let table: [(Permission, &str); 22] = [
            (Permission::PostNote, "x...."),
            (Permission::Extract, "xxx.."),
            (Permission::ReadOwnNote, "x...."),
            (Permission::ReadNote, ".xx.."),
            (Permission::ListItems, ".xx.."),
            (Permission::Decide, ".xx.."),
            (Permission::AskProvider, ".xx.."),
            (Permission::AnswerQuery, "xxx.."),
            (Permission::Reopen, "..x.."),
            (Permission::Assign, "..x.."),
            (Permission::SecondReview, "..x.."),
            (Permission::ReadSettings, "..x.x"),
            (Permission::ChangeSettings, "..x.x"),
            (Permission::ReadAudit, "...x."),
            (Permission::ReadReports, "..xx."),
            (Permission::ManageAccounts, "....x"),
            (Permission::ReadMetrics, "....x"),
            (Permission::ReadVocabularies, "xxxxx"),
            (Permission::ManageVocabularies, "....x"),
            (Permission::ManageDestinations, "....x"),
            (Permission::ReadDeliveries, "..x.x"),
            (Permission::ReplayMessages, "..x.x"),
        ];
        assert_eq!(table.map(|(permission, _)| permission), Permission::ALL);
        for (permission, row) in table {
            for (role, cell) in Role::ALL.into_iter().zip(row.chars()) {
                assert_eq!(permits(role, permission), cell == 'x', "{role:?} {permission:?}");
            }
        }
    }

    fn user(role: Role) -> User {
        User {
            id: Uuid::from_u128(1),
            name: "u".to_owned(),
            role,
            source: None,
            facility: None,
            department: None,
            sees_restricted: false,
            disabled: false,
        }
    }

    #[test]
    fn scopes() {
        let some = |word: &str| Some(word.to_owned());
        let north = Scope {
            source: Some("emr"),
            facility: Some("north"),
            department: Some("icu"),
            confidentiality: Confidentiality::Normal,
        };
        let nowhere = Scope { facility: None, department: None, ..north };
        let restricted = Scope { confidentiality: Confidentiality::Restricted, ..north };
        let coder = user(Role::Coder);
        let submitter = User { source: some("emr"), ..user(Role::Submitter) };
        for (name, user, scope, expected) in [
            ("no limit", coder.clone(), north, true),
            ("own facility", User { facility: some("north"), ..coder.clone() }, north, true),
            ("other facility", User { facility: some("south"), ..coder.clone() }, north, false),
            ("no facility named", User { facility: some("north"), ..coder.clone() }, nowhere, false),
            ("own department", User { department: some("icu"), ..coder.clone() }, north, true),
            ("other department", User { department: some("ed"), ..coder.clone() }, north, false),
            ("restricted", coder.clone(), restricted, false),
            ("restricted, cleared", User { sees_restricted: true, ..coder.clone() }, restricted, true),
            ("disabled", User { disabled: true, ..coder }, north, false),
            ("own source", submitter.clone(), north, true),
            ("own source, restricted", submitter.clone(), restricted, true),
            ("other source", User { source: some("lab"), ..submitter.clone() }, north, false),
            ("submitter without a source", User { source: None, ..submitter.clone() }, Scope { source: None, ..north }, false),
            ("submitter and an item", submitter, Scope { source: None, ..north }, false),
        ] {
            assert_eq!(in_scope(&user, &scope), expected, "{name}");
        }
        for role in Role::ALL {
            let reader = User { source: some("emr"), ..user(role) };
            assert_eq!(may_read_note(&reader, &north), matches!(role, Role::Submitter | Role::Coder | Role::Lead), "{role:?}");
        }
    }
}
