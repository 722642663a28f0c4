-- Oversight of the engine: what drifts, what shadow runs came to, and which engine was live. Ids, numbers and stable words alone: nothing of a note.
CREATE TABLE drift_reference (
    id      UUID NOT NULL PRIMARY KEY,
    from_at BIGINT,                                  -- NULL = the reference goes along with time
    until   BIGINT,
    actor   TEXT COLLATE "C" NOT NULL,               -- login name
    at      BIGINT NOT NULL,
    CHECK ((from_at IS NULL) = (until IS NULL))
);
CREATE INDEX drift_reference_newest ON drift_reference (at);

CREATE TABLE drift_evaluation (
    id   UUID NOT NULL PRIMARY KEY,
    at   BIGINT NOT NULL,
    body TEXT COLLATE "C" NOT NULL                   -- JSON
);
CREATE INDEX drift_evaluation_newest ON drift_evaluation (at);

CREATE TABLE drift_alert (
    id              UUID NOT NULL PRIMARY KEY,
    evaluation_id   UUID NOT NULL REFERENCES drift_evaluation (id),
    measure         TEXT COLLATE "C" NOT NULL,
    at              BIGINT NOT NULL,
    seen_at         BIGINT NOT NULL,                 -- when an evaluation found it last
    body            TEXT COLLATE "C" NOT NULL,       -- JSON: what was found first
    acknowledged_by TEXT COLLATE "C",                -- login name
    acknowledged_at BIGINT,
    word            TEXT COLLATE "C",
    CHECK ((acknowledged_by IS NULL) = (acknowledged_at IS NULL) AND (acknowledged_by IS NULL) = (word IS NULL))
);
-- one alert of a measure waits at a time
CREATE UNIQUE INDEX drift_alert_waits ON drift_alert (measure) WHERE acknowledged_at IS NULL;
CREATE INDEX drift_alert_newest ON drift_alert (at);

CREATE TABLE shadow_report (
    id         UUID NOT NULL PRIMARY KEY,
    at         BIGINT NOT NULL,
    actor      TEXT COLLATE "C" NOT NULL,            -- login name
    verdict    TEXT COLLATE "C" NOT NULL,
    model      TEXT COLLATE "C" NOT NULL,            -- what was tried
    vocabulary TEXT COLLATE "C" NOT NULL,
    site_pack  BIGINT,
    body       TEXT COLLATE "C" NOT NULL             -- JSON
);
CREATE INDEX shadow_report_newest ON shadow_report (at);
CREATE INDEX shadow_report_of ON shadow_report (model, vocabulary);

CREATE TABLE live_engine (
    id         UUID NOT NULL PRIMARY KEY,
    at         BIGINT NOT NULL,
    version    TEXT COLLATE "C" NOT NULL,
    model      TEXT COLLATE "C" NOT NULL,
    vocabulary TEXT COLLATE "C" NOT NULL
);
CREATE INDEX live_engine_newest ON live_engine (at);

-- An event need not be about an encounter.
ALTER TABLE delivery ALTER COLUMN item_id DROP NOT NULL;
