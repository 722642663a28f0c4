-- The schema as it stands after SQLite's step 12; later steps are twins of SQLite's. Instants are microseconds since 1970 (UTC), flags are
-- 0 and 1, words are those of the domain and compare byte by byte. "sealed" columns hold AES-256-GCM bound to (table, row, column) under the
-- row's data key; "data_key" columns hold that key, wrapped by a site key; "*_index" columns hold HMAC blind indexes. Nothing else here may
-- hold PHI.

CREATE TABLE site_secret (
    name    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    wrapped BYTEA NOT NULL
);

CREATE TABLE user_account (
    id              UUID NOT NULL PRIMARY KEY,
    name            TEXT COLLATE "C" NOT NULL UNIQUE,
    role            TEXT COLLATE "C" NOT NULL,
    source          TEXT COLLATE "C",
    facility        TEXT COLLATE "C",
    department      TEXT COLLATE "C",
    sees_restricted SMALLINT NOT NULL,
    disabled        SMALLINT NOT NULL,
    created_at      BIGINT NOT NULL
);

CREATE TABLE token (
    id         UUID NOT NULL PRIMARY KEY,
    user_id    UUID NOT NULL REFERENCES user_account (id),
    kind       TEXT COLLATE "C" NOT NULL,
    label      TEXT COLLATE "C" NOT NULL,
    hash       BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX token_of_user ON token (user_id, created_at);

CREATE TABLE patient (
    id             UUID NOT NULL PRIMARY KEY,
    identity_index BYTEA UNIQUE,                     -- (source, record number); NULL when the sender gave no number
    data_key       BYTEA NOT NULL,
    details        BYTEA NOT NULL,                   -- sealed: record number, name, birth date, sex
    created_at     BIGINT NOT NULL,
    merged_into    UUID REFERENCES patient (id),     -- what comes under this number belongs to that patient
    number_index   BYTEA                             -- (source, record number) where another patient has this number with another system
);
CREATE INDEX patient_merged ON patient (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX patient_of_number ON patient (number_index) WHERE number_index IS NOT NULL;

CREATE TABLE encounter (
    id              UUID NOT NULL PRIMARY KEY,
    encounter_index BYTEA NOT NULL,                  -- (source, encounter number)
    patient_id      UUID REFERENCES patient (id),
    data_key        BYTEA NOT NULL,
    external_id     BYTEA NOT NULL,                  -- sealed
    created_at      BIGINT NOT NULL
);
-- One encounter number used for two patients is two encounters: their notes must never share an item.
CREATE UNIQUE INDEX encounter_identity ON encounter (encounter_index, patient_id);
CREATE UNIQUE INDEX encounter_without_patient ON encounter (encounter_index) WHERE patient_id IS NULL;
CREATE INDEX encounter_of_patient ON encounter (patient_id) WHERE patient_id IS NOT NULL;

CREATE TABLE review_item (
    id               UUID NOT NULL PRIMARY KEY,
    encounter_id     UUID UNIQUE REFERENCES encounter (id),  -- NULL: a note without an encounter is its own item
    patient_id       UUID REFERENCES patient (id),
    encounter_class  TEXT COLLATE "C",
    facility         TEXT COLLATE "C",
    department       TEXT COLLATE "C",
    restricted       SMALLINT NOT NULL,
    state            TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'claimed', 'finished')),
    claimed_by       UUID REFERENCES user_account (id),
    claimed_until    BIGINT,
    revision         BIGINT NOT NULL,
    data_key         BYTEA NOT NULL,                 -- seals its decisions
    created_at       BIGINT NOT NULL,
    pended_until     BIGINT,                         -- open but laid aside until then; NULL = not laid aside
    assigned_to      UUID REFERENCES user_account (id),
    escalated        SMALLINT NOT NULL DEFAULT 0,    -- 1: only leads take it
    place_reason     TEXT COLLATE "C",               -- why it was laid aside or passed up: a stable word
    summary_revision BIGINT,                         -- the summary is stale while this is not revision
    waiting          BIGINT,
    unsure           BIGINT,
    alerts           BIGINT,
    hard_edits       BIGINT,
    prompts          BIGINT,
    payment          BIGINT,
    note_types       TEXT COLLATE "C",               -- words, separated by spaces
    service_from     TEXT COLLATE "C",
    service_to       TEXT COLLATE "C",
    benefit_order    BIGINT NOT NULL DEFAULT 0,      -- minus the expected benefit: the least comes first
    tallied_at       BIGINT,                         -- decisions up to then are counted
    CHECK ((state = 'claimed') = (claimed_by IS NOT NULL)),
    CHECK ((state = 'claimed') = (claimed_until IS NOT NULL))
);
CREATE INDEX review_item_queue ON review_item (created_at, id);
CREATE INDEX review_item_unfinished ON review_item (created_at, id) WHERE state <> 'finished';
CREATE INDEX review_item_of_patient ON review_item (patient_id) WHERE patient_id IS NOT NULL;
CREATE INDEX review_item_benefit ON review_item (benefit_order, created_at, id) WHERE state <> 'finished';
CREATE INDEX review_item_service ON review_item (coalesce(service_from, '9999'), created_at, id) WHERE state <> 'finished';
CREATE INDEX review_item_assigned ON review_item (assigned_to) WHERE assigned_to IS NOT NULL;
CREATE INDEX review_item_unsummarized ON review_item (id) WHERE summary_revision IS DISTINCT FROM revision;

CREATE TABLE note (
    id                  UUID NOT NULL PRIMARY KEY,
    item_id             UUID NOT NULL REFERENCES review_item (id),
    encounter_id        UUID REFERENCES encounter (id),
    patient_id          UUID REFERENCES patient (id),
    previous_id         UUID REFERENCES note (id),   -- the version before
    source              TEXT COLLATE "C" NOT NULL,
    identity_index      BYTEA,                       -- (source, external id); NULL when the sender gave no id
    version             TEXT COLLATE "C" NOT NULL,   -- '' when the sender gave none
    content_hash        BYTEA NOT NULL,              -- HMAC of the text, for equality
    data_key            BYTEA NOT NULL,
    text                BYTEA NOT NULL,              -- sealed
    external_id         BYTEA,                       -- sealed
    author              BYTEA,                       -- sealed
    note_type           TEXT COLLATE "C",
    encounter_class     TEXT COLLATE "C",
    service_date        TEXT COLLATE "C",
    facility            TEXT COLLATE "C",
    department          TEXT COLLATE "C",
    confidentiality     TEXT COLLATE "C" NOT NULL,
    status              TEXT COLLATE "C" NOT NULL CHECK (status IN ('pending', 'ready', 'quarantined')),
    quarantine_reason   TEXT COLLATE "C",
    received_at         BIGINT NOT NULL,
    discharge_date      TEXT COLLATE "C",            -- chooses the edition of the codes
    relation            TEXT COLLATE "C",            -- appends, replaces; NULL = a document of its own
    related_index       BYTEA,                       -- (source, external id) of the document it relates to
    related_external_id BYTEA,                       -- sealed
    versioned_at        BIGINT,                      -- the sender's instant; NULL = that of arrival
    standing            TEXT COLLATE "C" NOT NULL DEFAULT 'current' CHECK (standing IN ('current', 'replaced', 'retracted')),
    retracted_at        BIGINT                       -- the sender's instant of the retraction
);
CREATE UNIQUE INDEX note_identity ON note (identity_index, version) WHERE identity_index IS NOT NULL;
CREATE INDEX note_of_item ON note (item_id, received_at, id, status);
CREATE INDEX note_quarantined ON note (status) WHERE status = 'quarantined';
CREATE INDEX note_related ON note (related_index) WHERE related_index IS NOT NULL;
CREATE INDEX note_of_patient ON note (patient_id, received_at, id) WHERE patient_id IS NOT NULL;
CREATE INDEX note_of_encounter ON note (encounter_id, received_at, id) WHERE encounter_id IS NOT NULL;
CREATE INDEX note_of_source ON note (source);

CREATE TABLE job (
    id          UUID NOT NULL PRIMARY KEY,
    note_id     UUID NOT NULL REFERENCES note (id),
    state       TEXT COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'claimed', 'done', 'failed')),
    run_after   BIGINT NOT NULL,
    lease_until BIGINT,
    fence       BIGINT NOT NULL,
    tries       BIGINT NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE INDEX job_due ON job (created_at, id) WHERE state IN ('waiting', 'claimed');

CREATE TABLE extraction (
    id             UUID NOT NULL PRIMARY KEY,
    note_id        UUID NOT NULL REFERENCES note (id),
    live           SMALLINT NOT NULL,
    engine_version TEXT COLLATE "C" NOT NULL,
    model          TEXT COLLATE "C" NOT NULL,
    vocabulary     TEXT COLLATE "C" NOT NULL,
    edition        TEXT COLLATE "C" NOT NULL,
    edition_exact  SMALLINT NOT NULL,
    body           BYTEA NOT NULL,                   -- sealed with the note's data key: the contract's JSON
    recorded_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX extraction_live ON extraction (note_id) WHERE live = 1;
CREATE INDEX extraction_of_note ON extraction (note_id);

CREATE TABLE decision (
    id       UUID NOT NULL PRIMARY KEY,
    item_id  UUID NOT NULL REFERENCES review_item (id),
    position BIGINT NOT NULL,                        -- from 1 within the item
    user_id  UUID NOT NULL REFERENCES user_account (id),
    action   TEXT COLLATE "C" NOT NULL,
    at       BIGINT NOT NULL,
    body     BYTEA NOT NULL,                         -- sealed with the item's data key: the whole decision as JSON
    UNIQUE (item_id, position)
);

CREATE TABLE audit_event (
    sequence     BIGINT NOT NULL PRIMARY KEY,        -- without gaps, in the order of the commits
    at           BIGINT NOT NULL,
    actor_id     UUID,
    actor_name   TEXT COLLATE "C" NOT NULL,
    action       TEXT COLLATE "C" NOT NULL,
    subject_kind TEXT COLLATE "C" NOT NULL,
    subject_id   UUID,
    detail       TEXT COLLATE "C" NOT NULL
);
CREATE INDEX audit_overridden_edits ON audit_event (subject_id, sequence) WHERE action = 'edits.overridden';
CREATE INDEX audit_item_changes ON audit_event (subject_id, at) WHERE subject_kind = 'item' AND action <> 'item.read';
CREATE INDEX audit_of_subject ON audit_event (subject_id, sequence) WHERE subject_id IS NOT NULL;

-- What a sender's Idempotency-Key stood for, kept seven days.
CREATE TABLE idempotency_key (
    key_index  BYTEA NOT NULL PRIMARY KEY,           -- (token, key)
    body_hash  BYTEA NOT NULL,
    note_id    UUID NOT NULL REFERENCES note (id),
    created_at BIGINT NOT NULL
);
CREATE INDEX idempotency_key_age ON idempotency_key (created_at);

-- What goes out: destinations that an admin configured, and deliveries written in the transaction of their cause.
CREATE TABLE destination (
    id         UUID NOT NULL PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL UNIQUE,
    kind       TEXT COLLATE "C" NOT NULL,
    events     TEXT COLLATE "C" NOT NULL,            -- words of events, separated by spaces
    data_key   BYTEA NOT NULL,                       -- seals its settings and its deliveries
    settings   BYTEA NOT NULL,                       -- sealed: address, secret and the rest
    disabled   SMALLINT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Queries to providers. What is asked, about which entry, and what was answered is sealed with the data key of the item.
CREATE TABLE query (
    id      UUID NOT NULL PRIMARY KEY,
    item_id UUID NOT NULL REFERENCES review_item (id),
    user_id UUID NOT NULL REFERENCES user_account (id),      -- who drafted it
    at      BIGINT NOT NULL,
    state   TEXT COLLATE "C" NOT NULL CHECK (state IN ('draft', 'sent', 'answered', 'closed', 'withdrawn')),
    body    BYTEA NOT NULL                                   -- sealed: template, kind, entry, title, question, options, indicators
);
CREATE INDEX query_of_item ON query (item_id, at, id);

-- What was done with a query; its state is the fold of these.
CREATE TABLE query_act (
    id       UUID NOT NULL PRIMARY KEY,
    query_id UUID NOT NULL REFERENCES query (id),
    position BIGINT NOT NULL,                                -- from 1 within the query
    user_id  UUID NOT NULL REFERENCES user_account (id),
    act      TEXT COLLATE "C" NOT NULL CHECK (act IN ('send', 'answer', 'close', 'withdraw')),
    at       BIGINT NOT NULL,
    body     BYTEA NOT NULL,                                 -- sealed: answer, effect, comment
    UNIQUE (query_id, position)
);

CREATE TABLE delivery (
    sequence       BIGINT NOT NULL PRIMARY KEY,      -- the order in which a destination gets them
    id             UUID NOT NULL UNIQUE,
    destination_id UUID NOT NULL REFERENCES destination (id),
    event          TEXT COLLATE "C" NOT NULL,
    note_id        UUID REFERENCES note (id),
    item_id        UUID NOT NULL REFERENCES review_item (id),
    body           BYTEA,                            -- sealed: what is sent; NULL = the event alone
    state          TEXT COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'claimed', 'delivered', 'dead')),
    tries          BIGINT NOT NULL,
    run_after      BIGINT NOT NULL,
    lease_until    BIGINT,
    fence          BIGINT NOT NULL,
    problem        TEXT COLLATE "C",                 -- stable words of the last failure
    created_at     BIGINT NOT NULL,
    ended_at       BIGINT,
    query_id       UUID REFERENCES query (id)        -- which query it is about
);
CREATE INDEX delivery_due ON delivery (destination_id, sequence) WHERE state IN ('waiting', 'claimed');
CREATE INDEX delivery_dead ON delivery (sequence) WHERE state = 'dead';

-- Messages of other systems (HL7 version 2), to know one again and to look at those that could not be used.
CREATE TABLE message (
    id              UUID NOT NULL PRIMARY KEY,
    user_id         UUID NOT NULL REFERENCES user_account (id),
    source          TEXT COLLATE "C" NOT NULL,
    event           TEXT COLLATE "C" NOT NULL,
    identity_index  BYTEA,                           -- (source, sender, receiver, control id); NULL for a piece or one without a number
    content_hash    BYTEA NOT NULL,                  -- HMAC of the content, for equality
    data_key        BYTEA NOT NULL,
    identity        BYTEA,                           -- sealed: sender, receiver, control id
    content         BYTEA NOT NULL,                  -- sealed: as it came
    acknowledgement BYTEA NOT NULL,                  -- sealed: what was answered
    state           TEXT COLLATE "C" NOT NULL CHECK (state IN ('accepted', 'failed')),
    reason          TEXT COLLATE "C",
    note_id         UUID REFERENCES note (id),
    received_at     BIGINT NOT NULL,
    CHECK ((state = 'failed') = (reason IS NOT NULL))
);
CREATE UNIQUE INDEX message_identity ON message (identity_index, content_hash) WHERE identity_index IS NOT NULL;
CREATE INDEX message_failed ON message (received_at, id) WHERE state = 'failed';
CREATE INDEX message_of_time ON message (received_at, id);

-- Clients that prove who they are with a key of their own.
CREATE TABLE client_key (
    user_id    UUID NOT NULL PRIMARY KEY REFERENCES user_account (id),
    keys       TEXT COLLATE "C" NOT NULL,            -- JSON Web Key Set: public keys
    changed_at BIGINT NOT NULL
);

-- Assertions that were used, until they end by themselves.
CREATE TABLE used_assertion (
    hash       BYTEA NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);

-- What users said of an item as a whole: why they laid it aside, passed it up, gave it to somebody, put it back.
CREATE TABLE item_remark (
    id         UUID NOT NULL PRIMARY KEY,
    item_id    UUID NOT NULL REFERENCES review_item (id),
    position   BIGINT NOT NULL,                      -- from 1 within the item
    user_id    UUID NOT NULL REFERENCES user_account (id),
    kind       TEXT COLLATE "C" NOT NULL,
    reason     TEXT COLLATE "C",                     -- a stable word
    subject_id UUID REFERENCES user_account (id),    -- to whom it was given
    until      BIGINT,                               -- laid aside until then
    at         BIGINT NOT NULL,
    comment    BYTEA,                                -- sealed with the item's data key
    UNIQUE (item_id, position)
);

-- Which notes a user had on the screen.
CREATE TABLE note_seen (
    user_id UUID NOT NULL REFERENCES user_account (id),
    note_id UUID NOT NULL REFERENCES note (id),
    at      BIGINT NOT NULL,
    PRIMARY KEY (user_id, note_id)
);

-- What a user arranged for themselves: saved lists, keys, favourite codes, hidden suggestions.
CREATE TABLE user_preference (
    id       UUID NOT NULL PRIMARY KEY REFERENCES user_account (id),
    data_key BYTEA NOT NULL,
    body     BYTEA NOT NULL                          -- sealed JSON
);

-- What leads arranged for the site; nothing of a patient.
CREATE TABLE site_setting (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    body TEXT COLLATE "C" NOT NULL                   -- JSON
);

-- How suggestions ended, counted when their encounter is finished, by blind index: no row says of what.
CREATE TABLE suggestion_tally (
    suggestion BYTEA NOT NULL PRIMARY KEY,
    accepted   BIGINT NOT NULL,
    amended    BIGINT NOT NULL,
    rejected   BIGINT NOT NULL
);

-- Finished encounters that are looked at again by somebody else, and what came of it.
CREATE TABLE second_review (
    id          UUID NOT NULL PRIMARY KEY,
    item_id     UUID NOT NULL REFERENCES review_item (id),
    revision    BIGINT NOT NULL,                     -- of the item when it was drawn
    coder_id    UUID NOT NULL REFERENCES user_account (id),
    blinded     SMALLINT NOT NULL,
    drawn_at    BIGINT NOT NULL,
    reviewer_id UUID REFERENCES user_account (id),
    reviewed_at BIGINT,
    worksheet   BYTEA,                               -- sealed with the item's data key: JSON
    CHECK ((reviewer_id IS NULL) = (reviewed_at IS NULL)),
    CHECK ((reviewer_id IS NULL) = (worksheet IS NULL))
);
CREATE UNIQUE INDEX second_review_of_revision ON second_review (item_id, revision);
CREATE INDEX second_review_waiting ON second_review (drawn_at, id) WHERE reviewed_at IS NULL;
CREATE INDEX second_review_done ON second_review (reviewed_at, id) WHERE reviewed_at IS NOT NULL;

-- What is sealed does not shrink; nobody tries.
ALTER TABLE note ALTER COLUMN text SET STORAGE EXTERNAL;
ALTER TABLE extraction ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE decision ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE delivery ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE message ALTER COLUMN content SET STORAGE EXTERNAL;
ALTER TABLE second_review ALTER COLUMN worksheet SET STORAGE EXTERNAL;

-- What is append-only stays so even when the program has a fault.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE TRIGGER decision_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON decision EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_event EXECUTE FUNCTION refuse_change();
CREATE TRIGGER remark_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON item_remark EXECUTE FUNCTION refuse_change();
CREATE TRIGGER query_act_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON query_act EXECUTE FUNCTION refuse_change();
-- Of a query nothing but its state changes; of a note its text never.
CREATE TRIGGER query_is_immutable BEFORE UPDATE OF id, item_id, user_id, at, body ON query EXECUTE FUNCTION refuse_change();
CREATE TRIGGER query_is_not_deleted BEFORE DELETE OR TRUNCATE ON query EXECUTE FUNCTION refuse_change();
CREATE TRIGGER note_text_is_immutable BEFORE UPDATE OF text, content_hash ON note EXECUTE FUNCTION refuse_change();

-- Who waits for jobs is woken when the transaction that adds one commits. Only a wake-up: nothing rests on its arrival.
CREATE FUNCTION wake_for_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('abstractor_job', '');
    RETURN NULL;
END $$;
CREATE TRIGGER job_wakes AFTER INSERT ON job FOR EACH STATEMENT EXECUTE FUNCTION wake_for_job();
