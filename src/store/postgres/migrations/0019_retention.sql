-- Data at rest to its end: what was destroyed, what must not be, who knows which site keys, and whose worker sweeps.
-- Of what was destroyed the row stays, its sealed columns and its data key empty; this says what, when and why, by our ids alone.
CREATE TABLE tombstone (
    kind       TEXT COLLATE "C" NOT NULL,            -- table of the row
    subject_id UUID NOT NULL,
    reason     TEXT COLLATE "C" NOT NULL,            -- a stable word
    actor      TEXT COLLATE "C" NOT NULL,            -- login name
    at         BIGINT NOT NULL,
    PRIMARY KEY (kind, subject_id)
);
CREATE TRIGGER tombstone_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tombstone EXECUTE FUNCTION refuse_change();

ALTER TABLE note ADD COLUMN purged_at BIGINT;
ALTER TABLE note ADD COLUMN purge_reason TEXT COLLATE "C";
-- The record number that it came with, before merges; NULL = the patient's own. A merge that is taken back goes by it.
ALTER TABLE note ADD COLUMN came_with UUID REFERENCES patient (id);
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
    item_id UUID NOT NULL PRIMARY KEY REFERENCES review_item (id),
    is_open BIGINT NOT NULL
);

-- What must be kept, whatever else says that it goes.
CREATE TABLE legal_hold (
    id          UUID NOT NULL PRIMARY KEY,
    kind        TEXT COLLATE "C" NOT NULL CHECK (kind IN ('patient', 'encounter', 'note')),
    subject_id  UUID NOT NULL,                       -- patient, review item, note
    reason      TEXT COLLATE "C" NOT NULL,           -- a stable word, such as the number of a case
    actor       TEXT COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL,
    released_by TEXT COLLATE "C",
    released_at BIGINT,
    CHECK ((released_by IS NULL) = (released_at IS NULL))
);
CREATE INDEX legal_hold_stands ON legal_hold (subject_id) WHERE released_at IS NULL;
CREATE FUNCTION end_hold_alone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.released_at IS NULL
        AND to_jsonb(OLD) - 'released_by' - 'released_at' = to_jsonb(NEW) - 'released_by' - 'released_at' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE TRIGGER legal_hold_is_not_changed BEFORE UPDATE OR DELETE ON legal_hold FOR EACH ROW EXECUTE FUNCTION end_hold_alone();
CREATE TRIGGER legal_hold_is_not_emptied BEFORE TRUNCATE ON legal_hold EXECUTE FUNCTION refuse_change();

-- Which site keys a running process knows, by their ids, the one that wraps first: nothing is wrapped by a key that one of them lacks.
CREATE TABLE key_holder (
    id      UUID NOT NULL PRIMARY KEY,
    keys    TEXT COLLATE "C" NOT NULL,
    seen_at BIGINT NOT NULL
);

-- Work that one process does at a time.
CREATE TABLE work_lease (
    name        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    holder      UUID NOT NULL,
    lease_until BIGINT NOT NULL
);

-- The purge alone may write what is immutable otherwise: of a note it empties text, hash and key at once and for good, of what an item seals
-- it writes the sealed bytes and nothing else, while the permit of the item is open.
CREATE FUNCTION purge_note_alone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.purged_at IS NULL AND NEW.purged_at IS NOT NULL
        AND length(NEW.text) = 0 AND length(NEW.content_hash) = 0 AND length(NEW.data_key) = 0 THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;
END $$;
DROP TRIGGER note_text_is_immutable ON note;
CREATE TRIGGER note_text_is_immutable BEFORE UPDATE OF text, content_hash ON note FOR EACH ROW EXECUTE FUNCTION purge_note_alone();
CREATE FUNCTION refuse_row_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE TRIGGER note_purge_stands BEFORE UPDATE OF purged_at, purge_reason, data_key ON note FOR EACH ROW
    WHEN (OLD.purged_at IS NOT NULL) EXECUTE FUNCTION refuse_row_change();

-- The argument names the sealed column.
CREATE FUNCTION purge_sealed_alone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(OLD) - TG_ARGV[0] = to_jsonb(NEW) - TG_ARGV[0] AND EXISTS (
        SELECT 1 FROM purge_permit p WHERE p.is_open = 1 AND p.item_id = CASE TG_TABLE_NAME
            WHEN 'query_act' THEN (SELECT q.item_id FROM query q WHERE q.id = (to_jsonb(OLD) ->> 'query_id')::uuid)
            ELSE (to_jsonb(OLD) ->> 'item_id')::uuid END) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;
END $$;
DROP TRIGGER decision_is_append_only ON decision;
CREATE TRIGGER decision_is_append_only BEFORE UPDATE OR DELETE ON decision FOR EACH ROW EXECUTE FUNCTION purge_sealed_alone('body');
CREATE TRIGGER decision_is_not_emptied BEFORE TRUNCATE ON decision EXECUTE FUNCTION refuse_change();
DROP TRIGGER remark_is_append_only ON item_remark;
CREATE TRIGGER remark_is_append_only BEFORE UPDATE OR DELETE ON item_remark FOR EACH ROW EXECUTE FUNCTION purge_sealed_alone('comment');
CREATE TRIGGER remark_is_not_emptied BEFORE TRUNCATE ON item_remark EXECUTE FUNCTION refuse_change();
DROP TRIGGER query_act_is_append_only ON query_act;
CREATE TRIGGER query_act_is_append_only BEFORE UPDATE OR DELETE ON query_act FOR EACH ROW EXECUTE FUNCTION purge_sealed_alone('body');
CREATE TRIGGER query_act_is_not_emptied BEFORE TRUNCATE ON query_act EXECUTE FUNCTION refuse_change();
DROP TRIGGER query_is_immutable ON query;
CREATE TRIGGER query_is_immutable BEFORE UPDATE OF id, item_id, user_id, at, body ON query FOR EACH ROW
    EXECUTE FUNCTION purge_sealed_alone('body');
