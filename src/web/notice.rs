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

/// The sentence of a change that was made.
fn made(word: &str) -> Option<&'static str> {
    Some(match word {
        "claimed" => text!("notice-claimed"),
        "released" => text!("notice-released"),
        "finished" => text!("notice-finished"),
        "pended" => text!("notice-pended"),
        "escalated" => text!("notice-escalated"),
        "assigned" => text!("notice-assigned"),
        "remarked" => text!("notice-remarked"),
        "reopened" => text!("notice-reopened"),
        "accepted" => text!("notice-accepted"),
        "amended" => text!("notice-amended"),
        "rejected" => text!("notice-rejected"),
        "added" => text!("notice-added"),
        "designated" => text!("notice-kept"),
        "withdrawn" => text!("notice-withdrawn"),
        "accepted_together" => text!("notice-accepted-together"),
        "saved" => text!("notice-kept"),
        "reviewed" => text!("notice-reviewed"),
        "person_added" => text!("notice-person-added"),
        "pack_live" => text!("notice-pack-live"),
        "pack_kept" => text!("notice-pack-kept"),
        "proposals_declined" => text!("notice-proposals-declined"),
        "list_saved" => text!("notice-list-saved"),
        "evaluated" => text!("notice-evaluated"),
        "proposals_tried" => text!("notice-proposals-tried"),
        "shadow_started" => text!("notice-shadow-started"),
        "nothing_waits" => text!("notice-nothing-waits"),
        _ => return None,
    })
}

/// The sentence of a change that was not made.
fn not_made(word: &str) -> Option<&'static str> {
    Some(match word {
        "held" => text!("problem-held"),
        "not_held" => text!("problem-not-held"),
        "already_finished" => text!("problem-already-finished"),
        "assigned_to_other" => text!("problem-assigned-to-other"),
        "for_leads" => text!("problem-for-leads"),
        "for_team" => text!("problem-for-team"),
        "cannot_assign" => text!("problem-cannot-assign"),
        "time_past" => text!("problem-time-past"),
        "pending" => text!("problem-pending"),
        "stale" => text!("problem-stale"),
        "undecided" => text!("problem-undecided"),
        "hard_edits" => text!("problem-hard-edits"),
        "unknown_entry" => text!("problem-unknown-entry"),
        "code_unknown" => text!("problem-code-unknown"),
        "code_missing" => text!("problem-code-missing"),
        "nothing_changed" => text!("problem-nothing-changed"),
        "nothing_designated" => text!("problem-nothing-designated"),
        "reason_missing" => text!("problem-reason-missing"),
        "name_missing" => text!("problem-name-missing"),
        "none_together" => text!("problem-none-together"),
        "nothing_to_undo" => text!("problem-nothing-to-undo"),
        "verdict_missing" => text!("problem-verdict-missing"),
        "review_refused" => text!("problem-review-refused"),
        "key_invalid" => text!("problem-key-invalid"),
        "key_twice" => text!("problem-key-twice"),
        "list_name" => text!("problem-list-name"),
        "too_many_lists" => text!("problem-too-many-lists"),
        "sample" => text!("problem-sample"),
        "settings" => text!("problem-settings"),
        "reference" => text!("problem-reference"),
        "shadow_running" => text!("problem-shadow-running"),
        "invalid" => text!("problem-invalid"),
        _ => return None,
    })
}

/// The sentence of an address's `notice` or `problem`.
pub(super) fn lookup(notice: Option<&str>, problem: Option<&str>) -> Option<Notice> {
    let of = |text: &'static str, is_problem| Notice { is_problem, text: Cow::Borrowed(text) };
    let found = problem.and_then(not_made).map(|text| of(text, true));
    found.or_else(|| notice.and_then(made).map(|text| of(text, false))).or_else(|| queries::said(notice, problem))
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
