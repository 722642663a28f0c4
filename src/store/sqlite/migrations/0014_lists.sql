-- Lists of who pays; and what was finished of late, of which leads draw encounters to look at again.
CREATE INDEX review_item_payer ON review_item (payer_class, created_at, id) WHERE payer_class IS NOT NULL;
CREATE INDEX audit_finished ON audit_event (at) WHERE action = 'item.finished';
