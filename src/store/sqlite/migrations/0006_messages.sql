-- Messages of other systems (HL7 version 2), to know one again and to look at those that could not be used.
CREATE TABLE message (
    id              BLOB NOT NULL PRIMARY KEY,
    user_id         BLOB NOT NULL REFERENCES user_account (id),
    source          TEXT NOT NULL,
    event           TEXT NOT NULL,
    identity_index  BLOB,                -- (source, sender, receiver, control id); NULL for a piece of a message or one without a number
    content_hash    BLOB NOT NULL,       -- HMAC of the content, for equality
    data_key        BLOB NOT NULL,
    identity        BLOB,                -- sealed: sender, receiver, control id
    content         BLOB NOT NULL,       -- sealed: as it came
    acknowledgement BLOB NOT NULL,       -- sealed: what was answered
    state           TEXT NOT NULL CHECK (state IN ('accepted', 'failed')),
    reason          TEXT,
    note_id         BLOB REFERENCES note (id),
    received_at     INTEGER NOT NULL,
    CHECK ((state = 'failed') = (reason IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX message_identity ON message (identity_index, content_hash) WHERE identity_index IS NOT NULL;
CREATE INDEX message_failed ON message (received_at, id) WHERE state = 'failed';
CREATE INDEX message_of_time ON message (received_at, id);

-- A record number that was merged into another: what comes under it belongs to that one.
ALTER TABLE patient ADD COLUMN merged_into BLOB REFERENCES patient (id);
CREATE INDEX patient_merged ON patient (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX encounter_of_patient ON encounter (patient_id) WHERE patient_id IS NOT NULL;
CREATE INDEX review_item_of_patient ON review_item (patient_id) WHERE patient_id IS NOT NULL;
