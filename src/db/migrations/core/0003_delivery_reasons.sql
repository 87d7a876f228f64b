-- Why a delivery was not sent, what groups failures of one cause, which bulk operation caused it, and how its last
-- attempt went out: worker, test, replay or cli.
ALTER TABLE webhook_deliveries ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE webhook_deliveries ADD COLUMN error_signature TEXT NOT NULL DEFAULT '';
ALTER TABLE webhook_deliveries ADD COLUMN operation_id UUID;
ALTER TABLE webhook_deliveries ADD COLUMN via TEXT NOT NULL DEFAULT 'worker';
ALTER TABLE delivery_attempts ADD COLUMN via TEXT NOT NULL DEFAULT 'worker';
