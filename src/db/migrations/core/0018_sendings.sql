-- How often an attempt's request was written to a connection: twice where a kept one ended without an answer.
ALTER TABLE webhook_deliveries ADD COLUMN sendings BIGINT NOT NULL DEFAULT 1;
ALTER TABLE delivery_attempts ADD COLUMN sendings BIGINT NOT NULL DEFAULT 1;
