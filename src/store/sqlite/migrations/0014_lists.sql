-- Lists of who pays; what was finished and decided of late, for samples and reports.
CREATE INDEX review_item_payer ON review_item (payer_class, created_at, id) WHERE payer_class IS NOT NULL;
CREATE INDEX audit_finished ON audit_event (at) WHERE action = 'item.finished';
CREATE INDEX decision_at ON decision (at);
