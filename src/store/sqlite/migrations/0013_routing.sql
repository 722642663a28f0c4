-- How urgent an encounter is, who pays, which team works on it; and when its place in an ordered list changed last, so that a reader who pages
-- through the list is shown what moved past them.
ALTER TABLE review_item ADD COLUMN priority INTEGER NOT NULL DEFAULT 3;  -- 0 stat, 1 asap, 2 urgent, 3 routine
ALTER TABLE review_item ADD COLUMN payer_class TEXT;
ALTER TABLE review_item ADD COLUMN team TEXT;                            -- by name; NULL = whoever takes it
ALTER TABLE review_item ADD COLUMN ordered_at INTEGER;
CREATE INDEX review_item_priority ON review_item (priority, created_at, id) WHERE state <> 'finished';
CREATE INDEX review_item_team ON review_item (team, created_at, id) WHERE team IS NOT NULL;
-- Lists of what is finished, and of everything, in an order; and lists of one department.
CREATE INDEX review_item_by_benefit ON review_item (benefit_order, created_at, id);
CREATE INDEX review_item_by_service ON review_item (coalesce(service_from, '9999'), created_at, id);
CREATE INDEX review_item_by_priority ON review_item (priority, created_at, id);
CREATE INDEX review_item_department ON review_item (department, created_at, id) WHERE department IS NOT NULL;
CREATE INDEX review_item_ordered ON review_item (ordered_at) WHERE ordered_at IS NOT NULL;

-- Lists that leads and admins of the site keep: reasons, templates of queries, teams. A change is another version; none is lost.
CREATE TABLE site_list (
    name     TEXT NOT NULL,
    version  INTEGER NOT NULL,             -- from 1
    body     TEXT NOT NULL,                -- JSON; nothing of a patient
    actor_id BLOB REFERENCES user_account (id),
    actor    TEXT NOT NULL,                -- login name
    at       INTEGER NOT NULL,
    PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER site_list_is_not_updated BEFORE UPDATE ON site_list BEGIN SELECT RAISE(ABORT, 'site lists are append-only'); END;
CREATE TRIGGER site_list_is_not_deleted BEFORE DELETE ON site_list BEGIN SELECT RAISE(ABORT, 'site lists are append-only'); END;

-- How many encounters of a coder were drawn on a day.
CREATE INDEX second_review_of_coder ON second_review (coder_id, drawn_at);

-- A draft of a query is written anew by an act, too: the table is made again with a wider check, and holds what it held.
CREATE TABLE query_act_wider (
    id       BLOB NOT NULL PRIMARY KEY,
    query_id BLOB NOT NULL REFERENCES query (id),
    position INTEGER NOT NULL,                              -- from 1 within the query
    user_id  BLOB NOT NULL REFERENCES user_account (id),
    act      TEXT NOT NULL CHECK (act IN ('revise', 'send', 'answer', 'close', 'withdraw')),
    at       INTEGER NOT NULL,
    body     BLOB NOT NULL,                                 -- sealed: what is asked now, answer, effect, comment
    UNIQUE (query_id, position)
) STRICT;
INSERT INTO query_act_wider (id, query_id, position, user_id, act, at, body)
    SELECT id, query_id, position, user_id, act, at, body FROM query_act ORDER BY rowid;
DROP TABLE query_act;
ALTER TABLE query_act_wider RENAME TO query_act;
CREATE TRIGGER query_act_is_not_updated BEFORE UPDATE ON query_act BEGIN SELECT RAISE(ABORT, 'acts on queries are append-only'); END;
CREATE TRIGGER query_act_is_not_deleted BEFORE DELETE ON query_act BEGIN SELECT RAISE(ABORT, 'acts on queries are append-only'); END;
