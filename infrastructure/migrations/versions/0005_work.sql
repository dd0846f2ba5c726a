CREATE SCHEMA work;

-- How it goes with a job. What there is to do is a read model (`job`, by the same `key`) and may be built anew; this is
-- not. `planned_at`: when it was to be done; `due_at`: when it may be taken up, moved ahead by whoever has it in hand and
-- after a failure; null while there is nothing to do. `lease`: shown by whoever may do it, null while nobody has it.
CREATE TABLE work.job (
    key uuid PRIMARY KEY,
    kind text NOT NULL,
    subject uuid NOT NULL,
    slot text NOT NULL,
    planned_at timestamptz NOT NULL,
    due_at timestamptz,
    lease uuid,
    attempts integer NOT NULL DEFAULT 0,
    done_at timestamptz,
    outcome text,
    dead_at timestamptz,
    error text
);
CREATE INDEX job_due ON work.job (due_at) WHERE done_at IS NULL AND dead_at IS NULL;
CREATE INDEX job_leased ON work.job (due_at) WHERE lease IS NOT NULL;
CREATE INDEX job_planned ON work.job (planned_at, key);
CREATE INDEX job_subject ON work.job (subject);
CREATE INDEX job_done ON work.job (done_at) WHERE done_at IS NOT NULL;

-- Up to which position of the log the read model's jobs are taken over into the table above. Of what happened up to
-- `silent_upto` nobody is told.
CREATE TABLE work.enrolled (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    position bigint NOT NULL,
    silent_upto bigint NOT NULL DEFAULT 0,
    swept_at timestamptz
);
INSERT INTO work.enrolled (position) VALUES (0);

DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'daybook_app') THEN
        GRANT USAGE ON SCHEMA work TO daybook_app;
        GRANT SELECT, INSERT, UPDATE, DELETE ON work.job TO daybook_app;
        GRANT SELECT, UPDATE ON work.enrolled TO daybook_app;
    END IF;
END $$;
