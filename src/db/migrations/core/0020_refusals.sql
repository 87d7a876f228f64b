-- What was refused at an endpoint: how often, by reason, and the last requests, masked. Both go with the endpoint.
CREATE TABLE endpoint_refusals (
  endpoint_id UUID NOT NULL,
  reason TEXT NOT NULL,
  tenant_id UUID NOT NULL,
  count BIGINT NOT NULL,
  PRIMARY KEY (endpoint_id, reason)
);

CREATE TABLE refused_requests (
  id UUID NOT NULL PRIMARY KEY,
  tenant_id UUID NOT NULL,
  endpoint_id UUID NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  method TEXT NOT NULL,
  target TEXT NOT NULL,
  headers TEXT NOT NULL,
  body BYTEA NOT NULL,
  body_bytes BIGINT NOT NULL,
  remote_ip TEXT NOT NULL,
  refused_at BIGINT NOT NULL
);
CREATE INDEX refused_requests_by_endpoint ON refused_requests (endpoint_id, id);
CREATE INDEX refused_requests_by_time ON refused_requests (refused_at);
CREATE INDEX refused_requests_by_tenant ON refused_requests (tenant_id);
CREATE INDEX endpoint_refusals_by_tenant ON endpoint_refusals (tenant_id);
