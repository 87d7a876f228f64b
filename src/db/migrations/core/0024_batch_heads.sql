-- Target and headers of the request that a batch came in. Those of its elements are empty: each would have the same ones.
CREATE TABLE received_heads (
  id UUID NOT NULL,
  tenant_id UUID NOT NULL,
  target TEXT NOT NULL,
  headers TEXT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
