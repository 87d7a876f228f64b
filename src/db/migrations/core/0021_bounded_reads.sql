-- What a request may ask for is bounded by an index. Minutes that are not summed up yet are looked for by tenant; each has
-- one row for a subscription, which is made once and then only counted up.
CREATE INDEX delivery_minutes_by_tenant ON delivery_minutes (tenant_id, minute);

-- What a node is called: the one that comes back under its name ends the lease of the one before.
ALTER TABLE nodes ADD COLUMN name TEXT NOT NULL DEFAULT '';

-- PostgreSQL: the backlog fills and drains within seconds, so it is vacuumed by rows and not by shares, and what it looked
-- like when it was empty must not become the planner's idea of it (docs/adr/0011): a vacuum keeps its pages.
/*postgres
ALTER TABLE tasks SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000,
  autovacuum_vacuum_cost_delay = 0, vacuum_truncate = false);
*/
