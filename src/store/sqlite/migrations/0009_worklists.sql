-- Where an item stands beyond open, claimed and finished, and what the lists say of it.
ALTER TABLE review_item ADD COLUMN pended_until INTEGER;                 -- open but laid aside until then; NULL = not laid aside
ALTER TABLE review_item ADD COLUMN assigned_to BLOB REFERENCES user_account (id);
ALTER TABLE review_item ADD COLUMN escalated INTEGER NOT NULL DEFAULT 0; -- 1: only leads take it
ALTER TABLE review_item ADD COLUMN place_reason TEXT;                    -- why it was laid aside or passed up: a stable word

-- Worked out from its entries; stale while summary_revision is not revision.
ALTER TABLE review_item ADD COLUMN summary_revision INTEGER;
ALTER TABLE review_item ADD COLUMN waiting INTEGER;
ALTER TABLE review_item ADD COLUMN unsure INTEGER;
ALTER TABLE review_item ADD COLUMN alerts INTEGER;
ALTER TABLE review_item ADD COLUMN hard_edits INTEGER;
ALTER TABLE review_item ADD COLUMN prompts INTEGER;
ALTER TABLE review_item ADD COLUMN payment INTEGER;
ALTER TABLE review_item ADD COLUMN note_types TEXT;                      -- words, separated by spaces
ALTER TABLE review_item ADD COLUMN service_from TEXT;
ALTER TABLE review_item ADD COLUMN service_to TEXT;
ALTER TABLE review_item ADD COLUMN benefit_order INTEGER NOT NULL DEFAULT 0; -- minus the expected benefit: the least comes first
CREATE INDEX review_item_benefit ON review_item (benefit_order, created_at, id) WHERE state <> 'finished';
CREATE INDEX review_item_service ON review_item (coalesce(service_from, '9999'), created_at, id) WHERE state <> 'finished';
CREATE INDEX review_item_assigned ON review_item (assigned_to) WHERE assigned_to IS NOT NULL;
CREATE INDEX review_item_unsummarized ON review_item (id) WHERE summary_revision IS NOT revision;

-- What users said of an item as a whole: why they laid it aside, passed it up, gave it to somebody, put it back.
CREATE TABLE item_remark (
    id         BLOB NOT NULL PRIMARY KEY,
    item_id    BLOB NOT NULL REFERENCES review_item (id),
    position   INTEGER NOT NULL,          -- from 1 within the item
    user_id    BLOB NOT NULL REFERENCES user_account (id),
    kind       TEXT NOT NULL,
    reason     TEXT,                      -- a stable word
    subject_id BLOB REFERENCES user_account (id), -- to whom it was given
    until      INTEGER,                   -- laid aside until then
    at         INTEGER NOT NULL,
    comment    BLOB,                      -- sealed with the item's data key
    UNIQUE (item_id, position)
) STRICT;
CREATE TRIGGER remark_is_not_updated BEFORE UPDATE ON item_remark BEGIN SELECT RAISE(ABORT, 'remarks are append-only'); END;
CREATE TRIGGER remark_is_not_deleted BEFORE DELETE ON item_remark BEGIN SELECT RAISE(ABORT, 'remarks are append-only'); END;
