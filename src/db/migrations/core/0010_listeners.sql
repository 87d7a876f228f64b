-- Durable consumers of the feed: `crossdock listen`. (commit_no, seq, entry) is the position up to which everything was
-- acknowledged. session is the stream that follows now; a newer one takes its place. The id stands as the subscription of
-- the deliveries that record what the listener answered.
CREATE TABLE listeners (
  id UUID NOT NULL PRIMARY KEY,
  tenant_id UUID NOT NULL,
  name TEXT NOT NULL,
  event_types TEXT NOT NULL,
  commit_no BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  entry BIGINT NOT NULL,
  session UUID,
  acked BIGINT NOT NULL,
  last_ack_at BIGINT,
  last_seen_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (tenant_id, name)
);
CREATE INDEX listeners_by_age ON listeners (last_seen_at);
