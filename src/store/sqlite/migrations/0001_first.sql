-- The first schema. Ids are 16 bytes (UUID), instants are microseconds since 1970 (UTC), words are those of the domain.
-- "sealed" columns hold AES-256-GCM bound to (table, row, column) under the row's data key; "data_key" columns hold that
-- key, wrapped by a site key; "*_index" columns hold HMAC blind indexes. Nothing else here may hold PHI.

CREATE TABLE site_secret (
    name    TEXT NOT NULL PRIMARY KEY,
    wrapped BLOB NOT NULL
) STRICT;

CREATE TABLE user_account (
    id             BLOB NOT NULL PRIMARY KEY,
    name           TEXT NOT NULL UNIQUE,
    role           TEXT NOT NULL,
    source         TEXT,
    facility       TEXT,
    department     TEXT,
    sees_restricted INTEGER NOT NULL,
    disabled       INTEGER NOT NULL,
    created_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE token (
    id         BLOB NOT NULL PRIMARY KEY,
    user_id    BLOB NOT NULL REFERENCES user_account (id),
    kind       TEXT NOT NULL,
    label      TEXT NOT NULL,
    hash       BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE INDEX token_of_user ON token (user_id, created_at);

CREATE TABLE patient (
    id             BLOB NOT NULL PRIMARY KEY,
    identity_index BLOB UNIQUE,          -- (source, record number); NULL when the sender gave no number
    data_key       BLOB NOT NULL,
    details        BLOB NOT NULL,        -- sealed: record number, name, birth date, sex
    created_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE encounter (
    id              BLOB NOT NULL PRIMARY KEY,
    encounter_index BLOB NOT NULL,       -- (source, encounter number)
    patient_id      BLOB REFERENCES patient (id),
    data_key        BLOB NOT NULL,
    external_id     BLOB NOT NULL,       -- sealed
    created_at      INTEGER NOT NULL
) STRICT;
-- One encounter number used for two patients is two encounters: their notes must never share an item.
CREATE UNIQUE INDEX encounter_identity ON encounter (encounter_index, patient_id);
CREATE UNIQUE INDEX encounter_without_patient ON encounter (encounter_index) WHERE patient_id IS NULL;

CREATE TABLE review_item (
    id              BLOB NOT NULL PRIMARY KEY,
    encounter_id    BLOB UNIQUE REFERENCES encounter (id),   -- NULL: a note without an encounter is its own item
    patient_id      BLOB REFERENCES patient (id),
    encounter_class TEXT,
    facility        TEXT,
    department      TEXT,
    restricted      INTEGER NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('open', 'claimed', 'finished')),
    claimed_by      BLOB REFERENCES user_account (id),
    claimed_until   INTEGER,
    revision        INTEGER NOT NULL,
    data_key        BLOB NOT NULL,       -- seals its decisions
    created_at      INTEGER NOT NULL,
    CHECK ((state = 'claimed') = (claimed_by IS NOT NULL)),
    CHECK ((state = 'claimed') = (claimed_until IS NOT NULL))
) STRICT;
CREATE INDEX review_item_queue ON review_item (created_at, id);
CREATE INDEX review_item_unfinished ON review_item (created_at, id) WHERE state <> 'finished';

CREATE TABLE note (
    id                BLOB NOT NULL PRIMARY KEY,
    item_id           BLOB NOT NULL REFERENCES review_item (id),
    encounter_id      BLOB REFERENCES encounter (id),
    patient_id        BLOB REFERENCES patient (id),
    previous_id       BLOB REFERENCES note (id),             -- the version before
    source            TEXT NOT NULL,
    identity_index    BLOB,              -- (source, external id); NULL when the sender gave no id
    version           TEXT NOT NULL,     -- '' when the sender gave none
    content_hash      BLOB NOT NULL,     -- HMAC of the text, for equality
    data_key          BLOB NOT NULL,
    text              BLOB NOT NULL,     -- sealed
    external_id       BLOB,              -- sealed
    author            BLOB,              -- sealed
    note_type         TEXT,
    encounter_class   TEXT,
    service_date      TEXT,
    facility          TEXT,
    department        TEXT,
    confidentiality   TEXT NOT NULL,
    status            TEXT NOT NULL CHECK (status IN ('pending', 'ready', 'quarantined')),
    quarantine_reason TEXT,
    received_at       INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX note_identity ON note (identity_index, version) WHERE identity_index IS NOT NULL;
CREATE INDEX note_of_item ON note (item_id, received_at, id, status);
CREATE INDEX note_quarantined ON note (status) WHERE status = 'quarantined';

CREATE TABLE job (
    id          BLOB NOT NULL PRIMARY KEY,
    note_id     BLOB NOT NULL REFERENCES note (id),
    state       TEXT NOT NULL CHECK (state IN ('waiting', 'claimed', 'done', 'failed')),
    run_after   INTEGER NOT NULL,
    lease_until INTEGER,
    fence       INTEGER NOT NULL,
    tries       INTEGER NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX job_due ON job (created_at, id) WHERE state IN ('waiting', 'claimed');

CREATE TABLE extraction (
    id             BLOB NOT NULL PRIMARY KEY,
    note_id        BLOB NOT NULL REFERENCES note (id),
    live           INTEGER NOT NULL,
    engine_version TEXT NOT NULL,
    model          TEXT NOT NULL,
    vocabulary     TEXT NOT NULL,
    edition        TEXT NOT NULL,
    edition_exact  INTEGER NOT NULL,
    body           BLOB NOT NULL,        -- sealed with the note's data key: the contract's JSON
    recorded_at    INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX extraction_live ON extraction (note_id) WHERE live = 1;
CREATE INDEX extraction_of_note ON extraction (note_id);

CREATE TABLE decision (
    id        BLOB NOT NULL PRIMARY KEY,
    item_id   BLOB NOT NULL REFERENCES review_item (id),
    position  INTEGER NOT NULL,          -- from 1 within the item
    user_id   BLOB NOT NULL REFERENCES user_account (id),
    action    TEXT NOT NULL,
    at        INTEGER NOT NULL,
    body      BLOB NOT NULL,             -- sealed with the item's data key: the whole decision as JSON
    UNIQUE (item_id, position)
) STRICT;

CREATE TABLE audit_event (
    sequence     INTEGER NOT NULL PRIMARY KEY,
    at           INTEGER NOT NULL,
    actor_id     BLOB,
    actor_name   TEXT NOT NULL,
    action       TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id   BLOB,
    detail       TEXT NOT NULL
) STRICT;

-- What is append-only stays so even when the program has a fault.
CREATE TRIGGER decision_is_not_updated BEFORE UPDATE ON decision BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;
CREATE TRIGGER decision_is_not_deleted BEFORE DELETE ON decision BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;
CREATE TRIGGER audit_is_not_updated BEFORE UPDATE ON audit_event BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit_event BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END;
CREATE TRIGGER note_text_is_not_updated BEFORE UPDATE OF text, content_hash ON note
    BEGIN SELECT RAISE(ABORT, 'the text of a note is immutable'); END;
