-- The circuit breaker of a lane while it is not closed, so that a restart does not try all dead receivers again; and the
-- first task of each key of an ordered lane.
ALTER TABLE lanes ADD COLUMN circuit_until BIGINT;
ALTER TABLE lanes ADD COLUMN circuit_seconds BIGINT;
CREATE INDEX tasks_by_key ON tasks (lane_id, order_key, id) WHERE order_key <> '';
