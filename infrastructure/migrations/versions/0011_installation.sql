-- What an installation fixes once and keeps, such as the host in the ids of calendar entries.
CREATE TABLE work.installation (
    name text PRIMARY KEY,
    value text NOT NULL
);

DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'daybook_app') THEN
        GRANT SELECT, INSERT ON work.installation TO daybook_app;
    END IF;
END $$;
