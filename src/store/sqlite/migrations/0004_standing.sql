-- Versions, addenda, replacements and retractions: which notes count, in the order in which their sender made them.
ALTER TABLE note ADD COLUMN relation TEXT;                           -- appends, replaces; NULL = a document of its own
ALTER TABLE note ADD COLUMN related_index BLOB;                      -- (source, external id) of the document it relates to
ALTER TABLE note ADD COLUMN related_external_id BLOB;                -- sealed
ALTER TABLE note ADD COLUMN versioned_at INTEGER;                    -- the sender's instant; NULL = that of arrival
ALTER TABLE note ADD COLUMN standing TEXT NOT NULL DEFAULT 'current'
    CHECK (standing IN ('current', 'replaced', 'retracted'));
ALTER TABLE note ADD COLUMN retracted_at INTEGER;                    -- the sender's instant of the retraction
CREATE INDEX note_related ON note (related_index) WHERE related_index IS NOT NULL;

UPDATE note SET standing = 'replaced' WHERE identity_index IS NOT NULL AND EXISTS (
    SELECT 1 FROM note AS later
    WHERE later.identity_index = note.identity_index AND (later.received_at, later.id) > (note.received_at, note.id));

-- What a sender's Idempotency-Key stood for, kept seven days.
CREATE TABLE idempotency_key (
    key_index  BLOB NOT NULL PRIMARY KEY,      -- (token, key)
    body_hash  BLOB NOT NULL,
    note_id    BLOB NOT NULL REFERENCES note (id),
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX idempotency_key_age ON idempotency_key (created_at);
