-- What the site taught the engine, as whole packs that are never edited; which one is live, by rows that are only added; and what shadow runs said.
CREATE TABLE site_pack (
    id       BLOB NOT NULL PRIMARY KEY,
    version  INTEGER NOT NULL UNIQUE,
    data_key BLOB NOT NULL,
    body     BLOB NOT NULL,        -- sealed: the pack as JSON
    note     BLOB NOT NULL,        -- sealed: what its maker says of it
    changed  TEXT NOT NULL,        -- counts and our own words alone
    actor_id BLOB REFERENCES user_account (id),
    actor    TEXT NOT NULL,
    at       INTEGER NOT NULL
) STRICT;
CREATE TRIGGER site_pack_is_not_updated BEFORE UPDATE OF id, version, body, note, changed, actor_id, actor, at ON site_pack
    BEGIN SELECT RAISE(ABORT, 'versions of a site pack are append-only'); END;
CREATE TRIGGER site_pack_is_not_deleted BEFORE DELETE ON site_pack BEGIN SELECT RAISE(ABORT, 'versions of a site pack are append-only'); END;

CREATE TABLE site_pack_activation (
    id          BLOB NOT NULL PRIMARY KEY,
    number      INTEGER NOT NULL UNIQUE,
    version     INTEGER REFERENCES site_pack (version), -- NULL = no pack from then on
    reason      TEXT NOT NULL,
    data_key    BLOB NOT NULL,
    explanation BLOB NOT NULL,        -- sealed: what an admin wrote who answers for it
    actor_id    BLOB REFERENCES user_account (id),
    actor       TEXT NOT NULL,
    at          INTEGER NOT NULL
) STRICT;
CREATE INDEX site_pack_activation_of_version ON site_pack_activation (version);
CREATE TRIGGER site_pack_activation_is_not_updated BEFORE UPDATE OF id, number, version, reason, explanation, actor_id, actor, at ON site_pack_activation
    BEGIN SELECT RAISE(ABORT, 'activations of a site pack are append-only'); END;
CREATE TRIGGER site_pack_activation_is_not_deleted BEFORE DELETE ON site_pack_activation BEGIN SELECT RAISE(ABORT, 'activations of a site pack are append-only'); END;

CREATE TABLE site_pack_shadow (
    version   INTEGER NOT NULL REFERENCES site_pack (version),
    report_id BLOB NOT NULL,
    passed    INTEGER NOT NULL CHECK (passed IN (0, 1)),
    at        INTEGER NOT NULL,
    PRIMARY KEY (version, report_id)
) STRICT;
CREATE TRIGGER site_pack_shadow_is_not_updated BEFORE UPDATE OF version, report_id, passed, at ON site_pack_shadow
    BEGIN SELECT RAISE(ABORT, 'shadow runs of a site pack are append-only'); END;
CREATE TRIGGER site_pack_shadow_is_not_deleted BEFORE DELETE ON site_pack_shadow BEGIN SELECT RAISE(ABORT, 'shadow runs of a site pack are append-only'); END;

-- Which version an extraction was made with; NULL = none. Beside engine, model and vocabulary.
ALTER TABLE extraction ADD COLUMN site_pack TEXT;
