-- Long work that somebody asked for. tenant_id is null for the platform's own. cursor is the handler's: how far it has
-- come; a piece of work changes it in its own transaction and only from what it was, so nobody does a piece twice.
CREATE TABLE operations (
  id UUID NOT NULL PRIMARY KEY,
  tenant_id UUID,
  kind TEXT NOT NULL,
  status TEXT NOT NULL,
  target_id UUID,
  parameters TEXT NOT NULL,
  cursor TEXT NOT NULL,
  total BIGINT,
  done BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  result TEXT NOT NULL,
  error TEXT NOT NULL,
  created_by UUID,
  created_at BIGINT NOT NULL,
  started_at BIGINT,
  finished_at BIGINT,
  updated_at BIGINT NOT NULL
);
CREATE INDEX operations_by_tenant ON operations (tenant_id, id);
CREATE INDEX operations_by_end ON operations (finished_at) WHERE finished_at IS NOT NULL;

-- What an operation's deliveries came to; others have no entry.
CREATE INDEX webhook_deliveries_by_outcome ON webhook_deliveries (operation_id, status)
  WHERE operation_id IS NOT NULL;
