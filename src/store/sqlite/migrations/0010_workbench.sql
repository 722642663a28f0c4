-- Which notes a user had on the screen.
CREATE TABLE note_seen (
    user_id BLOB NOT NULL REFERENCES user_account (id),
    note_id BLOB NOT NULL REFERENCES note (id),
    at      INTEGER NOT NULL,
    PRIMARY KEY (user_id, note_id)
) STRICT, WITHOUT ROWID;

-- What a user arranged for themselves: saved lists, keys, favourite codes, hidden suggestions.
CREATE TABLE user_preference (
    id       BLOB NOT NULL PRIMARY KEY REFERENCES user_account (id),
    data_key BLOB NOT NULL,
    body     BLOB NOT NULL             -- sealed JSON
) STRICT;

-- What leads arranged for the site; nothing of a patient.
CREATE TABLE site_setting (
    name TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL                 -- JSON
) STRICT;

-- How suggestions ended, counted when their encounter is finished, by blind index: no row says of what.
CREATE TABLE suggestion_tally (
    suggestion BLOB NOT NULL,
    accepted   INTEGER NOT NULL,
    amended    INTEGER NOT NULL,
    rejected   INTEGER NOT NULL,
    PRIMARY KEY (suggestion)
) STRICT, WITHOUT ROWID;
-- Decisions up to then are counted.
ALTER TABLE review_item ADD COLUMN tallied_at INTEGER;

-- The trail of one thing: its history, and who saw it.
CREATE INDEX audit_of_subject ON audit_event (subject_id, sequence) WHERE subject_id IS NOT NULL;
