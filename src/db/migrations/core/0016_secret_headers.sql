-- The values of a subscription's secret headers, encrypted; in headers stands null for each. secret_headers are names that
-- somebody gave beside those that tell by themselves.
ALTER TABLE webhook_subscriptions ADD COLUMN secret_headers TEXT;
ALTER TABLE webhook_subscriptions ADD COLUMN secret_header_values TEXT;

-- Work over rows that older versions wrote: how far it has come.
CREATE TABLE rewrites (
  name TEXT NOT NULL PRIMARY KEY,
  reached UUID NOT NULL,
  done BIGINT NOT NULL
);
