-- Verifications of the ledger that people start; the job of each has its id. `part`, `position`, `hash`: the last seal that
-- was recomputed, from where the next step goes on. `checked` of `total`: entries of all logs. `broken`: the first fault.
CREATE TABLE work.verification (
    id uuid PRIMARY KEY,
    started_by uuid NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    part text NOT NULL DEFAULT 'log',
    position bigint NOT NULL DEFAULT 0,
    hash bytea NOT NULL DEFAULT '',
    checked bigint NOT NULL DEFAULT 0,
    total bigint NOT NULL,
    outcome text,
    broken text,
    finished_at timestamptz
);
CREATE UNIQUE INDEX verification_running ON work.verification ((true)) WHERE outcome IS NULL;
CREATE INDEX verification_started ON work.verification (started_at);

DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'daybook_app') THEN
        GRANT SELECT, INSERT, UPDATE ON work.verification TO daybook_app;
    END IF;
END $$;
