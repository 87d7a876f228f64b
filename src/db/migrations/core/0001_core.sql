-- Times are microseconds UTC, booleans 0/1, JSON is text. Tables that every delivery touches have no foreign keys and
-- as few indexes as their queries need: each one is paid for ten thousand times a second.

CREATE TABLE tenants (
  id UUID NOT NULL PRIMARY KEY,
  slug TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  status TEXT NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

-- tenant_id is null for the keys of the platform's own administrators.
CREATE TABLE api_keys (
  id UUID NOT NULL PRIMARY KEY,
  tenant_id UUID REFERENCES tenants (id),
  name TEXT NOT NULL,
  prefix TEXT NOT NULL,
  key_hash BYTEA NOT NULL UNIQUE,
  role TEXT NOT NULL,
  scopes TEXT NOT NULL,
  expires_at BIGINT,
  last_used_at BIGINT,
  revoked_at BIGINT,
  version BIGINT NOT NULL,
  created_by UUID,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX api_keys_by_tenant ON api_keys (tenant_id, id);

CREATE TABLE audit_log (
  id UUID NOT NULL PRIMARY KEY,
  tenant_id UUID,
  at BIGINT NOT NULL,
  actor_type TEXT NOT NULL,
  actor_id UUID,
  actor_label TEXT NOT NULL,
  action TEXT NOT NULL,
  target_type TEXT NOT NULL,
  target_id UUID,
  before TEXT,
  after TEXT,
  ip TEXT NOT NULL,
  user_agent TEXT NOT NULL,
  correlation_id TEXT NOT NULL
);
CREATE INDEX audit_log_by_tenant ON audit_log (tenant_id, id);

-- Written in the transaction of the effect it guards. scope tells one kind of request from another.
CREATE TABLE idempotency_keys (
  tenant_id UUID NOT NULL,
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  body_hash BYTEA NOT NULL,
  status BIGINT NOT NULL,
  response TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, scope, key)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- The nodes that share a PostgreSQL store; a node holds its lanes as long as its lease lasts.
CREATE TABLE nodes (
  id UUID NOT NULL PRIMARY KEY,
  lease_until BIGINT NOT NULL
);

CREATE TABLE lanes (
  id UUID NOT NULL PRIMARY KEY,
  tenant_id UUID NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  owner UUID,
  epoch BIGINT NOT NULL
) /*postgres WITH (fillfactor = 70)*/;
CREATE INDEX lanes_by_tenant ON lanes (tenant_id, id);
/*postgres CREATE INDEX lanes_by_owner ON lanes (owner) WHERE owner IS NOT NULL;*/

-- The backlog, and nothing else: a finished task is gone from here. A fresh task is taken in the order of ids; only one
-- that waits for its time (timed) is found by due_at. opened_at is set while an attempt runs.
CREATE TABLE tasks (
  lane_id UUID NOT NULL,
  id UUID NOT NULL,
  tenant_id UUID NOT NULL,
  kind TEXT NOT NULL,
  due_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  attempt BIGINT NOT NULL,
  unknown_attempts BIGINT NOT NULL,
  timed BIGINT NOT NULL,
  opened_at BIGINT,
  order_key TEXT NOT NULL,
  ref UUID NOT NULL,
  args TEXT NOT NULL,
  PRIMARY KEY (lane_id, id)
) /*sqlite WITHOUT ROWID*/ /*postgres WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0)*/;
CREATE INDEX tasks_by_due ON tasks (lane_id, due_at, id) WHERE timed = 1;
-- Replays, which come long after what they are about; others have no args.
CREATE INDEX tasks_by_ref ON tasks (ref) WHERE args <> '';

CREATE TABLE events (
  id UUID NOT NULL,
  tenant_id UUID NOT NULL,
  type TEXT NOT NULL,
  subject TEXT NOT NULL,
  data TEXT NOT NULL,
  changes TEXT NOT NULL,
  occurred_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  idempotency_key TEXT NOT NULL,
  ordering_key TEXT NOT NULL,
  origin TEXT NOT NULL,
  hop BIGINT NOT NULL,
  traceparent TEXT NOT NULL,
  deliveries BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

CREATE TABLE webhook_subscriptions (
  id UUID NOT NULL PRIMARY KEY,
  tenant_id UUID NOT NULL REFERENCES tenants (id),
  name TEXT NOT NULL,
  description TEXT,
  url TEXT NOT NULL,
  event_types TEXT NOT NULL,
  auth_type TEXT NOT NULL,
  auth_config TEXT,
  content_type TEXT NOT NULL,
  headers TEXT NOT NULL,
  transform_template TEXT,
  payload_format TEXT NOT NULL,
  timeout_seconds BIGINT NOT NULL,
  retry_enabled BIGINT NOT NULL,
  max_retries BIGINT NOT NULL,
  retry_intervals TEXT NOT NULL,
  status TEXT NOT NULL,
  is_enabled BIGINT NOT NULL,
  disabled_reason TEXT,
  disabled_at BIGINT,
  version BIGINT NOT NULL,
  created_by UUID,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX webhook_subscriptions_by_tenant ON webhook_subscriptions (tenant_id, id);

-- Apart from the subscription because it changes with every batch of deliveries.
CREATE TABLE subscription_stats (
  subscription_id UUID NOT NULL PRIMARY KEY,
  total_sent BIGINT NOT NULL,
  total_delivered BIGINT NOT NULL,
  total_failed BIGINT NOT NULL,
  last_triggered_at BIGINT,
  last_success_at BIGINT,
  last_failure_at BIGINT,
  consecutive_failures BIGINT NOT NULL,
  failing_since BIGINT
) /*postgres WITH (fillfactor = 50)*/;

-- Signing secrets, encrypted. owner_id is a subscription (later also an endpoint). PREVIOUS ones sign until valid_until.
CREATE TABLE endpoint_secrets (
  id UUID NOT NULL PRIMARY KEY,
  tenant_id UUID NOT NULL,
  owner_type TEXT NOT NULL,
  owner_id UUID NOT NULL,
  secret TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  status TEXT NOT NULL,
  valid_until BIGINT,
  created_at BIGINT NOT NULL
);
CREATE INDEX endpoint_secrets_by_owner ON endpoint_secrets (owner_id, created_at);

-- Finished deliveries. The row carries its last attempt; the ones before it are in delivery_attempts.
CREATE TABLE webhook_deliveries (
  subscription_id UUID NOT NULL,
  id UUID NOT NULL,
  tenant_id UUID NOT NULL,
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
  PRIMARY KEY (subscription_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX webhook_deliveries_by_tenant ON webhook_deliveries (tenant_id, id);
CREATE INDEX webhook_deliveries_by_event ON webhook_deliveries (event_id);

CREATE TABLE delivery_attempts (
  delivery_id UUID NOT NULL,
  attempt_number BIGINT NOT NULL,
  subscription_id UUID NOT NULL,
  tenant_id UUID NOT NULL,
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
  PRIMARY KEY (delivery_id, attempt_number)
) /*sqlite WITHOUT ROWID*/;
