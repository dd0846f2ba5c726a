-- The list of dead jobs, which the panel's first page asks for, read every job. The index has a row for each dead job alone, and
-- the lock lasts for one look at the table.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX job_dead ON work.job (planned_at, key) WHERE done_at IS NULL AND dead_at IS NOT NULL;
