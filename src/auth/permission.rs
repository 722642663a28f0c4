//! The table of roles and permissions, and the scope of a user.

use uuid::Uuid;

use crate::domain::{Confidentiality, Note, ReviewItem, Role, Sensitivities, User};

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
    /// Read one encounter that scope or clearance hides, for a while, for a reason that is recorded and looked at.
    BreakGlass,
    /// Look at the accesses under broken glass, and say so.
    ReviewAccesses,
}

impl Permission {
    /// All permissions.
    pub const ALL: [Self; 24] = [
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
        Self::BreakGlass,
        Self::ReviewAccesses,
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
            | Self::ReplayMessages
            | Self::BreakGlass
            | Self::ReviewAccesses => true,
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
        AnswerQuery, AskProvider, Assign, BreakGlass, ChangeSettings, Decide, Extract, ListItems, ManageAccounts,
        ManageDestinations, ManageVocabularies, PostNote, ReadAudit, ReadDeliveries, ReadMetrics, ReadNote, ReadOwnNote,
        ReadReports, ReadSettings, ReadVocabularies, Reopen, ReplayMessages, ReviewAccesses, SecondReview,
    };
    match role {
        Role::Submitter => matches!(permission, PostNote | Extract | ReadOwnNote | AnswerQuery | ReadVocabularies),
        Role::Coder => {
            matches!(
                permission,
                Extract | ReadNote | ListItems | Decide | AskProvider | AnswerQuery | ReadVocabularies | BreakGlass
            )
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
                | BreakGlass
        ),
        Role::Auditor => matches!(permission, ReadAudit | ReadReports | ReadVocabularies | ReviewAccesses),
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
                | BreakGlass
        ),
    }
}

/// Where a thing stands, to be held against what a user may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope<'a> {
    /// The system that sent it.
    pub source: Option<&'a str>,
    /// Facility.
    pub facility: Option<&'a str>,
    /// Department.
    pub department: Option<&'a str>,
    /// Confidentiality label.
    pub confidentiality: Confidentiality,
    /// Kinds of sensitive information in it.
    pub labels: Sensitivities,
    /// Whose it is.
    pub patient: Option<Uuid>,
}

impl<'a> Scope<'a> {
    /// Where a note stands.
    #[must_use]
    pub fn of_note(note: &'a Note) -> Self {
        let content = &note.content;
        Self {
            source: Some(&content.source),
            facility: content.facility.as_deref(),
            department: content.department.as_deref(),
            confidentiality: content.confidentiality,
            labels: content.labels,
            patient: note.item_patient_id.or(note.patient_id),
        }
    }

    /// Where an item stands: restricted as soon as one of its notes is, and with the labels of all of them.
    #[must_use]
    pub fn of_item(item: &'a ReviewItem) -> Self {
        Self {
            source: item.source.as_deref(),
            facility: item.facility.as_deref(),
            department: item.department.as_deref(),
            confidentiality: if item.restricted { Confidentiality::Restricted } else { Confidentiality::Normal },
            labels: item.labels,
            patient: item.patient_id,
        }
    }
}

/// Whether the thing is of the patient whom the user is. Nothing lets them see it, and break-glass does not either.
#[must_use]
pub fn is_own_chart(user: &User, scope: &Scope<'_>) -> bool {
    scope.patient.is_some_and(|patient| user.own_patients.contains(&patient))
}

/// Whether the user's scope covers the thing. A submitter's scope is its source, whatever the label: it sent the note.
/// For everybody else a limit to a source, facility or department leaves out what names none, restricted needs clearance, and so does each
/// label.
#[must_use]
pub fn in_scope(user: &User, scope: &Scope<'_>) -> bool {
    if user.disabled || is_own_chart(user, scope) {
        return false;
    }
    if user.role == Role::Submitter {
        return user.source.is_some() && user.source.as_deref() == scope.source;
    }
    let within = |limit: &Option<String>, place: Option<&str>| limit.is_none() || limit.as_deref() == place;
    within(&user.source, scope.source)
        && within(&user.facility, scope.facility)
        && within(&user.department, scope.department)
        && (scope.confidentiality == Confidentiality::Normal || user.sees_restricted)
        && user.clearances.cover(scope.labels)
}

/// Whether the user may read a note that stands there: by role and by scope.
#[must_use]
pub fn may_read_note(user: &User, scope: &Scope<'_>) -> bool {
    (permits(user.role, Permission::ReadNote) || permits(user.role, Permission::ReadOwnNote)) && in_scope(user, scope)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Sensitivity;

    #[test]
    fn the_table() {
        // submitter, coder, lead, auditor, admin
        let table: [(Permission, &str); 24] = [
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
            (Permission::BreakGlass, ".xx.x"),
            (Permission::ReviewAccesses, "...x."),
        ];
        assert_eq!(table.map(|(permission, _)| permission), Permission::ALL);
        for (permission, row) in table {
            for (role, cell) in Role::ALL.into_iter().zip(row.chars()) {
                assert_eq!(permits(role, permission), cell == 'x', "{role:?} {permission:?}");
            }
        }
    }

    fn user(role: Role) -> User {
        User::new(Uuid::from_u128(1), "u", role)
    }

    #[test]
    fn scopes() {
        let some = |word: &str| Some(word.to_owned());
        let north = Scope {
            source: Some("emr"),
            facility: Some("north"),
            department: Some("icu"),
            confidentiality: Confidentiality::Normal,
            labels: Sensitivities::NONE,
            patient: Some(Uuid::from_u128(7)),
        };
        let nowhere = Scope { facility: None, department: None, ..north };
        let restricted = Scope { confidentiality: Confidentiality::Restricted, ..north };
        let hiv = Sensitivities::from_iter([Sensitivity::Hiv]);
        let both = hiv.with(Sensitivities::from_iter([Sensitivity::SubstanceUse]));
        let (labelled, twice) = (Scope { labels: hiv, ..north }, Scope { labels: both, ..north });
        let coder = user(Role::Coder);
        let is_patient = |user: User| User { own_patients: vec![Uuid::from_u128(7)], ..user };
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
            ("of the source", User { source: some("emr"), ..coder.clone() }, north, true),
            ("of another source", User { source: some("lab"), ..coder.clone() }, north, false),
            ("source not known", User { source: some("emr"), ..coder.clone() }, Scope { source: None, ..north }, false),
            ("labelled", coder.clone(), labelled, false),
            ("labelled, cleared for restricted", User { sees_restricted: true, ..coder.clone() }, labelled, false),
            ("labelled, cleared", User { clearances: hiv, ..coder.clone() }, labelled, true),
            ("two labels, cleared for one", User { clearances: hiv, ..coder.clone() }, twice, false),
            ("two labels, cleared for both", User { clearances: both, ..coder.clone() }, twice, true),
            ("own chart", is_patient(coder.clone()), north, false),
            ("own chart, cleared for all", is_patient(User { clearances: Sensitivities::ALL, ..coder.clone() }), north, false),
            ("chart of somebody else", is_patient(coder.clone()), Scope { patient: Some(Uuid::from_u128(8)), ..north }, true),
            ("disabled", User { disabled: true, ..coder }, north, false),
            ("own source", submitter.clone(), north, true),
            ("own source, restricted", submitter.clone(), restricted, true),
            ("own source, labelled", submitter.clone(), labelled, true),
            ("other source", User { source: some("lab"), ..submitter.clone() }, north, false),
            ("submitter without a source", User { source: None, ..submitter.clone() }, Scope { source: None, ..north }, false),
            ("submitter and an item whose source is not known", submitter, Scope { source: None, ..north }, false),
        ] {
            assert_eq!(in_scope(&user, &scope), expected, "{name}");
        }
        for role in Role::ALL {
            let reader = User { source: some("emr"), ..user(role) };
            assert_eq!(may_read_note(&reader, &north), matches!(role, Role::Submitter | Role::Coder | Role::Lead), "{role:?}");
        }
    }
}
