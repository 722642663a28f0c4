-- What users prove who they are with beside tokens: a password, a second factor. One row a user; what is NULL is not there.
CREATE TABLE user_credential (
    id                  UUID NOT NULL PRIMARY KEY REFERENCES user_account (id),
    data_key            BYTEA NOT NULL,
    password            BYTEA,                       -- sealed: argon2id as a PHC string
    password_changed_at BIGINT,
    factor              BYTEA,                       -- sealed: the secret of one-time passwords (TOTP)
    factor_confirmed_at BIGINT,                      -- NULL while its enrolment is not confirmed
    factor_step         BIGINT                       -- the last step used; no step is used twice
);

-- Codes for whoever has lost the second factor, each once.
CREATE TABLE recovery_code (
    user_id  UUID NOT NULL REFERENCES user_account (id),
    position BIGINT NOT NULL,
    hash     BYTEA NOT NULL,
    used_at  BIGINT,
    PRIMARY KEY (user_id, position)
);

-- Failed tries in a row, by the blind index of a login name, whether or not there is such a user.
CREATE TABLE sign_in_failure (
    name_index    BYTEA NOT NULL PRIMARY KEY,
    failures      BIGINT NOT NULL,
    failed_at     BIGINT NOT NULL,
    blocked_until BIGINT NOT NULL
);
CREATE INDEX sign_in_failure_at ON sign_in_failure (failed_at);

-- Tries with names and codes that nobody has, until they are told in one event.
CREATE TABLE unknown_sign_in (
    id    BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    since BIGINT NOT NULL,
    tries BIGINT NOT NULL
);

-- Who gave a password or code and still has to show the second factor, for some minutes.
CREATE TABLE sign_in_step (
    hash       BYTEA NOT NULL PRIMARY KEY,
    user_id    UUID NOT NULL REFERENCES user_account (id),
    how        TEXT COLLATE "C" NOT NULL,            -- what the first step was: password, code, token
    expires_at BIGINT NOT NULL
);

-- When a token was used last, to a minute; of a session: when its user last did something, and last proved who they are (NULL = when it began).
ALTER TABLE token ADD COLUMN used_at BIGINT;
ALTER TABLE token ADD COLUMN proved_at BIGINT;
