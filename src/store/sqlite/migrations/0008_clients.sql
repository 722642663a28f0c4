-- Clients that prove who they are with a key of their own.
CREATE TABLE client_key (
    user_id    BLOB NOT NULL PRIMARY KEY REFERENCES user_account (id),
    keys       TEXT NOT NULL,            -- JSON Web Key Set: public keys
    changed_at INTEGER NOT NULL
) STRICT;

-- Assertions that were used, until they end by themselves.
CREATE TABLE used_assertion (
    hash       BLOB NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT;
