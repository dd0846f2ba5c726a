-- A row for each process, renewed while it runs and deleted at an orderly end. `zones`: the version of its time zone data.
-- Renewals touch no index, and find room on the same page.
CREATE TABLE work.process (
    id uuid PRIMARY KEY,
    role text NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    version text NOT NULL,
    zones text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);

DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'daybook_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON work.process TO daybook_app;
    END IF;
END $$;
