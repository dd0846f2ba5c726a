CREATE SCHEMA IF NOT EXISTS work;

-- How far each webhook has got; one without a row is where it was subscribed. `position`: its bookmark, the last
-- event that its server has taken or that was none of its business. `wanted`: the newest one known to concern it.
-- `failures`: in a row; `failing_since`: by this clock.
CREATE TABLE work.webhook (
    webhook_id uuid PRIMARY KEY,
    position bigint NOT NULL,
    wanted bigint NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    failing_since timestamptz
);
CREATE INDEX webhook_wanting ON work.webhook (webhook_id) WHERE wanted > position;

-- One row: up to which position it is known whom events concern.
CREATE TABLE work.webhook_seen (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    position bigint NOT NULL
);
INSERT INTO work.webhook_seen (position) VALUES (0);

-- What webhooks sign with, sealed with the system's key. After a rotation the one before is good until `ends_at`.
CREATE TABLE work.webhook_secret (
    id uuid PRIMARY KEY,
    webhook_id uuid NOT NULL,
    secret bytea NOT NULL,
    ends_at timestamptz
);
CREATE INDEX webhook_secret_webhook ON work.webhook_secret (webhook_id);

-- Every message that was sent, once each time; the last of each webhook are kept. No `error`: it was taken.
CREATE TABLE work.delivery (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    webhook_id uuid NOT NULL,
    position bigint NOT NULL,
    message_id text NOT NULL,
    type text NOT NULL,
    attempt integer NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    status_code integer,
    error text NOT NULL,
    took_ms integer NOT NULL
);
CREATE INDEX delivery_webhook ON work.delivery (webhook_id, id);
CREATE INDEX delivery_at ON work.delivery (at);

DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'daybook_app') THEN
        GRANT USAGE ON SCHEMA work TO daybook_app;
        GRANT SELECT, INSERT, UPDATE, DELETE ON work.webhook, work.webhook_secret, work.delivery TO daybook_app;
        GRANT SELECT, UPDATE ON work.webhook_seen TO daybook_app;
    END IF;
END $$;
