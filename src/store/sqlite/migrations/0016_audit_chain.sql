-- What seals the audit trail. The events stay as they are; the sealer, which works behind them, writes a link for each: a random salt, the
-- commitment to who did it (actor_id, actor_name, salt), and the hash over the link before and the event. src/store/sql/trail/hashes.rs says
-- which bytes those are. Whose name was erased has no salt, and the erasure is signed. Nothing here may hold PHI.
CREATE TABLE audit_link (
    sequence INTEGER NOT NULL PRIMARY KEY,   -- of the event
    salt     BLOB,                           -- 16 bytes; NULL = who did it was erased
    actor    BLOB NOT NULL,                  -- the commitment
    hash     BLOB NOT NULL,
    erasure  BLOB,                           -- the signature of the erasure
    CHECK ((salt IS NULL) = (erasure IS NOT NULL))
) STRICT;

-- Signed every thousand events, and at least every minute in which there were some. Those with pruned_at are where the trail begins, since
-- the events up to them were removed.
CREATE TABLE audit_checkpoint (
    sequence   INTEGER NOT NULL PRIMARY KEY, -- of the last event that it seals
    hash       BLOB NOT NULL,                -- of that event's link
    sealed_at  INTEGER NOT NULL,
    public_key BLOB NOT NULL,
    signature  BLOB NOT NULL,
    pruned_at  INTEGER,
    pruning    BLOB,                         -- the signature of the removal
    CHECK ((pruned_at IS NULL) = (pruning IS NULL))
) STRICT;

-- Who seals, so that several servers do not do it at once.
CREATE TABLE audit_sealer (
    name       TEXT NOT NULL PRIMARY KEY,
    holder     BLOB NOT NULL,
    held_until INTEGER NOT NULL
) STRICT;

CREATE TRIGGER audit_link_is_not_updated BEFORE UPDATE ON audit_link BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_link_is_not_deleted BEFORE DELETE ON audit_link BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_checkpoint_is_not_updated BEFORE UPDATE ON audit_checkpoint
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_checkpoint_is_not_deleted BEFORE DELETE ON audit_checkpoint
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

-- Reports of accesses: by whom, of which kind, when. Each grows at its end, or at a few places.
CREATE INDEX audit_of_actor ON audit_event (actor_name, at);
CREATE INDEX audit_of_action ON audit_event (action, at);
CREATE INDEX audit_of_time ON audit_event (at);
