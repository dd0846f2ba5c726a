-- When docker/backup last succeeded, for each of its kinds. It writes as the owner; the application only looks.
CREATE TABLE work.backup (
    kind text PRIMARY KEY CHECK (kind IN ('base', 'wal')),
    succeeded_at timestamptz NOT NULL
);

DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'daybook_app') THEN
        GRANT SELECT ON work.backup TO daybook_app;
    END IF;
END $$;
