-- The key first: ids of many senders begin with the time, so those that come together stand together, of however many
-- endpoints they are.
CREATE TABLE received_keys_in_order (
  key TEXT NOT NULL,
  endpoint_id UUID NOT NULL,
  tenant_id UUID NOT NULL,
  received_id UUID NOT NULL,
  body_hash BYTEA NOT NULL,
  duplicates BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (key, endpoint_id)
) /*sqlite WITHOUT ROWID*/;
INSERT INTO received_keys_in_order (key, endpoint_id, tenant_id, received_id, body_hash, duplicates, expires_at)
  SELECT key, endpoint_id, tenant_id, received_id, body_hash, duplicates, expires_at FROM received_keys;
DROP TABLE received_keys;
ALTER TABLE received_keys_in_order RENAME TO received_keys;
CREATE INDEX received_keys_by_age ON received_keys (expires_at);
