-- What the site taught the engine, as whole packs that are never edited; which one is live, by rows that are only added; and what shadow runs said.
CREATE TABLE site_pack (
    id       UUID NOT NULL PRIMARY KEY,
    version  BIGINT NOT NULL UNIQUE,
    data_key BYTEA NOT NULL,
    body     BYTEA NOT NULL,       -- sealed: the pack as JSON
    note     BYTEA NOT NULL,       -- sealed: what its maker says of it
    changed  TEXT COLLATE "C" NOT NULL, -- counts and our own words alone
    actor_id UUID REFERENCES user_account (id),
    actor    TEXT COLLATE "C" NOT NULL,
    at       BIGINT NOT NULL
);
CREATE TRIGGER site_pack_is_immutable BEFORE UPDATE OF id, version, body, note, changed, actor_id, actor, at ON site_pack
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER site_pack_is_not_deleted BEFORE DELETE OR TRUNCATE ON site_pack EXECUTE FUNCTION refuse_change();

CREATE TABLE site_pack_activation (
    id          UUID NOT NULL PRIMARY KEY,
    number      BIGINT NOT NULL UNIQUE,
    version     BIGINT REFERENCES site_pack (version), -- NULL = no pack from then on
    reason      TEXT COLLATE "C" NOT NULL,
    data_key    BYTEA NOT NULL,
    explanation BYTEA NOT NULL,       -- sealed: what an admin wrote who answers for it
    actor_id    UUID REFERENCES user_account (id),
    actor       TEXT COLLATE "C" NOT NULL,
    at          BIGINT NOT NULL
);
CREATE INDEX site_pack_activation_of_version ON site_pack_activation (version);
CREATE TRIGGER site_pack_activation_is_immutable BEFORE UPDATE OF id, number, version, reason, explanation, actor_id, actor, at ON site_pack_activation
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER site_pack_activation_is_not_deleted BEFORE DELETE OR TRUNCATE ON site_pack_activation EXECUTE FUNCTION refuse_change();

CREATE TABLE site_pack_shadow (
    version   BIGINT NOT NULL REFERENCES site_pack (version),
    report_id UUID NOT NULL,
    passed    BIGINT NOT NULL CHECK (passed IN (0, 1)),
    at        BIGINT NOT NULL,
    PRIMARY KEY (version, report_id)
);
CREATE TRIGGER site_pack_shadow_is_immutable BEFORE UPDATE OF version, report_id, passed, at ON site_pack_shadow
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER site_pack_shadow_is_not_deleted BEFORE DELETE OR TRUNCATE ON site_pack_shadow EXECUTE FUNCTION refuse_change();

-- Which version an extraction was made with; NULL = none. Beside engine, model and vocabulary.
ALTER TABLE extraction ADD COLUMN site_pack TEXT COLLATE "C";
