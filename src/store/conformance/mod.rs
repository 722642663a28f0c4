//! What every store must do: one suite of cases against the traits, run by each adapter.
//!
//! An adapter's tests call `conformance!(open)`, where `open().await` gives a fresh store behind the traits and something to
//! keep alive meanwhile.

pub(crate) mod access;
pub(crate) mod accounts;
pub(crate) mod lineage;
pub(crate) mod messages;
pub(crate) mod notes;
pub(crate) mod outbox;
pub(crate) mod outcomes;
pub(crate) mod oversight;
pub(crate) mod patients;
pub(crate) mod proposals;
pub(crate) mod queries;
pub(crate) mod reports;
pub(crate) mod retention;
pub(crate) mod review;
pub(crate) mod searches;
pub(crate) mod sign_in;
pub(crate) mod site_packs;
pub(crate) mod trail;
pub(crate) mod workbench;

use std::sync::atomic::{AtomicU32, Ordering};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Actor, AddNote, ClaimedJob, ItemRecord, Store};
use crate::domain::{EngineVersion, Extraction, NewNote, OffsetUnit, Patient, Role, User};

/// One test for each case of the suite.
macro_rules! conformance {
    ($open:path) => {
        crate::store::conformance::conformance!(@module $open, notes:
            what_is_posted_is_read_back, posting_again_is_the_same_note, identity_rules, blank_identity_is_always_new,
            two_hundred_posts_at_once_make_one_note, sources_do_not_share_identities, a_patient_keeps_what_is_known,
            a_job_is_claimed_once, an_expired_lease_is_claimed_again, a_stale_fence_records_nothing,
            recording_makes_the_note_ready, a_retry_waits, quarantine_blocks_nobody, a_note_comes_out_of_quarantine, counts, sources_are_claimed_in_turn, a_claim_is_given_back,
            a_clock_that_went_back_holds_nothing_up);
        crate::store::conformance::conformance!(@module $open, lineage:
            the_newest_version_counts, versions_count_in_the_order_they_were_made, an_addendum_joins_and_both_count,
            a_replacement_stands_in_its_place, a_replaced_note_leaves_its_item, a_retraction_closes_the_item,
            a_retraction_reopens_what_is_left, a_word_for_a_request, a_word_sent_at_once_makes_one_note);
        crate::store::conformance::conformance!(@module $open, outbox:
            destinations, every_event_is_written_with_its_cause, deliveries_go_in_their_order,
            a_disabled_destination_gets_nothing);
        crate::store::conformance::conformance!(@module $open, review:
            notes_of_an_encounter_share_an_item, a_number_of_two_patients_is_two_items, a_first_patient_is_taken_over,
            lifecycle, one_holder_at_a_time, an_expired_claim_is_open, renewing_keeps_the_revision,
            changes_need_the_claim, a_stale_revision_changes_nothing, decisions_are_all_or_nothing,
            finishing_waits_for_extraction, a_new_note_reopens, a_lead_puts_items_back, the_list_is_filtered_and_paged);
        crate::store::conformance::conformance!(@module $open, workbench:
            what_is_laid_aside_comes_back, what_is_passed_up_is_for_leads, remarks_are_kept, summaries_follow_the_revision,
            rules_send_items_when_they_are_summarised,
            lists_are_narrowed_and_ordered, what_moves_while_one_pages_is_not_left_out, a_team_works_on_its_own, seen_notes_are_the_users_own, arrangements_are_kept, suggestions_are_counted_once,
            a_history_tells_what_changed, a_second_look_is_recorded_once,
            a_sample_is_drawn_of_what_is_finished, a_report_counts_what_its_reader_may_see);
        crate::store::conformance::conformance!(@module $open, outcomes: outcomes_are_read_by_time_and_scope);
        crate::store::conformance::conformance!(@module $open, reports:
            what_waits_is_told_by_what_is_alike_and_by_age, what_came_and_went_is_counted_by_quarters_of_an_hour,
            the_steps_of_items_are_told_in_their_order, queries_are_reported_when_they_were_touched_or_wait);
        crate::store::conformance::conformance!(@module $open, searches:
            notes_are_found_by_what_their_sender_calls_them, a_number_of_two_systems_is_two_patients,
            a_search_stays_in_its_scope, patients_are_found_in_their_scope, pages_of_notes_follow_each_other, changes_of_an_item_are_dated,
            reads_are_recorded_together);
        crate::store::conformance::conformance!(@module $open, accounts:
            users, a_token_works_until_revoked, a_token_expires, a_token_is_of_one_kind, a_disabled_user_has_no_tokens,
            a_sign_in_works_once, an_assertion_is_used_once, a_derived_key_is_of_its_duty, the_audit_trail_has_no_gaps);
        crate::store::conformance::conformance!(@module $open, access:
            labels_stick_to_the_encounter, versions_are_labelled_alike, a_note_that_comes_again_is_never_less_restricted, what_is_labelled_is_for_who_is_cleared,
            a_source_is_a_limit, an_own_record_is_found_through_merges, nothing_of_an_own_record_is_listed,
            glass_is_broken_for_an_hour, accesses_are_looked_at_once, clearances_are_kept_and_told);
        crate::store::conformance::conformance!(@module $open, sign_in:
            a_password_is_kept_and_taken_away, a_second_factor_from_enrolment_to_loss, tries_wait_after_some_failures,
            failed_tries_are_told, sessions_end_idle_and_in_time, a_first_step_works_once_and_for_a_while,
            a_token_is_followed_by_another);
        crate::store::conformance::conformance!(@module $open, site_packs:
            a_version_comes_on_top_of_the_newest, versions_added_at_once_are_one, what_is_live_is_the_newest_activation,
            the_last_shadow_run_of_a_version_counts, packs_have_keys_of_their_own);
        crate::store::conformance::conformance!(@module $open, proposals: what_was_decided_on_proposals_is_kept);
        crate::store::conformance::conformance!(@module $open, messages:
            a_message_is_read_back, a_message_is_known_again, the_same_message_at_once_is_kept_once,
            failed_messages_are_listed_and_paged, a_failed_message_is_settled);
        crate::store::conformance::conformance!(@module $open, patients:
            authorities_are_kept_apart, demographics_are_brought_up_to_date, a_merge_links_everything_to_the_survivor,
            merges_of_numbers_that_are_not_known, an_encounter_of_both_stays_two_items);
        crate::store::conformance::conformance!(@module $open, retention:
            a_purged_encounter_leaves_tombstones_alone, an_encounter_that_goes_on_keeps_what_rests_on_other_notes,
            a_document_goes_with_its_versions, nothing_under_hold_is_purged, what_is_due_is_finished_and_not_held,
            a_merge_is_taken_back, one_process_has_a_lease, site_keys_in_use_are_told, what_is_kept_beside_notes_and_encounters_is_told);
        crate::store::conformance::conformance!(@module $open, queries:
            a_draft_is_written_anew, a_query_from_draft_to_closing, a_draft_needs_the_claim, acts_keep_to_the_state, answers_given_at_once_are_one,
            destinations_hear_of_queries);
        crate::store::conformance::conformance!(@module $open, oversight:
            a_drift_is_told_once_until_it_is_acknowledged, a_reference_is_what_was_said_last, shadow_reports_are_kept,
            the_live_engine_is_known, what_is_about_no_encounter_is_told_whoever_asks);
        crate::store::conformance::conformance!(@module $open, trail:
            accesses_of_a_thing_and_what_belongs_to_it, accesses_by_user_kind_and_time, pages_of_accesses_follow_each_other);
    };
    (@module $open:path, $module:ident: $($case:ident),* $(,)?) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    let (store, _kept) = $open().await;
                    crate::store::conformance::$module::$case(store).await;
                }
            )*
        }
    };
}
pub(crate) use conformance;

/// A fresh id; the tests' own, so that a failure prints the same ids each time for each order of calls.
pub(crate) fn id() -> Uuid {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0000 + u128::from(NEXT.fetch_add(1, Ordering::Relaxed)))
}

/// An instant: seconds after the tests' beginning.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + seconds).expect("a time of this century")
}

pub(crate) const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// A note with this text and nothing else.
pub(crate) fn text(text: &str) -> NewNote {
    NewNote { text: text.to_owned(), source: "emr".to_owned(), ..NewNote::default() }
}

/// A note with an identity.
pub(crate) fn identified(external_id: &str, version: Option<&str>, words: &str) -> NewNote {
    NewNote { external_id: Some(external_id.to_owned()), version: version.map(str::to_owned), ..text(words) }
}

/// A note of an encounter of a patient.
pub(crate) fn of_encounter(encounter: &str, patient: Option<&str>, words: &str) -> NewNote {
    let patient = patient.map(|id| Patient { id: id.to_owned(), ..Patient::default() });
    NewNote { encounter: Some(encounter.to_owned()), patient, ..text(words) }
}

/// An extraction that found nothing.
pub(crate) fn extraction(note: Uuid) -> Extraction {
    Extraction {
        note_id: note.to_string(),
        offset_unit: OffsetUnit::Utf8,
        engine: EngineVersion {
            version: "0.1.0".to_owned(),
            model: "test".to_owned(),
            vocabulary: "test".to_owned(),
            edition: "ICD-10-CM FY2026".to_owned(),
            edition_exact: true,
            site_pack: None,
        },
        sections: Vec::new(),
        boilerplate: Vec::new(),
        medications: Vec::new(),
        alerts: Vec::new(),
        entries: Vec::new(),
        spans: Vec::new(),
    }
}

/// Posts a note that must be new.
pub(crate) async fn post(store: &dyn Store, note: NewNote, seconds: i64) -> Uuid {
    match store.add_note(id(), note.into(), Actor::service(), at(seconds)).await.expect("stores") {
        AddNote::Created { id } => id,
        other => panic!("not new: {other:?}"),
    }
}

/// The review item of a note.
pub(crate) async fn item_of(store: &dyn Store, note: Uuid, seconds: i64) -> ItemRecord {
    let note = store.note(note).await.expect("reads").expect("is there");
    store.item(note.item_id, at(seconds)).await.expect("reads").expect("is there")
}

/// Claims the one due job.
pub(crate) async fn claim_one(store: &dyn Store, seconds: i64) -> ClaimedJob {
    let mut jobs = store.claim_jobs(10, MINUTE, at(seconds)).await.expect("claims");
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    jobs.remove(0)
}

/// Extracts everything that is due.
pub(crate) async fn extract_all(store: &dyn Store, seconds: i64) {
    for job in store.claim_jobs(1000, MINUTE, at(seconds)).await.expect("claims") {
        assert!(store.record_extraction(&job, extraction(job.note_id), at(seconds)).await.expect("records"));
    }
}

/// A new user in the store.
pub(crate) async fn user(store: &dyn Store, name: &str, role: Role) -> User {
    let user = User::new(id(), name, role);
    assert!(store.add_user(user.clone(), Actor::service(), at(0)).await.expect("adds"));
    user
}
