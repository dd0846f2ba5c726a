-- How often events were asked for again: a delivery that began before does not move the checkpoint past them.
ALTER TABLE work.webhook ADD COLUMN redeliveries bigint NOT NULL DEFAULT 0;
