-- Who may see what: labels of notes and encounters as one integer of bits, what users are cleared for, the system that an encounter is of,
-- the records of users themselves, and accesses under broken glass. An encounter from before has no source here: that of its notes counts.
ALTER TABLE note ADD COLUMN labels INTEGER NOT NULL DEFAULT 0;
ALTER TABLE review_item ADD COLUMN labels INTEGER NOT NULL DEFAULT 0;
ALTER TABLE review_item ADD COLUMN source TEXT;
ALTER TABLE user_account ADD COLUMN clearances INTEGER NOT NULL DEFAULT 0;
CREATE INDEX review_item_open_source ON review_item (source, created_at, id) WHERE source IS NOT NULL AND state <> 'finished';

CREATE TABLE own_record (
    user_id      BLOB NOT NULL REFERENCES user_account (id),
    record_index BLOB NOT NULL,            -- (source, record number), as patients have it
    PRIMARY KEY (user_id, record_index)
) STRICT;

-- It stays when the encounter is gone, so it refers to none.
CREATE TABLE broken_glass (
    id              BLOB NOT NULL PRIMARY KEY,
    user_id         BLOB NOT NULL REFERENCES user_account (id),
    item_id         BLOB NOT NULL,
    reason          TEXT NOT NULL,
    data_key        BLOB NOT NULL,
    words           BLOB NOT NULL,         -- sealed
    at              INTEGER NOT NULL,
    until           INTEGER NOT NULL,
    acknowledged_by BLOB REFERENCES user_account (id),
    acknowledged_at INTEGER,
    CHECK ((acknowledged_by IS NULL) = (acknowledged_at IS NULL))
) STRICT;
CREATE INDEX broken_glass_of_user ON broken_glass (user_id, item_id, until);
CREATE INDEX broken_glass_at ON broken_glass (at, id);
