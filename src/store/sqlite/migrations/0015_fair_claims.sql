-- Jobs are claimed from every source in turn, so that one with a million old notes holds up no other. The oldest compatible program
-- writes no source: those jobs share one turn.
ALTER TABLE job ADD COLUMN source TEXT NOT NULL DEFAULT '';
UPDATE job SET source = (SELECT source FROM note WHERE note.id = job.note_id) WHERE state IN ('waiting', 'claimed');
CREATE INDEX job_of_source ON job (source, created_at, id) WHERE state IN ('waiting', 'claimed');
