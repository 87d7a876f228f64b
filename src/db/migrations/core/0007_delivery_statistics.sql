-- What dashboards ask for, counted as it happens. owner_id is a subscription, or a tenant once the minute is summed up:
-- many transactions at once would wait for each other at a tenant's row. minute and hour are counted from 1970; the columns
-- from under_5 on count attempts by how many milliseconds they took. The minutes of all owners lie together, because those
-- of now are written by every batch; an hour lies with the other hours of its owner.
CREATE TABLE delivery_minutes (
  minute BIGINT NOT NULL,
  owner_id UUID NOT NULL,
  tenant_id UUID NOT NULL,
  delivered BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  retried BIGINT NOT NULL,
  latency_ms BIGINT NOT NULL,
  under_5 BIGINT NOT NULL,
  under_10 BIGINT NOT NULL,
  under_25 BIGINT NOT NULL,
  under_50 BIGINT NOT NULL,
  under_100 BIGINT NOT NULL,
  under_250 BIGINT NOT NULL,
  under_500 BIGINT NOT NULL,
  under_1000 BIGINT NOT NULL,
  under_2500 BIGINT NOT NULL,
  under_5000 BIGINT NOT NULL,
  under_10000 BIGINT NOT NULL,
  longer BIGINT NOT NULL,
  PRIMARY KEY (minute, owner_id)
) /*sqlite WITHOUT ROWID*/ /*postgres WITH (fillfactor = 50)*/;

CREATE TABLE delivery_hours (
  owner_id UUID NOT NULL,
  hour BIGINT NOT NULL,
  delivered BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  retried BIGINT NOT NULL,
  latency_ms BIGINT NOT NULL,
  under_5 BIGINT NOT NULL,
  under_10 BIGINT NOT NULL,
  under_25 BIGINT NOT NULL,
  under_50 BIGINT NOT NULL,
  under_100 BIGINT NOT NULL,
  under_250 BIGINT NOT NULL,
  under_500 BIGINT NOT NULL,
  under_1000 BIGINT NOT NULL,
  under_2500 BIGINT NOT NULL,
  under_5000 BIGINT NOT NULL,
  under_10000 BIGINT NOT NULL,
  longer BIGINT NOT NULL,
  PRIMARY KEY (owner_id, hour)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX delivery_hours_by_hour ON delivery_hours (hour);

-- The minutes before this one are in delivery_hours.
CREATE TABLE delivery_minutes_summed (
  id BIGINT NOT NULL PRIMARY KEY,
  minute BIGINT NOT NULL
);

-- Causes of failures, and how often each struck which subscription in which hour. Written by failures only.
CREATE TABLE error_signatures (
  tenant_id UUID NOT NULL,
  signature TEXT NOT NULL,
  error_class TEXT NOT NULL,
  response_status BIGINT,
  host TEXT NOT NULL,
  error_message TEXT NOT NULL,
  first_seen_at BIGINT NOT NULL,
  last_seen_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, signature)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX error_signatures_by_age ON error_signatures (last_seen_at);

CREATE TABLE error_hours (
  tenant_id UUID NOT NULL,
  hour BIGINT NOT NULL,
  signature TEXT NOT NULL,
  subscription_id UUID NOT NULL,
  deliveries BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  first_seen_at BIGINT NOT NULL,
  last_seen_at BIGINT NOT NULL,
  sample_delivery_id UUID NOT NULL,
  PRIMARY KEY (tenant_id, hour, signature, subscription_id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX error_hours_by_hour ON error_hours (hour);
