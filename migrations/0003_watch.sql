-- Watching over: notices that come in stages and are told to others, and what an integration had before.

ALTER TABLE notices ADD COLUMN stage TEXT NOT NULL DEFAULT ''; -- how far it has come; another stage takes its place
ALTER TABLE notices ADD COLUMN hint TEXT;                   -- what to do, for a person
ALTER TABLE notices ADD COLUMN details TEXT;                -- what names somebody: kept out of the log, and of what is sent
ALTER TABLE notices ADD COLUMN routed INTEGER NOT NULL DEFAULT 0 CHECK (routed IN (0, 1, 2));
                                                            -- 1: its beginning is in the outbox of all who want it; 2: its end too
UPDATE notices SET routed = 2 WHERE until IS NOT NULL;
CREATE INDEX notices_to_route ON notices (notice) WHERE routed = 0 OR (routed = 1 AND until IS NOT NULL);

ALTER TABLE runs ADD COLUMN outline TEXT;                   -- `error` without the words of either system, which may name somebody

-- What is still to be told, and to whom.
CREATE TABLE outbox (
    message       INTEGER PRIMARY KEY,          -- row id; the order in which it is told
    channel       TEXT NOT NULL,                -- an entry of `notify`
    notice        INTEGER NOT NULL REFERENCES notices ON DELETE CASCADE,
    event         TEXT NOT NULL CHECK (event IN ('began', 'ended')),
    tries         INTEGER NOT NULL DEFAULT 0,   -- how often it was tried
    next_try_at   INTEGER NOT NULL,             -- not before
    UNIQUE (channel, notice, event)
) STRICT;
CREATE INDEX outbox_by_notice ON outbox (notice);

-- The latest version of a user that was looked at for values that are new.
ALTER TABLE integrations ADD COLUMN values_until INTEGER;   -- row id of user_versions; NULL: none was

-- Which roles, scopes, sources and states of 2FA an integration ever had.
CREATE TABLE known_values (
    integration   INTEGER NOT NULL REFERENCES integrations,
    field         TEXT NOT NULL,                -- role, scope, source, two_fa_status
    value         TEXT NOT NULL,
    run           INTEGER,                      -- the run that found it; NULL: it was there from the first look on
    PRIMARY KEY (integration, field, value)
) STRICT, WITHOUT ROWID;

-- Which fields of the console any user ever had a value in, of those that the mapping reads.
CREATE TABLE filled_fields (
    integration   INTEGER NOT NULL REFERENCES integrations,
    field         TEXT NOT NULL,
    PRIMARY KEY (integration, field)
) STRICT, WITHOUT ROWID;

ALTER TABLE tokens ADD COLUMN owner_id TEXT;                -- the user of the console that it belongs to
ALTER TABLE tokens ADD COLUMN owner TEXT;                   -- its name and address

DROP VIEW v_notices;
CREATE VIEW v_notices AS
SELECT n.kind, i.name AS integration, n.subject, n.message,
       strftime('%Y-%m-%dT%H:%M:%fZ', n.since / 1000.0, 'unixepoch') AS since,
       strftime('%Y-%m-%dT%H:%M:%fZ', n.until / 1000.0, 'unixepoch') AS until,
       n.hint, n.details
FROM notices n LEFT JOIN integrations i USING (integration);
