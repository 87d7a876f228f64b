-- What went over the wire: read by people, needed by nothing. On SQLite one file for each day, dropped whole.
CREATE TABLE delivery_exchanges (
  delivery_id UUID NOT NULL,
  attempt_number BIGINT NOT NULL,
  tenant_id UUID NOT NULL,
  at BIGINT NOT NULL,
  request_headers TEXT NOT NULL,
  response_headers TEXT NOT NULL,
  response_body BYTEA NOT NULL,
  response_truncated BIGINT NOT NULL,
  PRIMARY KEY (delivery_id, attempt_number)
) /*sqlite WITHOUT ROWID*/;
