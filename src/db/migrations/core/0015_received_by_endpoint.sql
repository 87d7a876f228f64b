-- Which endpoint received what, and how much each has processed: of five thousand endpoints each commit would touch a page
-- of its own for nearly every event. On SQLite, where each touched page is written whole, received_events has no index by
-- endpoint. received_index is one that is brought up from time to time, many rows at once and in order, and has everything
-- up to the id `until`; what is newer is found among its tenant's newest events. While it is brought up to a `goal`, what
-- comes with an id before that goes into it at once. `last_row` is the newest row that was there then. And what is counted
-- is appended to endpoint_counts, a row for each commit (src/inbound/endpoint_stats_store.cpp says how it is written), and
-- added to endpoint_stats many at once. endpoint_deletions tells in one row whether an endpoint that was there a moment ago
-- is there still. PostgreSQL keeps its ordinary index, adds at once, and looks for each endpoint.
/*sqlite
CREATE TABLE received_index (
  tenant_id UUID NOT NULL,
  endpoint_id UUID NOT NULL,
  id UUID NOT NULL,
  PRIMARY KEY (tenant_id, endpoint_id, id)
) WITHOUT ROWID;
INSERT INTO received_index SELECT tenant_id, endpoint_id, id FROM received_events INDEXED BY received_events_by_endpoint
  ORDER BY endpoint_id, id;
DROP INDEX received_events_by_endpoint;
ALTER TABLE received_events RENAME TO old_received_events;
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
  PRIMARY KEY (tenant_id, id, endpoint_id)
);
INSERT INTO received_events (id, tenant_id, endpoint_id, external_id, conflict_of, batch_id, batch_index, method, target,
  headers, body, remote_ip, verification, received_at)
SELECT id, tenant_id, endpoint_id, external_id, conflict_of, batch_id, batch_index, method, target,
  headers, body, remote_ip, verification, received_at FROM old_received_events ORDER BY rowid;
DROP TABLE old_received_events;

CREATE TABLE received_indexed (
  only BIGINT NOT NULL PRIMARY KEY,
  until UUID NOT NULL,
  goal UUID NOT NULL,
  last_row BIGINT NOT NULL
);
INSERT INTO received_indexed SELECT 1, MAX(id), MAX(id), MAX(rowid) FROM received_events HAVING COUNT(*) > 0;

ALTER TABLE endpoint_stats RENAME TO old_endpoint_stats;
CREATE TABLE endpoint_stats (
  endpoint_id UUID NOT NULL PRIMARY KEY,
  tenant_id UUID NOT NULL,
  total_received BIGINT NOT NULL,
  total_processed BIGINT NOT NULL,
  total_failed BIGINT NOT NULL,
  last_received_at BIGINT
) WITHOUT ROWID;
INSERT INTO endpoint_stats SELECT endpoint_id, tenant_id, total_received, total_processed, total_failed, last_received_at
  FROM old_endpoint_stats ORDER BY endpoint_id;
DROP TABLE old_endpoint_stats;
CREATE TABLE endpoint_counts (
  seq INTEGER PRIMARY KEY,
  weight BIGINT NOT NULL,
  counts BYTEA NOT NULL
);
CREATE TABLE endpoint_deletions (
  only BIGINT NOT NULL PRIMARY KEY,
  count BIGINT NOT NULL
);
*/
