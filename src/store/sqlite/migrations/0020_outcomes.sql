-- How the entries of each encounter came out of review: what reports count and learning learns from. Worked out with the summary, and again
-- whenever the encounter changes; in clear are times alone.
CREATE TABLE item_outcome (
    id          BLOB NOT NULL PRIMARY KEY REFERENCES review_item (id),
    received_at INTEGER NOT NULL,          -- when the first note came
    finished_at INTEGER,                   -- when it was finished last; NULL while it is not
    body        BLOB NOT NULL              -- sealed with the item's data key: JSON; empty after a purge until it is worked out anew
) STRICT;
CREATE INDEX item_outcome_received ON item_outcome (received_at, id);
CREATE INDEX item_outcome_finished ON item_outcome (finished_at, id) WHERE finished_at IS NOT NULL;

ALTER TABLE review_item ADD COLUMN outcome_revision INTEGER;
CREATE INDEX review_item_undone ON review_item (id) WHERE summary_revision IS NOT revision OR outcome_revision IS NOT revision;
