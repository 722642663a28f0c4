-- Finished encounters that are looked at again by somebody else, and what came of it.
CREATE TABLE second_review (
    id          BLOB NOT NULL PRIMARY KEY,
    item_id     BLOB NOT NULL REFERENCES review_item (id),
    revision    INTEGER NOT NULL,          -- of the item when it was drawn
    coder_id    BLOB NOT NULL REFERENCES user_account (id),
    blinded     INTEGER NOT NULL,
    drawn_at    INTEGER NOT NULL,
    reviewer_id BLOB REFERENCES user_account (id),
    reviewed_at INTEGER,
    worksheet   BLOB,                      -- sealed with the item's data key: JSON
    CHECK ((reviewer_id IS NULL) = (reviewed_at IS NULL)),
    CHECK ((reviewer_id IS NULL) = (worksheet IS NULL))
) STRICT;
CREATE UNIQUE INDEX second_review_of_revision ON second_review (item_id, revision);
CREATE INDEX second_review_waiting ON second_review (drawn_at, id) WHERE reviewed_at IS NULL;
CREATE INDEX second_review_done ON second_review (reviewed_at, id) WHERE reviewed_at IS NOT NULL;
