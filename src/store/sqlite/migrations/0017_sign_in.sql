-- What users prove who they are with beside tokens: a password, a second factor. One row a user; what is NULL is not there.
CREATE TABLE user_credential (
    id                  BLOB NOT NULL PRIMARY KEY REFERENCES user_account (id),
    data_key            BLOB NOT NULL,
    password            BLOB,            -- sealed: argon2id as a PHC string
    password_changed_at INTEGER,
    factor              BLOB,            -- sealed: the secret of one-time passwords (TOTP)
    factor_confirmed_at INTEGER,         -- NULL while its enrolment is not confirmed
    factor_step         INTEGER          -- the last step used; no step is used twice
) STRICT;

-- Codes for whoever has lost the second factor, each once.
CREATE TABLE recovery_code (
    user_id  BLOB NOT NULL REFERENCES user_account (id),
    position INTEGER NOT NULL,
    hash     BLOB NOT NULL,
    used_at  INTEGER,
    PRIMARY KEY (user_id, position)
) STRICT;

-- Failed tries in a row, by the blind index of a login name, whether or not there is such a user.
CREATE TABLE sign_in_failure (
    name_index    BLOB NOT NULL PRIMARY KEY,
    failures      INTEGER NOT NULL,
    failed_at     INTEGER NOT NULL,
    blocked_until INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_in_failure_at ON sign_in_failure (failed_at);

-- Tries with names and codes that nobody has, until they are told in one event.
CREATE TABLE unknown_sign_in (
    id    INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    since INTEGER NOT NULL,
    tries INTEGER NOT NULL
) STRICT;

-- Who gave a password or code and still has to show the second factor, for some minutes.
CREATE TABLE sign_in_step (
    hash       BLOB NOT NULL PRIMARY KEY,
    user_id    BLOB NOT NULL REFERENCES user_account (id),
    how        TEXT NOT NULL,            -- what the first step was: password, code, token
    expires_at INTEGER NOT NULL
) STRICT;

-- When a token was used last, to a minute; of a session: when its user last did something, and last proved who they are (NULL = when it began).
ALTER TABLE token ADD COLUMN used_at INTEGER;
ALTER TABLE token ADD COLUMN proved_at INTEGER;
