-- Lists of who pays.
CREATE INDEX review_item_payer ON review_item (payer_class, created_at, id) WHERE payer_class IS NOT NULL;
