-- Safe to point at production: plans that are held back, approved and taken back; what was answered to each write.

ALTER TABLE runs ADD COLUMN kind TEXT NOT NULL DEFAULT 'load' CHECK (kind IN ('load', 'replay', 'undo'));
ALTER TABLE runs ADD COLUMN origin TEXT;                    -- run_id of the run that is replayed or undone
ALTER TABLE runs ADD COLUMN population TEXT;                -- hash of url, site_ids and account_ids of what was read completely
ALTER TABLE runs ADD COLUMN in_scope INTEGER;               -- how many of the users seen are in scope; NULL: no plan was made
ALTER TABLE runs ADD COLUMN decision TEXT CHECK (decision IN ('applied', 'released', 'discarded'));
                                                            -- what became of a plan that waited
ALTER TABLE runs ADD COLUMN decided_at INTEGER;
ALTER TABLE runs ADD COLUMN decided_by TEXT;                -- the account of who decided
ALTER TABLE runs ADD COLUMN decision_reason TEXT;           -- why, in their words
UPDATE runs SET population = (SELECT i.population FROM integrations i WHERE i.integration = runs.integration)
 WHERE planned_at IS NOT NULL AND partial = 0;

-- How far any load of everybody ever came: 0: none was delivered, 1: one was, and did not come to its end, 2: one did.
ALTER TABLE integrations ADD COLUMN loaded INTEGER NOT NULL DEFAULT 0 CHECK (loaded IN (0, 1, 2));
UPDATE integrations SET loaded = ifnull((
    SELECT max(iif(r.state IN ('completed', 'completed_with_errors'), 2, 1)) FROM runs r
    WHERE r.integration = integrations.integration AND r.planned_at IS NOT NULL AND r.partial = 0 AND r.dry_run = 0
      AND r.state IN ('completed', 'completed_with_errors', 'failed', 'interrupted', 'canceled')), 0);

-- How many users the complete reads had lately.
CREATE INDEX runs_reads ON runs (integration, run) WHERE planned_at IS NOT NULL AND partial = 0 AND kind = 'load';

-- The guards that a plan is over.
CREATE TABLE guard_hits (
    run           INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    guard         TEXT NOT NULL,                -- its name in the YAML; `first_run` for what it says
    found         INTEGER NOT NULL,             -- how many the plan has
    allowed       INTEGER NOT NULL,             -- how many pass
    base          INTEGER,                      -- of how many that is a share; NULL: it is a number
    message       TEXT NOT NULL,                -- for a person; names nobody
    PRIMARY KEY (run, guard)
) STRICT, WITHOUT ROWID;

-- At most ten users whose changes a guard counted.
CREATE TABLE guard_examples (
    run           INTEGER NOT NULL,
    guard         TEXT NOT NULL,
    person        INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    FOREIGN KEY (run, guard) REFERENCES guard_hits ON DELETE CASCADE,
    PRIMARY KEY (run, guard, person)
) STRICT, WITHOUT ROWID;
CREATE INDEX guard_examples_by_person ON guard_examples (person);

ALTER TABLE changes ADD COLUMN status INTEGER;              -- HTTP status of the answer; NULL: none came, or none is known
ALTER TABLE changes ADD COLUMN standing INTEGER;            -- XXH3-64 of what Oomnitza had of the person when it was planned

ALTER TABLE change_values ADD COLUMN left_alone TEXT;       -- of an undo: fields that somebody changed since, with what is there now

DROP VIEW v_runs;
CREATE VIEW v_runs AS
SELECT r.run_id, i.name AS integration, r.trigger, r.state, r.dry_run,
       strftime('%Y-%m-%dT%H:%M:%fZ', r.started_at / 1000.0, 'unixepoch') AS started_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', r.finished_at / 1000.0, 'unixepoch') AS finished_at,
       r.finished_at - r.started_at AS duration_ms,
       r.seen, r.created, r.updated, r.unchanged, r.skipped, r.failed, r.deactivated,
       r.source_calls, r.target_calls, r.config_hash, r.portion, r.error,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.due_at / 1000.0, 'unixepoch') AS due_at,
       r.kind, r.origin AS of_run_id, r.decision,
       strftime('%Y-%m-%dT%H:%M:%fZ', r.decided_at / 1000.0, 'unixepoch') AS decided_at,
       r.decided_by, r.decision_reason
FROM runs r JOIN integrations i USING (integration) LEFT JOIN slots s ON s.slot = r.slot;

DROP VIEW v_changes;
CREATE VIEW v_changes AS
SELECT r.run_id, i.name AS integration, p.source_id, p.email, c.oomnitza_id, c.action, c.state, v.before, v.after,
       v.left_alone, c.status
FROM changes c
JOIN change_values v USING (change)
JOIN runs r USING (run)
JOIN integrations i ON i.integration = r.integration
JOIN people p ON p.person = c.person;

CREATE VIEW v_guards AS
SELECT r.run_id, i.name AS integration, g.guard, g.found, g.allowed, g.base, g.message,
       (SELECT json_group_array(json(x.example)) FROM (
            SELECT json_object('source_id', p.source_id, 'email', p.email) AS example
            FROM guard_examples x JOIN people p USING (person) WHERE x.run = g.run AND x.guard = g.guard
            ORDER BY x.person) x) AS examples
FROM guard_hits g JOIN runs r USING (run) JOIN integrations i USING (integration);
