-- Data at rest to its end: what was destroyed, what must not be, who knows which site keys, and whose worker sweeps.
-- Of what was destroyed the row stays, its sealed columns and its data key empty; this says what, when and why, by our ids alone.
CREATE TABLE tombstone (
    kind       TEXT NOT NULL,             -- table of the row
    subject_id BLOB NOT NULL,
    reason     TEXT NOT NULL,             -- a stable word
    actor      TEXT NOT NULL,             -- login name
    at         INTEGER NOT NULL,
    PRIMARY KEY (kind, subject_id)
) STRICT;
CREATE TRIGGER tombstone_is_not_updated BEFORE UPDATE ON tombstone BEGIN SELECT RAISE(ABORT, 'tombstones are append-only'); END;
CREATE TRIGGER tombstone_is_not_deleted BEFORE DELETE ON tombstone BEGIN SELECT RAISE(ABORT, 'tombstones are append-only'); END;

ALTER TABLE note ADD COLUMN purged_at INTEGER;
ALTER TABLE note ADD COLUMN purge_reason TEXT;
-- The record number that it came with, before merges; NULL = the patient's own. A merge that is taken back goes by it.
ALTER TABLE note ADD COLUMN came_with BLOB REFERENCES patient (id);
CREATE INDEX note_came_with ON note (came_with) WHERE came_with IS NOT NULL;
-- What a sweep looks for: notes by the day of discharge or service, else by their arrival.
CREATE INDEX note_kept_of_day ON note (coalesce(discharge_date, service_date), id)
    WHERE purged_at IS NULL AND coalesce(discharge_date, service_date) IS NOT NULL;
CREATE INDEX note_kept_of_arrival ON note (received_at, id) WHERE purged_at IS NULL AND coalesce(discharge_date, service_date) IS NULL;
CREATE INDEX message_of_note ON message (note_id) WHERE note_id IS NOT NULL;
CREATE INDEX delivery_of_item ON delivery (item_id);
CREATE INDEX idempotency_key_of_note ON idempotency_key (note_id);

-- Open while a purge destroys or seals anew what an item holds, within its transaction alone: nobody else ever sees it open.
CREATE TABLE purge_permit (
    item_id BLOB NOT NULL PRIMARY KEY REFERENCES review_item (id),
    is_open INTEGER NOT NULL
) STRICT;

-- What must be kept, whatever else says that it goes.
CREATE TABLE legal_hold (
    id          BLOB NOT NULL PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (kind IN ('patient', 'encounter', 'note')),
    subject_id  BLOB NOT NULL,            -- patient, review item, note
    reason      TEXT NOT NULL,            -- a stable word, such as the number of a case
    actor       TEXT NOT NULL,
    at          INTEGER NOT NULL,
    released_by TEXT,
    released_at INTEGER,
    CHECK ((released_by IS NULL) = (released_at IS NULL))
) STRICT;
CREATE INDEX legal_hold_stands ON legal_hold (subject_id) WHERE released_at IS NULL;
CREATE TRIGGER legal_hold_is_not_changed BEFORE UPDATE ON legal_hold
    WHEN OLD.released_at IS NOT NULL OR NEW.id <> OLD.id OR NEW.kind <> OLD.kind OR NEW.subject_id <> OLD.subject_id
         OR NEW.reason <> OLD.reason OR NEW.actor <> OLD.actor OR NEW.at <> OLD.at
    BEGIN SELECT RAISE(ABORT, 'of a legal hold nothing but its end is written'); END;
CREATE TRIGGER legal_hold_is_not_deleted BEFORE DELETE ON legal_hold BEGIN SELECT RAISE(ABORT, 'legal holds are append-only'); END;

-- Which site keys a running process knows, by their ids, the one that wraps first: nothing is wrapped by a key that one of them lacks.
CREATE TABLE key_holder (
    id      BLOB NOT NULL PRIMARY KEY,
    keys    TEXT NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT;

-- Work that one process does at a time.
CREATE TABLE work_lease (
    name        TEXT NOT NULL PRIMARY KEY,
    holder      BLOB NOT NULL,
    lease_until INTEGER NOT NULL
) STRICT;

-- The purge alone may write what is immutable otherwise: of a note it empties text, hash and key at once and for good, of what an item seals
-- it writes the sealed bytes and nothing else, while the permit of the item is open.
DROP TRIGGER note_text_is_not_updated;
CREATE TRIGGER note_text_is_not_updated BEFORE UPDATE OF text, content_hash ON note
    WHEN NOT (OLD.purged_at IS NULL AND NEW.purged_at IS NOT NULL
              AND length(NEW.text) = 0 AND length(NEW.content_hash) = 0 AND length(NEW.data_key) = 0)
    BEGIN SELECT RAISE(ABORT, 'the text of a note is immutable'); END;
CREATE TRIGGER note_purge_stands BEFORE UPDATE OF purged_at, purge_reason, data_key ON note WHEN OLD.purged_at IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'what was purged stays purged'); END;

DROP TRIGGER decision_is_not_updated;
CREATE TRIGGER decision_is_not_updated BEFORE UPDATE ON decision
    WHEN NOT (EXISTS (SELECT 1 FROM purge_permit WHERE item_id = OLD.item_id AND is_open = 1)
              AND NEW.id = OLD.id AND NEW.item_id = OLD.item_id AND NEW.position = OLD.position AND NEW.user_id = OLD.user_id
              AND NEW.action = OLD.action AND NEW.at = OLD.at)
    BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;

DROP TRIGGER remark_is_not_updated;
CREATE TRIGGER remark_is_not_updated BEFORE UPDATE ON item_remark
    WHEN NOT (EXISTS (SELECT 1 FROM purge_permit WHERE item_id = OLD.item_id AND is_open = 1)
              AND NEW.id = OLD.id AND NEW.item_id = OLD.item_id AND NEW.position = OLD.position AND NEW.user_id = OLD.user_id
              AND NEW.kind = OLD.kind AND NEW.reason IS OLD.reason AND NEW.subject_id IS OLD.subject_id AND NEW.until IS OLD.until
              AND NEW.at = OLD.at)
    BEGIN SELECT RAISE(ABORT, 'remarks are append-only'); END;

DROP TRIGGER query_is_not_changed;
CREATE TRIGGER query_is_not_changed BEFORE UPDATE OF id, item_id, user_id, at, body ON query
    WHEN NOT (EXISTS (SELECT 1 FROM purge_permit WHERE item_id = OLD.item_id AND is_open = 1)
              AND NEW.id = OLD.id AND NEW.item_id = OLD.item_id AND NEW.user_id = OLD.user_id AND NEW.at = OLD.at)
    BEGIN SELECT RAISE(ABORT, 'what a query asks is immutable'); END;

DROP TRIGGER query_act_is_not_updated;
CREATE TRIGGER query_act_is_not_updated BEFORE UPDATE ON query_act
    WHEN NOT (EXISTS (SELECT 1 FROM purge_permit p JOIN query q ON q.item_id = p.item_id WHERE q.id = OLD.query_id AND p.is_open = 1)
              AND NEW.id = OLD.id AND NEW.query_id = OLD.query_id AND NEW.position = OLD.position AND NEW.user_id = OLD.user_id
              AND NEW.act = OLD.act AND NEW.at = OLD.at)
    BEGIN SELECT RAISE(ABORT, 'acts on queries are append-only'); END;
