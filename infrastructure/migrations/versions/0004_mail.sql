CREATE SCHEMA IF NOT EXISTS auth;

-- What is to be done after the answer, at least once. Done, it is deleted. `said` is sealed with the system's key.
-- Somebody who carries it out moves `due_at` ahead: until then it is theirs. `dead_at`: given up, see `error`.
CREATE TABLE auth.errand (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    said bytea NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts integer NOT NULL DEFAULT 0,
    dead_at timestamptz,
    error text
);
CREATE INDEX errand_due ON auth.errand (due_at) WHERE dead_at IS NULL;

-- E-mail addresses whose owner has yet to prove that they are: registrations, and accounts that change theirs.
-- `hash`: SHA-256 of the 256 random bits in the mail. `said` is sealed with the system's key.
-- `taken_at`: somebody is at it, for a minute at most.
CREATE TABLE auth.verification (
    hash bytea PRIMARY KEY,
    account_id uuid NOT NULL,
    said bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    taken_at timestamptz
);
CREATE INDEX verification_account ON auth.verification (account_id);
CREATE INDEX verification_expires ON auth.verification (expires_at);

-- Mails sent to people with an account, for their export. `said`: subject and text, sealed with that person's key.
CREATE TABLE auth.mail (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    kind text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    said bytea NOT NULL
);
CREATE INDEX mail_account ON auth.mail (account_id, at);

DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'daybook_app') THEN
        GRANT USAGE ON SCHEMA auth TO daybook_app;
        GRANT SELECT, INSERT, UPDATE, DELETE ON auth.errand, auth.verification TO daybook_app;
        GRANT SELECT, INSERT, DELETE ON auth.mail TO daybook_app;
    END IF;
END $$;
