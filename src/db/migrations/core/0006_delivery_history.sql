-- Finished deliveries, ten thousand of them a second, almost all delivered at the first try. On SQLite, where each touched
-- page is written whole, such a one touches nothing but the end of its table: seq is the order of the commits, and
-- delivery_index is brought up from time to time, many rows at once and in order, up to the seq in delivery_indexed.
-- PostgreSQL keeps its ordinary indexes. All others are for what is rare.
/*sqlite
DROP INDEX webhook_deliveries_by_tenant;
DROP INDEX webhook_deliveries_by_event;
ALTER TABLE webhook_deliveries RENAME TO old_deliveries;
CREATE TABLE webhook_deliveries (
  seq INTEGER PRIMARY KEY,
  id UUID NOT NULL,
  tenant_id UUID NOT NULL,
  subscription_id UUID NOT NULL,
  event_id UUID NOT NULL,
  event_type TEXT NOT NULL,
  status TEXT NOT NULL,
  attempt_number BIGINT NOT NULL,
  replay_no BIGINT NOT NULL,
  replay_of UUID,
  is_test BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  completed_at BIGINT NOT NULL,
  outcome TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  request_url TEXT NOT NULL,
  remote_ip TEXT NOT NULL,
  response_status BIGINT,
  response_time_ms BIGINT NOT NULL,
  dns_us BIGINT NOT NULL,
  connect_us BIGINT NOT NULL,
  tls_us BIGINT NOT NULL,
  first_byte_us BIGINT NOT NULL,
  error_class TEXT NOT NULL,
  error_message TEXT NOT NULL,
  via TEXT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  error_signature TEXT NOT NULL DEFAULT '',
  operation_id UUID
);
INSERT INTO webhook_deliveries (id, tenant_id, subscription_id, event_id, event_type, status, attempt_number, replay_no,
  replay_of, is_test, created_at, completed_at, outcome, started_at, request_url, remote_ip, response_status,
  response_time_ms, dns_us, connect_us, tls_us, first_byte_us, error_class, error_message, via, reason, error_signature,
  operation_id)
SELECT id, tenant_id, subscription_id, event_id, event_type, status, attempt_number, replay_no,
  replay_of, is_test, created_at, completed_at, outcome, started_at, request_url, remote_ip, response_status,
  response_time_ms, dns_us, connect_us, tls_us, first_byte_us, error_class, error_message, via, reason, error_signature,
  operation_id FROM old_deliveries ORDER BY completed_at, id;
DROP TABLE old_deliveries;

-- owner_id is a tenant, a subscription or an event. list 0 has all its deliveries, list 1 the SKIPPED ones.
CREATE TABLE delivery_index (
  owner_id UUID NOT NULL,
  list BIGINT NOT NULL,
  id UUID NOT NULL,
  seq BIGINT NOT NULL,
  PRIMARY KEY (owner_id, list, id)
) WITHOUT ROWID;
CREATE TABLE delivery_indexed (
  only BIGINT NOT NULL PRIMARY KEY,
  seq BIGINT NOT NULL
);
INSERT INTO delivery_index SELECT tenant_id, 0, id, seq FROM webhook_deliveries
  UNION ALL SELECT subscription_id, 0, id, seq FROM webhook_deliveries
  UNION ALL SELECT event_id, 0, id, seq FROM webhook_deliveries ORDER BY 1, 2, 3;
INSERT INTO delivery_indexed SELECT 1, COALESCE(MAX(seq), 0) FROM webhook_deliveries;
*/

/*postgres
CREATE INDEX webhook_deliveries_skipped ON webhook_deliveries (tenant_id, id) WHERE status = 'SKIPPED';
CREATE INDEX webhook_deliveries_skipped_of ON webhook_deliveries (subscription_id, id) WHERE status = 'SKIPPED';
*/

CREATE INDEX webhook_deliveries_by_status ON webhook_deliveries (tenant_id, status, id)
  WHERE status <> 'DELIVERED' AND status <> 'SKIPPED';
CREATE INDEX webhook_deliveries_by_status_of ON webhook_deliveries (subscription_id, status, id)
  WHERE status <> 'DELIVERED' AND status <> 'SKIPPED';
CREATE INDEX webhook_deliveries_by_error ON webhook_deliveries (tenant_id, error_class, id) WHERE error_class <> '';
CREATE INDEX webhook_deliveries_by_signature ON webhook_deliveries (tenant_id, error_signature, id)
  WHERE error_signature <> '';
CREATE INDEX webhook_deliveries_retried ON webhook_deliveries (tenant_id, id) WHERE attempt_number > 1;
CREATE INDEX webhook_deliveries_slow ON webhook_deliveries (tenant_id, id) WHERE response_time_ms >= 1000;
CREATE INDEX webhook_deliveries_by_operation ON webhook_deliveries (operation_id, id) WHERE operation_id IS NOT NULL;
CREATE INDEX webhook_deliveries_tests ON webhook_deliveries (tenant_id, id) WHERE is_test = 1;
