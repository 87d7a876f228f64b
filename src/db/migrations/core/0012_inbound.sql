-- What comes in from outside. Secrets of an endpoint are in endpoint_secrets, with the endpoint as owner_id.
CREATE TABLE webhook_endpoints (
  id UUID NOT NULL PRIMARY KEY,
  tenant_id UUID NOT NULL REFERENCES tenants (id),
  integration_id UUID,
  endpoint_path TEXT NOT NULL,
  name TEXT NOT NULL,
  source TEXT NOT NULL,
  event_types TEXT NOT NULL,
  handler_type TEXT NOT NULL,
  transform_template TEXT,
  target_service TEXT,
  ip_whitelist TEXT NOT NULL,
  signature_header TEXT,
  signature_algorithm TEXT,
  signature_scheme TEXT NOT NULL,
  signature_config TEXT NOT NULL,
  paths TEXT NOT NULL,
  routes TEXT NOT NULL,
  dedup_window_seconds BIGINT NOT NULL,
  retention_days BIGINT,
  rate_limit_requests BIGINT,
  rate_limit_window BIGINT,
  status TEXT NOT NULL,
  is_enabled BIGINT NOT NULL,
  version BIGINT NOT NULL,
  created_by UUID,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (tenant_id, endpoint_path)
);
CREATE INDEX webhook_endpoints_by_tenant ON webhook_endpoints (tenant_id, id);
CREATE INDEX webhook_endpoints_by_integration ON webhook_endpoints (integration_id) WHERE integration_id IS NOT NULL;

-- Apart from the endpoint because it changes with every batch that is processed.
CREATE TABLE endpoint_stats (
  endpoint_id UUID NOT NULL PRIMARY KEY,
  tenant_id UUID NOT NULL,
  total_received BIGINT NOT NULL,
  total_processed BIGINT NOT NULL,
  total_failed BIGINT NOT NULL,
  last_received_at BIGINT
) /*postgres WITH (fillfactor = 50)*/;

-- What came in, as it came, written once. Of a batch each element is a row, and its body is that element; the whole is in
-- received_batches. conflict_of: it had the sender's id of another one, and another body.
CREATE TABLE received_events (
  id UUID NOT NULL,
  tenant_id UUID NOT NULL,
  endpoint_id UUID NOT NULL,
  external_id TEXT NOT NULL,
  conflict_of UUID,
  batch_id UUID,
  batch_index BIGINT NOT NULL,
  method TEXT NOT NULL,
  target TEXT NOT NULL,
  headers TEXT NOT NULL,
  body BYTEA NOT NULL,
  remote_ip TEXT NOT NULL,
  verification TEXT NOT NULL,
  received_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX received_events_by_endpoint ON received_events (endpoint_id, id);

CREATE TABLE received_batches (
  id UUID NOT NULL,
  tenant_id UUID NOT NULL,
  body BYTEA NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

-- What became of it; there is no row while it waits in its lane. replay_no counts how often it was processed again.
CREATE TABLE received_results (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  endpoint_id UUID NOT NULL,
  status TEXT NOT NULL,
  replay_no BIGINT NOT NULL,
  source TEXT NOT NULL,
  event_type TEXT NOT NULL,
  table_name TEXT NOT NULL,
  event_id UUID,
  processed_at BIGINT NOT NULL,
  processing_error TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX received_results_by_kind ON received_results (tenant_id, source, table_name, event_type, id);
CREATE INDEX received_results_not_processed ON received_results (tenant_id, status, id) WHERE status <> 'PROCESSED';

-- The senders' ids, by which what is sent again is known.
CREATE TABLE received_keys (
  endpoint_id UUID NOT NULL,
  key TEXT NOT NULL,
  tenant_id UUID NOT NULL,
  received_id UUID NOT NULL,
  body_hash BYTEA NOT NULL,
  duplicates BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (endpoint_id, key)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX received_keys_by_age ON received_keys (expires_at);
