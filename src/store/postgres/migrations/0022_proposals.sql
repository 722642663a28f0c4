-- What leads decided on what the site's reviews proposed. What was proposed is sealed: it has words of notes.
CREATE TABLE proposal_decision (
    id             UUID NOT NULL PRIMARY KEY,
    verdict        TEXT COLLATE "C" NOT NULL CHECK (verdict IN ('approved', 'declined')),
    data_key       BYTEA NOT NULL,
    body           BYTEA NOT NULL,        -- sealed: the change as JSON
    support        BIGINT NOT NULL,     -- entries that spoke for it
    saved          BIGINT NOT NULL,
    broken         BIGINT NOT NULL,
    encounters_read BIGINT,
    pack_version   BIGINT REFERENCES site_pack (version),
    actor_id       UUID REFERENCES user_account (id),
    actor          TEXT COLLATE "C" NOT NULL,
    at             BIGINT NOT NULL
);
CREATE INDEX proposal_decision_at ON proposal_decision (at);
CREATE TRIGGER proposal_decision_is_immutable
    BEFORE UPDATE OF id, verdict, body, support, saved, broken, encounters_read, pack_version, actor_id, actor, at ON proposal_decision
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER proposal_decision_is_not_deleted BEFORE DELETE OR TRUNCATE ON proposal_decision EXECUTE FUNCTION refuse_change();
