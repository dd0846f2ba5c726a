-- squawk-ignore-file
-- All processes are stopped before this migration (CHANGELOG.md).
CREATE SCHEMA IF NOT EXISTS auth;

-- How an account proves itself. `long`: the password has 15 characters at least. `totp` is sealed.
CREATE TABLE auth.credential (
    account_id uuid PRIMARY KEY,
    password text NOT NULL,
    long boolean NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    totp bytea,
    totp_confirmed boolean NOT NULL DEFAULT false,
    totp_step bigint NOT NULL DEFAULT 0
);

-- A device that is signed in. It stays for a day after its end, so that a token of it that comes back is known.
CREATE TABLE auth.session (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    client bytea NOT NULL,
    created_at timestamptz NOT NULL,
    used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_by text
);
CREATE INDEX session_account ON auth.session (account_id);
-- What every process asks for a few times a second.
CREATE INDEX session_ended ON auth.session (ended_at) WHERE ended_at IS NOT NULL;

-- Each is exchanged once for the next: SHA-256 of 256 random bits.
CREATE TABLE auth.refresh_token (
    hash bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES auth.session ON DELETE CASCADE,
    issued_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX refresh_token_session ON auth.refresh_token (session_id);

-- Secrets sent by mail, used once.
CREATE TABLE auth.ticket (
    hash bytea PRIMARY KEY,
    account_id uuid NOT NULL,
    purpose text NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX ticket_account ON auth.ticket (account_id);

-- Keys of programs. `name` is sealed, `secret` is SHA-256 of 256 random bits, `used_at` is right to the minute.
CREATE TABLE auth.api_key (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    name bytea NOT NULL,
    secret bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz,
    used_at timestamptz
);
CREATE INDEX api_key_account ON auth.api_key (account_id, id);

-- Authentication and denied authorisation. Written once: nobody but the owner may change or remove a row.
CREATE TABLE auth.security_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind text NOT NULL,
    account_id uuid,
    network bytea,
    facts jsonb NOT NULL
);
CREATE INDEX security_log_account ON auth.security_log (account_id, id);

-- What makes a token void before its time. The query of `infrastructure/standing.py` has the same predicate.
CREATE INDEX stored_events_standing ON log.stored_events (notification_id)
    WHERE topic IN ('Account.Disabled', 'Account.RoleChanged', 'Account.Forgotten');

DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'daybook_app') THEN
        GRANT USAGE ON SCHEMA auth TO daybook_app;
        GRANT SELECT, INSERT, UPDATE, DELETE
            ON auth.credential, auth.session, auth.refresh_token, auth.ticket, auth.api_key TO daybook_app;
        GRANT SELECT, INSERT ON auth.security_log TO daybook_app;
    END IF;
END $$;
