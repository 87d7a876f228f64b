-- Since when a lane's circuit is not closed, and which circuit it is: one of a lower number than its subscription's is over
-- (it was reset, or the URL changed).
ALTER TABLE lanes ADD COLUMN circuit_since BIGINT;
ALTER TABLE lanes ADD COLUMN circuit_no BIGINT NOT NULL DEFAULT 0;
UPDATE lanes SET circuit_since = circuit_until - circuit_seconds * 1000000 WHERE circuit_until IS NOT NULL;
ALTER TABLE webhook_subscriptions ADD COLUMN circuit_no BIGINT NOT NULL DEFAULT 0;
