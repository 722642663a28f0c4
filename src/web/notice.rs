//! What a page says after a change. The address carries a stable word only, never anything of the note.

use std::borrow::Cow;

use super::queries;

/// A sentence at the top of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    /// Whether something was refused.
    pub is_problem: bool,
    /// The sentence.
    pub text: Cow<'static, str>,
}

impl Notice {
    /// Why something was refused, in words of the moment.
    pub(super) const fn refusing(words: String) -> Self {
        Self { is_problem: true, text: Cow::Owned(words) }
    }
}

const NOTICES: [(&str, &str); 19] = [
    ("claimed", "The encounter is yours for 30 minutes; every decision renews that."),
    ("released", "The encounter is back in the queue."),
    ("finished", "The encounter is finished."),
    ("pended", "The encounter is laid aside; it comes back when its time has passed, or a note arrives."),
    ("escalated", "The encounter is with the leads."),
    ("assigned", "Assigned."),
    ("remarked", "Kept with the encounter."),
    ("reopened", "The encounter is open again; its decisions stand."),
    ("accepted", "Accepted."),
    ("amended", "Amended."),
    ("rejected", "Rejected."),
    ("added", "Added."),
    ("designated", "Kept."),
    ("withdrawn", "Taken back."),
    ("accepted_together", "Accepted together. Undo takes all of them back."),
    ("saved", "Kept."),
    ("reviewed", "The review is kept."),
    ("list_saved", "The list is saved; it stands beside the others."),
    ("nothing_waits", "Nothing waits for review."),
];

const PROBLEMS: [(&str, &str); 29] = [
    ("held", "Not done: another coder holds this encounter."),
    ("not_held", "Not done: you do not hold this encounter, or your 30 minutes ran out. Claim it and try again."),
    ("already_finished", "Not done: the encounter is finished."),
    ("assigned_to_other", "Not done: this encounter is assigned to another coder."),
    ("for_leads", "Not done: this encounter was passed up; a lead takes it, or assigns it."),
    ("for_team", "Not done: this encounter is another team’s; a member of it or a lead takes it."),
    ("cannot_assign", "Not done: nobody of this name works on encounters like this one."),
    ("time_past", "Not done: choose a day to come."),
    ("pending", "Not finished: notes of this encounter are still being read. Try again in a moment."),
    ("stale", "Not done: the encounter changed in the meantime. Look at it as it is now and decide again."),
    ("undecided", "Not finished: entries still wait for a decision. They are marked “to decide”."),
    ("hard_edits", "Not finished: a hard edit stands against the codes. Settle it, or choose why it may stand."),
    ("unknown_entry", "Not done: this entry is no longer part of the encounter."),
    (
        "code_unknown",
        "Not done: this is not a billable ICD-10-CM code of the edition of this encounter’s day. Nothing was changed.",
    ),
    ("code_missing", "Not done: a code is needed. Type one, or choose one of those offered."),
    ("nothing_changed", "Not amended: choose another code, type one, or choose another status."),
    ("nothing_designated", "Not done: choose what the diagnosis is to the encounter."),
    ("reason_missing", "Not done: choose a reason."),
    ("name_missing", "Not added: the entry needs a name."),
    ("none_together", "Not done: none of these may be accepted together; look at each."),
    ("nothing_to_undo", "Not done: there is no decision of yours to take back."),
    ("verdict_missing", "Not kept: say of every code whether it is right."),
    (
        "review_refused",
        "Not kept: the review is done already, it is of your own work, or the encounter has changed since it was finished.",
    ),
    ("key_invalid", "Not kept: a key is one sign, and no digit, which chooses a code."),
    ("key_twice", "Not kept: two actions have the same key."),
    ("list_name", "Not saved: give the list a name."),
    ("too_many_lists", "Not saved: remove a saved list first, under Preferences."),
    ("settings", "Not kept: the first is 0 to 100, the second 50 to 100."),
    ("invalid", "Not done: the decision could not be taken as it was sent."),
];

/// The sentence of an address's `notice` or `problem`.
pub(super) fn lookup(notice: Option<&str>, problem: Option<&str>) -> Option<Notice> {
    let text = |table: &[(&str, &'static str)], word: Option<&str>| {
        table.iter().find(|(known, _)| Some(*known) == word).map(|(_, text)| Cow::Borrowed(*text))
    };
    let found = text(&PROBLEMS, problem).map(|text| Notice { is_problem: true, text });
    found
        .or_else(|| text(&NOTICES, notice).map(|text| Notice { is_problem: false, text }))
        .or_else(|| queries::said(notice, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_words_have_a_sentence_and_others_none() {
        assert_eq!(lookup(Some("claimed"), None).map(|notice| notice.is_problem), Some(false));
        assert_eq!(lookup(Some("claimed"), Some("stale")).map(|notice| notice.is_problem), Some(true));
        assert_eq!(lookup(Some("<script>"), Some("nonsense")), None);
    }
}
