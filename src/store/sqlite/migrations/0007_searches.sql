-- Searches by patient, encounter and source, and when anything about an item changed.
-- "number_index": (source, record number) of a patient whose number another one with another system has too.
ALTER TABLE patient ADD COLUMN number_index BLOB;
CREATE INDEX patient_of_number ON patient (number_index) WHERE number_index IS NOT NULL;
CREATE INDEX note_of_patient ON note (patient_id, received_at, id) WHERE patient_id IS NOT NULL;
CREATE INDEX note_of_encounter ON note (encounter_id, received_at, id) WHERE encounter_id IS NOT NULL;
CREATE INDEX note_of_source ON note (source);
CREATE INDEX audit_item_changes ON audit_event (subject_id, at) WHERE subject_kind = 'item' AND action <> 'item.read';
