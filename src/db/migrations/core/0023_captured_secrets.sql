-- Which secrets a sender has told in a handshake: those alone are shown again. The audit log knows those of before.
ALTER TABLE endpoint_secrets ADD COLUMN is_captured BIGINT NOT NULL DEFAULT 0;
UPDATE endpoint_secrets SET is_captured = 1 WHERE (owner_id, fingerprint) IN (
  SELECT target_id, substr(after, 17, 8) FROM audit_log WHERE action = 'endpoint.secret_captured');

-- With a key end those that were made with it.
CREATE INDEX api_keys_by_maker ON api_keys (created_by);
