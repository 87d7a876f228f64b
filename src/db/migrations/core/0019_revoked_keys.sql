-- Other nodes ask every second which keys were revoked lately, so that what follows with such a key ends.
CREATE INDEX api_keys_by_revocation ON api_keys (revoked_at) WHERE revoked_at IS NOT NULL;
