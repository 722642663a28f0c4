-- Jobs are claimed from every source in turn, so that one with a million old notes holds up no other. Jobs from before, and those that an
-- older program writes meanwhile, have no source and share one turn.
ALTER TABLE job ADD COLUMN source TEXT NOT NULL DEFAULT '';
CREATE INDEX job_of_source ON job (source, created_at, id) WHERE state IN ('waiting', 'claimed');
-- Lists of what is not finished yet, among ten million that are.
CREATE INDEX review_item_open_department ON review_item (department, created_at, id) WHERE department IS NOT NULL AND state <> 'finished';
CREATE INDEX review_item_open_payer ON review_item (payer_class, created_at, id) WHERE payer_class IS NOT NULL AND state <> 'finished';
CREATE INDEX review_item_open_class ON review_item (encounter_class, created_at, id)
    WHERE encounter_class IS NOT NULL AND state <> 'finished';
CREATE INDEX review_item_open_alert ON review_item (created_at, id) WHERE state <> 'finished' AND (alerts > 0 OR hard_edits > 0);
