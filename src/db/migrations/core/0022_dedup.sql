-- How endpoints know repeats: dedup (off, id, content, body; none: as the scheme says), and what becomes of another body
-- with an id that was used before (on_conflict: process, hold).
ALTER TABLE webhook_endpoints ADD COLUMN dedup TEXT;
ALTER TABLE webhook_endpoints ADD COLUMN on_conflict TEXT NOT NULL DEFAULT 'process';
ALTER TABLE endpoint_stats ADD COLUMN total_conflicts BIGINT NOT NULL DEFAULT 0;

-- The key by which repeats are known, where it is not made of external_id.
ALTER TABLE received_events ADD COLUMN dedup_key TEXT NOT NULL DEFAULT '';
