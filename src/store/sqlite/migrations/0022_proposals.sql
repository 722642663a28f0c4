-- What leads decided on what the site's reviews proposed. What was proposed is sealed: it has words of notes.
CREATE TABLE proposal_decision (
    id             BLOB NOT NULL PRIMARY KEY,
    verdict        TEXT NOT NULL CHECK (verdict IN ('approved', 'declined')),
    data_key       BLOB NOT NULL,
    body           BLOB NOT NULL,        -- sealed: the change as JSON
    support        INTEGER NOT NULL,     -- entries that spoke for it
    saved          INTEGER NOT NULL,
    broken         INTEGER NOT NULL,
    encounters_read INTEGER,
    pack_version   INTEGER REFERENCES site_pack (version),
    actor_id       BLOB REFERENCES user_account (id),
    actor          TEXT NOT NULL,
    at             INTEGER NOT NULL
) STRICT;
CREATE INDEX proposal_decision_at ON proposal_decision (at);
CREATE TRIGGER proposal_decision_is_not_updated
    BEFORE UPDATE OF id, verdict, body, support, saved, broken, encounters_read, pack_version, actor_id, actor, at ON proposal_decision
    BEGIN SELECT RAISE(ABORT, 'decisions on proposals are append-only'); END;
CREATE TRIGGER proposal_decision_is_not_deleted BEFORE DELETE ON proposal_decision
    BEGIN SELECT RAISE(ABORT, 'decisions on proposals are append-only'); END;
