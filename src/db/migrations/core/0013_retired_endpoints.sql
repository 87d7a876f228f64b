-- Endpoints that were deleted and kept what they received for a number of days only: it is kept no longer without them.
CREATE TABLE retired_endpoints (
  id UUID NOT NULL PRIMARY KEY,
  tenant_id UUID NOT NULL,
  retention_days BIGINT NOT NULL
);
