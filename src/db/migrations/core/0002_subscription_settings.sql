-- How a subscription selects, signs and paces its deliveries. client_certificate is encrypted.
ALTER TABLE webhook_subscriptions ADD COLUMN filter TEXT;
ALTER TABLE webhook_subscriptions ADD COLUMN signing_scheme TEXT NOT NULL DEFAULT 'STANDARD';
ALTER TABLE webhook_subscriptions ADD COLUMN signing_config TEXT;
ALTER TABLE webhook_subscriptions ADD COLUMN ordering TEXT NOT NULL DEFAULT 'NONE';
ALTER TABLE webhook_subscriptions ADD COLUMN max_in_flight BIGINT;
ALTER TABLE webhook_subscriptions ADD COLUMN rate_limit_requests BIGINT;
ALTER TABLE webhook_subscriptions ADD COLUMN rate_limit_window BIGINT;
ALTER TABLE webhook_subscriptions ADD COLUMN client_certificate TEXT;
ALTER TABLE webhook_subscriptions ADD COLUMN ca_certificate TEXT;
