-- Who let hard edits stand is told with the item: few events of the trail, found without reading all of it.
CREATE INDEX audit_overridden_edits ON audit_event (subject_id, sequence) WHERE action = 'edits.overridden';
