-- squawk-ignore-file
-- All processes are stopped before this migration (CHANGELOG.md).
-- A one-time secret is void once the state it was issued under has changed: the version of the account's credentials
-- (`credential`; 0: none), or an address or a status that `streams` had recorded up to `versions`.

-- `version` grows with each change of the password or of one-time codes in force. `totp_credential`, `totp_account`:
-- what a secret of one-time codes that awaits its first code is bound to.
ALTER TABLE auth.credential
    ADD COLUMN version bigint NOT NULL DEFAULT 1,
    ADD COLUMN totp_credential bigint,
    ADD COLUMN totp_account bigint;
-- Set-ups that release 0.1.0 began are bound to nothing: they start again.
UPDATE auth.credential SET totp = NULL, totp_step = 0 WHERE NOT totp_confirmed;

ALTER TABLE auth.ticket
    ADD COLUMN credential bigint NOT NULL DEFAULT 0,
    ADD COLUMN streams uuid[] NOT NULL DEFAULT '{}',
    ADD COLUMN versions bigint[] NOT NULL DEFAULT '{}';

-- Codes that release 0.1.0 sent, which live for a day, do not tell what they were issued under.
DELETE FROM auth.verification;
-- `about`: the address to register or the account that moves. Of several requests about it, only the newest counts.
ALTER TABLE auth.verification
    DROP COLUMN taken_at,
    ADD COLUMN about uuid NOT NULL,
    ADD COLUMN asked_at timestamptz NOT NULL,
    ADD COLUMN credential bigint NOT NULL,
    ADD COLUMN streams uuid[] NOT NULL,
    ADD COLUMN versions bigint[] NOT NULL;
CREATE INDEX verification_about ON auth.verification (about);

-- Ten codes of an account with one-time codes in force, each good once in place of one. `hash`: SHA-256 over account and
-- code, of 80 random bits.
CREATE TABLE auth.recovery_code (
    hash bytea PRIMARY KEY,
    account_id uuid NOT NULL,
    used_at timestamptz
);
CREATE INDEX recovery_code_account ON auth.recovery_code (account_id);
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'daybook_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON auth.recovery_code TO daybook_app;
    END IF;
END $$;

-- The token that this one was exchanged for, sealed with the person's key: for the seconds in which the answer may have
-- been lost, and until that token is used.
ALTER TABLE auth.refresh_token ADD COLUMN successor bytea;

-- Up to where `infrastructure/address_streams.py` has looked for e-mail addresses that release 0.1.0 folded.
CREATE TABLE auth.address_mark (upto bigint NOT NULL);
INSERT INTO auth.address_mark VALUES (0);
