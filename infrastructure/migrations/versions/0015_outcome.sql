-- How each job and each delivery of an event to a webhook ended: ids and words, no content. Kept longer than the rows of
-- the work itself, so that the chain of a request can be told. `key`: the job's, or the webhook's id; `position`: of the
-- event that was delivered, 0 for a job. An end after another one (a retry) takes its place.
CREATE TABLE work.outcome (
    key uuid NOT NULL,
    position bigint NOT NULL,
    kind text NOT NULL,
    subject uuid NOT NULL,
    correlation text NOT NULL,
    outcome text NOT NULL,
    attempts integer NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (key, position)
);
CREATE INDEX outcome_correlation ON work.outcome (correlation);
CREATE INDEX outcome_at ON work.outcome (at);

DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'daybook_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON work.outcome TO daybook_app;
    END IF;
END $$;
