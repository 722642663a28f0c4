-- Oversight of the engine: what drifts, what shadow runs came to, and which engine was live. Ids, numbers and stable words alone: nothing of a note.
CREATE TABLE drift_reference (
    id      BLOB NOT NULL PRIMARY KEY,
    from_at INTEGER,                       -- NULL = the reference goes along with time
    until   INTEGER,
    actor   TEXT NOT NULL,                 -- login name
    at      INTEGER NOT NULL,
    CHECK ((from_at IS NULL) = (until IS NULL))
) STRICT;
CREATE INDEX drift_reference_newest ON drift_reference (at);

CREATE TABLE drift_evaluation (
    id   BLOB NOT NULL PRIMARY KEY,
    at   INTEGER NOT NULL,
    body TEXT NOT NULL                     -- JSON
) STRICT;
CREATE INDEX drift_evaluation_newest ON drift_evaluation (at);

CREATE TABLE drift_alert (
    id              BLOB NOT NULL PRIMARY KEY,
    evaluation_id   BLOB NOT NULL REFERENCES drift_evaluation (id),
    measure         TEXT NOT NULL,
    at              INTEGER NOT NULL,
    seen_at         INTEGER NOT NULL,      -- when an evaluation found it last
    body            TEXT NOT NULL,         -- JSON: what was found first
    acknowledged_by TEXT,                  -- login name
    acknowledged_at INTEGER,
    word            TEXT,
    CHECK ((acknowledged_by IS NULL) = (acknowledged_at IS NULL) AND (acknowledged_by IS NULL) = (word IS NULL))
) STRICT;
-- one alert of a measure waits at a time
CREATE UNIQUE INDEX drift_alert_waits ON drift_alert (measure) WHERE acknowledged_at IS NULL;
CREATE INDEX drift_alert_newest ON drift_alert (at);

CREATE TABLE shadow_report (
    id         BLOB NOT NULL PRIMARY KEY,
    at         INTEGER NOT NULL,
    actor      TEXT NOT NULL,              -- login name
    verdict    TEXT NOT NULL,
    model      TEXT NOT NULL,              -- what was tried
    vocabulary TEXT NOT NULL,
    site_pack  INTEGER,
    body       TEXT NOT NULL               -- JSON
) STRICT;
CREATE INDEX shadow_report_newest ON shadow_report (at);
CREATE INDEX shadow_report_of ON shadow_report (model, vocabulary);

CREATE TABLE live_engine (
    id         BLOB NOT NULL PRIMARY KEY,
    at         INTEGER NOT NULL,
    version    TEXT NOT NULL,
    model      TEXT NOT NULL,
    vocabulary TEXT NOT NULL
) STRICT;
CREATE INDEX live_engine_newest ON live_engine (at);

-- An event need not be about an encounter. Nothing refers to deliveries, so the table is made anew as it was but for that.
CREATE TABLE delivery_anew (
    sequence       INTEGER NOT NULL PRIMARY KEY,   -- the order in which a destination gets them
    id             BLOB NOT NULL UNIQUE,
    destination_id BLOB NOT NULL REFERENCES destination (id),
    event          TEXT NOT NULL,
    note_id        BLOB REFERENCES note (id),
    item_id        BLOB REFERENCES review_item (id),
    body           BLOB,                           -- sealed: what is sent; NULL = the event alone
    state          TEXT NOT NULL CHECK (state IN ('waiting', 'claimed', 'delivered', 'dead')),
    tries          INTEGER NOT NULL,
    run_after      INTEGER NOT NULL,
    lease_until    INTEGER,
    fence          INTEGER NOT NULL,
    problem        TEXT,                           -- stable words of the last failure
    created_at     INTEGER NOT NULL,
    ended_at       INTEGER,
    query_id       BLOB REFERENCES query (id)
) STRICT;
INSERT INTO delivery_anew (sequence, id, destination_id, event, note_id, item_id, body, state, tries, run_after, lease_until, fence, problem,
                           created_at, ended_at, query_id)
    SELECT sequence, id, destination_id, event, note_id, item_id, body, state, tries, run_after, lease_until, fence, problem,
           created_at, ended_at, query_id FROM delivery;
DROP TABLE delivery;
ALTER TABLE delivery_anew RENAME TO delivery;
CREATE INDEX delivery_due ON delivery (destination_id, sequence) WHERE state IN ('waiting', 'claimed');
CREATE INDEX delivery_dead ON delivery (sequence) WHERE state = 'dead';
CREATE INDEX delivery_of_item ON delivery (item_id);
