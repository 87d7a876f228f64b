-- A list of operations by their state, or by state and kind, costs what is on its page, however long the tenant's history.
CREATE INDEX operations_by_status ON operations (tenant_id, status, id);
CREATE INDEX operations_by_kind ON operations (tenant_id, kind, status, id);
