-- What goes out: destinations that an admin configured, and deliveries written in the transaction of their cause.
CREATE TABLE destination (
    id         BLOB NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    kind       TEXT NOT NULL,
    events     TEXT NOT NULL,            -- words of events, separated by spaces
    data_key   BLOB NOT NULL,            -- seals its settings and its deliveries
    settings   BLOB NOT NULL,            -- sealed: address, secret and the rest
    disabled   INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE delivery (
    sequence       INTEGER NOT NULL PRIMARY KEY,   -- the order in which a destination gets them
    id             BLOB NOT NULL UNIQUE,
    destination_id BLOB NOT NULL REFERENCES destination (id),
    event          TEXT NOT NULL,
    note_id        BLOB REFERENCES note (id),
    item_id        BLOB NOT NULL REFERENCES review_item (id),
    body           BLOB,                           -- sealed: what is sent; NULL = the event alone
    state          TEXT NOT NULL CHECK (state IN ('waiting', 'claimed', 'delivered', 'dead')),
    tries          INTEGER NOT NULL,
    run_after      INTEGER NOT NULL,
    lease_until    INTEGER,
    fence          INTEGER NOT NULL,
    problem        TEXT,                           -- stable words of the last failure
    created_at     INTEGER NOT NULL,
    ended_at       INTEGER
) STRICT;
CREATE INDEX delivery_due ON delivery (destination_id, sequence) WHERE state IN ('waiting', 'claimed');
CREATE INDEX delivery_dead ON delivery (sequence) WHERE state = 'dead';
