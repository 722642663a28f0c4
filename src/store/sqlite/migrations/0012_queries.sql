-- Queries to providers. What is asked, about which entry, and what was answered is sealed with the data key of the item.
CREATE TABLE query (
    id      BLOB NOT NULL PRIMARY KEY,
    item_id BLOB NOT NULL REFERENCES review_item (id),
    user_id BLOB NOT NULL REFERENCES user_account (id),     -- who drafted it
    at      INTEGER NOT NULL,
    state   TEXT NOT NULL CHECK (state IN ('draft', 'sent', 'answered', 'closed', 'withdrawn')),
    body    BLOB NOT NULL                                   -- sealed: template, kind, entry, title, question, options, indicators
) STRICT;
CREATE INDEX query_of_item ON query (item_id, at, id);

-- What was done with a query; its state is the fold of these.
CREATE TABLE query_act (
    id       BLOB NOT NULL PRIMARY KEY,
    query_id BLOB NOT NULL REFERENCES query (id),
    position INTEGER NOT NULL,                              -- from 1 within the query
    user_id  BLOB NOT NULL REFERENCES user_account (id),
    act      TEXT NOT NULL CHECK (act IN ('send', 'answer', 'close', 'withdraw')),
    at       INTEGER NOT NULL,
    body     BLOB NOT NULL,                                 -- sealed: answer, effect, comment
    UNIQUE (query_id, position)
) STRICT;

-- Of a query nothing but its state changes; of its acts nothing.
CREATE TRIGGER query_is_not_changed BEFORE UPDATE OF id, item_id, user_id, at, body ON query
    BEGIN SELECT RAISE(ABORT, 'what a query asks is immutable'); END;
CREATE TRIGGER query_is_not_deleted BEFORE DELETE ON query BEGIN SELECT RAISE(ABORT, 'queries are append-only'); END;
CREATE TRIGGER query_act_is_not_updated BEFORE UPDATE ON query_act BEGIN SELECT RAISE(ABORT, 'acts on queries are append-only'); END;
CREATE TRIGGER query_act_is_not_deleted BEFORE DELETE ON query_act BEGIN SELECT RAISE(ABORT, 'acts on queries are append-only'); END;

-- Which query a delivery is about.
ALTER TABLE delivery ADD COLUMN query_id BLOB REFERENCES query (id);
