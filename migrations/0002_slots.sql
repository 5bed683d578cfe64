-- The daemon's part: slots, its own lives, pauses, what was asked of it, configurations, tokens.

-- One row for each due time of a schedule. A row is made when its time comes, so that it outlives the process.
CREATE TABLE slots (
    slot          INTEGER PRIMARY KEY,          -- row id
    integration   INTEGER NOT NULL REFERENCES integrations,
    due_at        INTEGER NOT NULL,             -- before jitter
    noticed_at    INTEGER NOT NULL,             -- when the row was made; an instant to come: the clock was wrong then
    state         TEXT NOT NULL CHECK (state IN ('waiting', 'ran', 'late', 'skipped', 'missed', 'paused')),
                                                -- waiting: nothing became of it yet, the views leave it out
    settled       INTEGER NOT NULL CHECK (settled IN (0, 1)), -- 0: something is still to be done about it
    run           INTEGER REFERENCES runs ON DELETE SET NULL, -- its latest run
    tries         INTEGER NOT NULL DEFAULT 0,   -- how many runs it had
    next_try_at   INTEGER,                      -- when it is tried again; NULL: it is not waiting for that
    note          TEXT,                         -- why, for a person
    UNIQUE (integration, due_at),
    CHECK (settled = 0 OR (state <> 'waiting' AND next_try_at IS NULL))
) STRICT;
CREATE INDEX slots_open ON slots (integration, due_at) WHERE settled = 0;
CREATE INDEX slots_by_run ON slots (run) WHERE run IS NOT NULL;

ALTER TABLE runs ADD COLUMN slot INTEGER REFERENCES slots ON DELETE SET NULL; -- the slot that it was started for
CREATE INDEX runs_by_slot ON runs (slot) WHERE slot IS NOT NULL;
CREATE INDEX runs_going_on ON runs (integration) WHERE state = 'running';

ALTER TABLE integrations ADD COLUMN ledger_from INTEGER; -- due times after it are accounted for; NULL: never served
ALTER TABLE integrations ADD COLUMN timing TEXT;         -- the timing of the schedule that was last in force

-- The lives of the daemon: between two of them it was down.
CREATE TABLE services (
    service       INTEGER PRIMARY KEY,          -- row id
    pid           INTEGER NOT NULL,
    version       TEXT NOT NULL,                -- of Rollcall
    started_at    INTEGER NOT NULL,
    alive_at      INTEGER NOT NULL,             -- due times until then have their slots; written once a minute
    stopped_at    INTEGER                       -- NULL: it goes on, or it was killed
) STRICT;

-- Pauses made by hand; those of the YAML are in the YAML.
CREATE TABLE pauses (
    pause         INTEGER PRIMARY KEY,          -- row id
    integration   INTEGER REFERENCES integrations, -- NULL: all of them
    reason        TEXT NOT NULL,
    by            TEXT NOT NULL,                -- who: name and uid
    since         INTEGER NOT NULL,
    until         INTEGER,                      -- NULL: it still stands
    resumed_by    TEXT                          -- NULL: it stands, or one with another reason took its place
) STRICT;
CREATE UNIQUE INDEX pauses_standing ON pauses (ifnull(integration, 0)) WHERE until IS NULL;

-- What was asked of the daemon through its socket, except questions.
CREATE TABLE requests (
    request       INTEGER PRIMARY KEY,          -- row id
    at            INTEGER NOT NULL,
    uid           INTEGER NOT NULL,             -- of the peer, as the kernel says
    user          TEXT,                         -- its name; NULL: it has none
    pid           INTEGER,
    command       TEXT NOT NULL,                -- run, plan, apply, pause, resume, cancel …
    subject       TEXT,                         -- an integration, or a run
    detail        TEXT,                         -- a reason, or options
    answer        TEXT NOT NULL                 -- what came of it, or why it was refused
) STRICT;

-- The effective configuration of an integration for each of its hashes, without secrets.
CREATE TABLE configurations (
    integration   INTEGER NOT NULL REFERENCES integrations,
    config_hash   TEXT NOT NULL,
    since         INTEGER NOT NULL,             -- when it was first in force
    text          TEXT NOT NULL,                -- YAML
    PRIMARY KEY (integration, config_hash)
) STRICT, WITHOUT ROWID;

-- What the systems say of the tokens.
CREATE TABLE tokens (
    credential    TEXT PRIMARY KEY,             -- its name in the YAML
    expires_at    INTEGER,                      -- NULL: it does not end, or nobody says
    read_at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Retention asks of errors without a person whether they are still open; the others are found by their person.
CREATE INDEX open_errors_of_nobody ON open_errors (error) WHERE person IS NULL;

DROP VIEW v_runs;
CREATE VIEW v_runs AS
SELECT r.run_id, i.name AS integration, r.trigger, r.state, r.dry_run,
       strftime('%Y-%m-%dT%H:%M:%fZ', r.started_at / 1000.0, 'unixepoch') AS started_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', r.finished_at / 1000.0, 'unixepoch') AS finished_at,
       r.finished_at - r.started_at AS duration_ms,
       r.seen, r.created, r.updated, r.unchanged, r.skipped, r.failed, r.deactivated,
       r.source_calls, r.target_calls, r.config_hash, r.portion, r.error,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.due_at / 1000.0, 'unixepoch') AS due_at
FROM runs r JOIN integrations i USING (integration) LEFT JOIN slots s ON s.slot = r.slot;

DROP VIEW v_slots;
CREATE VIEW v_slots AS
SELECT i.name AS integration,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.due_at / 1000.0, 'unixepoch') AS due_at,
       s.state, r.run_id, s.note
FROM slots s JOIN integrations i USING (integration) LEFT JOIN runs r ON r.run = s.run
WHERE s.state <> 'waiting';

CREATE VIEW v_requests AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch') AS at, uid, user, pid, command, subject, detail, answer
FROM requests;

CREATE VIEW v_configurations AS
SELECT i.name AS integration, c.config_hash,
       strftime('%Y-%m-%dT%H:%M:%fZ', c.since / 1000.0, 'unixepoch') AS since, c.text
FROM configurations c JOIN integrations i USING (integration);
