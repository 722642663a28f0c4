-- How urgent an encounter is, who pays, which team works on it; and when its place in an ordered list changed last, so that a reader who pages
-- through the list is shown what moved past them.
ALTER TABLE review_item ADD COLUMN priority BIGINT NOT NULL DEFAULT 3;   -- 0 stat, 1 asap, 2 urgent, 3 routine
ALTER TABLE review_item ADD COLUMN payer_class TEXT COLLATE "C";
ALTER TABLE review_item ADD COLUMN team TEXT COLLATE "C";                -- by name; NULL = whoever takes it
ALTER TABLE review_item ADD COLUMN ordered_at BIGINT;
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
    name     TEXT COLLATE "C" NOT NULL,
    version  BIGINT NOT NULL,                        -- from 1
    body     TEXT COLLATE "C" NOT NULL,              -- JSON; nothing of a patient
    actor_id UUID REFERENCES user_account (id),
    actor    TEXT COLLATE "C" NOT NULL,              -- login name
    at       BIGINT NOT NULL,
    PRIMARY KEY (name, version)
);
CREATE TRIGGER site_list_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON site_list EXECUTE FUNCTION refuse_change();

-- How many encounters of a coder were drawn on a day.
CREATE INDEX second_review_of_coder ON second_review (coder_id, drawn_at);

-- A draft of a query is written anew by an act, too.
ALTER TABLE query_act DROP CONSTRAINT query_act_act_check;
ALTER TABLE query_act ADD CONSTRAINT query_act_act_check CHECK (act IN ('revise', 'send', 'answer', 'close', 'withdraw'));
