-- What seals the audit trail. The events stay as they are; the sealer, which works behind them, writes a link for each: a random salt, the
-- commitment to who did it (actor_id, actor_name, salt), and the hash over the link before and the event. src/store/sql/trail/hashes.rs says
-- which bytes those are. Whose name was erased has no salt, and the erasure is signed. Nothing here may hold PHI.
CREATE TABLE audit_link (
    sequence BIGINT NOT NULL PRIMARY KEY,    -- of the event
    salt     BYTEA,                          -- 16 bytes; NULL = who did it was erased
    actor    BYTEA NOT NULL,                 -- the commitment
    hash     BYTEA NOT NULL,
    erasure  BYTEA,                          -- the signature of the erasure
    CHECK ((salt IS NULL) = (erasure IS NOT NULL))
);

-- Signed every thousand events, and at least every minute in which there were some. Those with pruned_at are where the trail begins, since
-- the events up to them were removed.
CREATE TABLE audit_checkpoint (
    sequence   BIGINT NOT NULL PRIMARY KEY,  -- of the last event that it seals
    hash       BYTEA NOT NULL,               -- of that event's link
    sealed_at  BIGINT NOT NULL,
    public_key BYTEA NOT NULL,
    signature  BYTEA NOT NULL,
    pruned_at  BIGINT,
    pruning    BYTEA,                        -- the signature of the removal
    CHECK ((pruned_at IS NULL) = (pruning IS NULL))
);

-- Who seals, so that several servers do not do it at once.
CREATE TABLE audit_sealer (
    name       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    holder     UUID NOT NULL,
    held_until BIGINT NOT NULL
);

CREATE TRIGGER audit_link_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_link EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_checkpoint_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoint EXECUTE FUNCTION refuse_change();

-- Reports of accesses: by whom, of which kind, when. Each grows at its end, or at a few places.
CREATE INDEX audit_of_actor ON audit_event (actor_name, at, sequence);
CREATE INDEX audit_of_action ON audit_event (action, at, sequence);
CREATE INDEX audit_of_time ON audit_event (at, sequence);
