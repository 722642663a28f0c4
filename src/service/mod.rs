//! What the JSON API and the pages share: the store, the engine, the clock, and the use cases over them.

mod access;
mod accounts;
mod chart;
mod clients;
mod code_book;
mod destinations;
mod learning;
mod messages;
mod movements;
mod notes;
mod oversight;
mod population;
mod queries;
mod queue;
mod reports;
mod second_reviews;
mod shadow;
mod sign_in;
mod sign_in_addresses;
mod site_lists;
mod site_packs;
mod tally;
mod trail;
mod vocabularies;
mod workbench;

pub use access::{BreakGlassError, Encounter};
pub use accounts::{AccountError, Accounts, NewToken};
pub use chart::ChartItem;
pub use clients::GrantError;
pub use code_book::find_codes;
pub use destinations::DestinationError;
pub use learning::{LEARNING_DAYS, Learning, ProposalError};
pub use messages::Replay;
pub use movements::Moving;
pub use notes::{Backlog, NoteAnswer, PostError};
pub use oversight::{DriftState, OversightSettings, ReferenceError, ThresholdReport, identity_of, may_be_live};
pub use queries::{QueryDraft, QueryError};
pub use queue::{DecideError, QueueItem};
pub use reports::{BacklogFigures, Report, ReportAsked};
pub use second_reviews::{MOST_OF_SAMPLE, ReviewedItem, SampleAsked};
pub use shadow::{Champion, MOST_ENCOUNTERS, Progress, SHADOW_DAYS, SHADOW_REPORTS, ShadowError, ShadowRun, ShadowRuns};
pub use sign_in::{CodesTaken, CredentialError, Entering, Proof, ProvedAtProvider, SESSION_COOKIES, SignIn, SignInSettings};
pub use site_lists::{ListError, SiteList, SiteReasons};
pub use site_packs::{Activate, PackError, PackState, TookPack, keep_pack, newest_pack};
pub use tally::{Counts, RefusedTo, Tally};
pub use trail::{ACCESS_COLUMNS, AccessError, AccessQuestion, AccessRows, access_rows, csv_of};
pub use vocabularies::{
    CodeChange, MakePipeline, MakeVectors, ReadTables, ReloadError, ReloadReport, Reloading, VocabularyControl,
};

pub use workbench::Workbench;

use std::sync::{Arc, atomic::AtomicBool};

use tokio::sync::Notify;

use crate::{
    auth::Scope,
    domain::{Surroundings, User},
    engine::Engine,
    network::{ClientCertificates, Reach},
    store::{Actor, Store, StoreError},
};

/// How long a coder's claim lasts without a sign of life.
pub const CLAIM_LEASE: jiff::SignedDuration = jiff::SignedDuration::from_mins(30);

/// The running service.
pub struct Service {
    /// Everything kept.
    pub store: Arc<dyn Store>,
    /// Extraction.
    pub engine: Arc<Engine>,
    /// Other vocabularies without a restart.
    pub vocabularies: VocabularyControl,
    /// Clock and identifiers.
    pub surroundings: Surroundings,
    /// Wakes the worker when a note was stored.
    pub wake: Arc<Notify>,
    /// Where destinations may lead.
    pub reach: Reach,
    /// Whose tokens work only together with a certificate.
    pub client_certificates: ClientCertificates,
    /// Where the service is reached from outside, without a slash at the end.
    pub public_url: String,
    /// How people are let in.
    pub sign_in: SignIn,
    /// Whether notes can be taken.
    pub backlog: Backlog,
    /// Whether the service is about to stop: it still answers, and should get no new requests.
    pub is_stopping: AtomicBool,
    /// Events that are counted before they are recorded.
    pub tally: Tally,
    /// What other models and vocabularies have to show.
    pub oversight: OversightSettings,
    /// Shadow runs that were started on the pages.
    pub shadow_runs: ShadowRuns,
    /// The longest note accepted, in bytes of UTF-8.
    pub max_note_bytes: usize,
    /// The zone of the times on the pages.
    pub time_zone: jiff::tz::TimeZone,
    /// Metrics in Prometheus text format.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

/// What is needed to take in what other systems send: the command line has it without an engine.
#[derive(Clone, Copy)]
pub struct Intake<'a> {
    /// Everything kept.
    pub store: &'a dyn Store,
    /// Clock and identifiers.
    pub surroundings: &'a Surroundings,
    /// Wakes the worker when a note was stored.
    pub wake: &'a Notify,
    /// Whether notes can be taken.
    pub backlog: &'a Backlog,
    /// The longest note accepted, in bytes of UTF-8.
    pub max_note_bytes: usize,
}

impl Service {
    /// The part that takes in what other systems send.
    #[must_use]
    pub fn intake(&self) -> Intake<'_> {
        Intake {
            store: &*self.store,
            surroundings: &self.surroundings,
            wake: &self.wake,
            backlog: &self.backlog,
            max_note_bytes: self.max_note_bytes,
        }
    }

    /// Records an access that changes nothing.
    ///
    /// # Errors
    /// When the store fails: an access that cannot be recorded is not given.
    pub async fn record(&self, user: &User, action: &str, subject: (&str, uuid::Uuid)) -> Result<(), StoreError> {
        self.store.record_audit(actor(user), action, Some(subject), "", self.surroundings.now()).await
    }
}

/// The user as an actor of the audit trail.
#[must_use]
pub fn actor(user: &User) -> Actor {
    Actor { user_id: Some(user.id), name: user.name.clone() }
}

fn visible(user: &User, scope: &Scope<'_>) -> bool {
    crate::auth::in_scope(user, scope)
}
