-- The day on which an inpatient left: it chooses the edition of the codes.
ALTER TABLE note ADD COLUMN discharge_date TEXT;
