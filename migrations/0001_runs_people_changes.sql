-- The first schema: integrations, runs, people, changes, errors, forms, notices; and the views that are promised.
-- Tables are Rollcall's own and may change with any version; the views stay, and their columns only grow.
-- Instants are milliseconds since 1970 in UTC; booleans are 0 and 1.

CREATE TABLE integrations (
    integration   INTEGER PRIMARY KEY,          -- row id, what other tables point to
    name          TEXT NOT NULL UNIQUE,         -- the id in the YAML
    population    TEXT,                         -- hash of url, site_ids and account_ids of the last complete read
    last_read_at  INTEGER                       -- when the last complete read ended
) STRICT;

CREATE TABLE runs (
    run           INTEGER PRIMARY KEY,          -- row id; grows with time
    run_id        TEXT NOT NULL UNIQUE,         -- UUIDv7, what people see
    integration   INTEGER NOT NULL REFERENCES integrations,
    trigger       TEXT NOT NULL,                -- what started it: manual, schedule …
    state         TEXT NOT NULL CHECK (state IN ('planned', 'running', 'parked', 'completed', 'completed_with_errors',
                                                 'failed', 'interrupted', 'canceled', 'discarded', 'overtaken')),
    dry_run       INTEGER NOT NULL CHECK (dry_run IN (0, 1)),   -- 1: a plan that is never delivered
    partial       INTEGER NOT NULL CHECK (partial IN (0, 1)),   -- 1: only some users were read (`--only`)
    started_at    INTEGER NOT NULL,
    read_at       INTEGER,                      -- when both sides were read
    planned_at    INTEGER,                      -- when the plan was complete; NULL: there is none
    finished_at   INTEGER,
    seen          INTEGER NOT NULL DEFAULT 0,   -- users of the source
    created       INTEGER NOT NULL DEFAULT 0,   -- intents in planned, parked and dry runs, like the next five
    updated       INTEGER NOT NULL DEFAULT 0,
    unchanged     INTEGER NOT NULL DEFAULT 0,
    skipped       INTEGER NOT NULL DEFAULT 0,
    failed        INTEGER NOT NULL DEFAULT 0,
    deactivated   INTEGER NOT NULL DEFAULT 0,
    source_calls  INTEGER NOT NULL DEFAULT 0,   -- HTTP requests sent to the source, retries included
    target_calls  INTEGER NOT NULL DEFAULT 0,
    config_hash   TEXT NOT NULL,                -- first 12 hex digits of the effective configuration's SHA-256
    portion       TEXT,                         -- UUID of the bulk portion, stored before it is opened
    portion_open  INTEGER NOT NULL DEFAULT 0 CHECK (portion_open IN (0, 1)), -- 1: a finalize has not succeeded yet
    error         TEXT,                         -- why the run could not go on
    CHECK (finished_at IS NULL OR seen = created + updated + unchanged + skipped + failed)
) STRICT;
CREATE INDEX runs_by_integration ON runs (integration, run);
CREATE INDEX runs_portion_open ON runs (integration) WHERE portion_open = 1;

CREATE TABLE people (
    person        INTEGER PRIMARY KEY,          -- row id
    integration   INTEGER NOT NULL REFERENCES integrations,
    source_id     TEXT NOT NULL,                -- the user's id in the console, 18 to 19 digits
    email         TEXT,
    full_name     TEXT,
    user_version  INTEGER NOT NULL,             -- the row of user_versions that holds now
    user_hash     BLOB NOT NULL,                -- XXH3-128 of that JSON
    record_version INTEGER,                     -- the row of record_versions that holds now; NULL: never mapped
    record_hash   BLOB,                         -- XXH3-128 of that record, without fields of the load's own instant
    oomnitza_id   TEXT,                         -- user_id of the match
    oomnitza_suspended INTEGER,                 -- whether Oomnitza shows the match as suspended
    outcome       TEXT,                         -- of the latest run that was no dry run
    reason        TEXT,
    first_seen_at INTEGER NOT NULL,
    seen_at       INTEGER NOT NULL,             -- last seen; for those present the integration's last_read_at may be later
    present       INTEGER NOT NULL CHECK (present IN (0, 1)), -- 1: in the last complete read
    gone_since    INTEGER,                      -- when a complete read of the same population first lacked the user
    UNIQUE (integration, source_id)
) STRICT;

CREATE TABLE user_versions (
    user_version  INTEGER PRIMARY KEY,          -- row id
    person        INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    run           INTEGER NOT NULL,             -- the first run in which this content held; it held until the next version's
    user          TEXT NOT NULL                 -- the JSON as it came
) STRICT;
CREATE INDEX user_versions_by_person ON user_versions (person);

CREATE TABLE record_versions (
    record_version INTEGER PRIMARY KEY,         -- row id
    person        INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    run           INTEGER NOT NULL,             -- the first run in which this record held
    record        TEXT NOT NULL                 -- Oomnitza fields and values, a JSON object
) STRICT;
CREATE INDEX record_versions_by_person ON record_versions (person);

CREATE TABLE changes (
    change        INTEGER PRIMARY KEY,          -- row id; the order of delivery
    run           INTEGER NOT NULL REFERENCES runs,
    person        INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    action        TEXT NOT NULL CHECK (action IN ('create', 'update', 'deactivate')),
    state         TEXT NOT NULL CHECK (state IN ('planned', 'sent', 'done', 'failed', 'withdrawn')),
    key_field     TEXT NOT NULL,                -- the sync key that matched; of a create the first that has a value
    oomnitza_id   TEXT                          -- user_id of the match; of a create once it is known
) STRICT;
CREATE INDEX changes_by_run ON changes (run);
CREATE INDEX changes_by_person ON changes (person);

CREATE TABLE change_values (
    change        INTEGER PRIMARY KEY REFERENCES changes ON DELETE CASCADE,
    key_value     TEXT NOT NULL,                -- value of key_field as Oomnitza has it, JSON
    before        TEXT,                         -- what Oomnitza had in the fields that change, a JSON object; NULL of a create
    after         TEXT NOT NULL                 -- what is sent, a JSON object
) STRICT;

CREATE TABLE errors (
    error         INTEGER PRIMARY KEY,          -- row id
    run           INTEGER NOT NULL REFERENCES runs,
    person        INTEGER REFERENCES people ON DELETE CASCADE, -- NULL: the console sent something without an id
    at            INTEGER NOT NULL,
    outcome       TEXT NOT NULL CHECK (outcome IN ('skipped', 'failed')),
    reason        TEXT NOT NULL,                -- a stable code
    field         TEXT,                         -- the Oomnitza field concerned
    message       TEXT NOT NULL,                -- for a person
    hint          TEXT,                         -- the YAML to change
    record_version INTEGER,                     -- the record that this is about
    resolved_at   INTEGER                       -- when a later run loaded the user, or found it gone or out of scope
) STRICT;
-- One outcome for each user of a run; rows without a user are all different.
CREATE UNIQUE INDEX errors_by_run ON errors (run, person);
CREATE INDEX errors_by_person ON errors (person);

-- What is still so after the latest run; dry runs, and plans that were not delivered, change nothing here.
CREATE TABLE open_errors (
    person        INTEGER UNIQUE REFERENCES people ON DELETE CASCADE, -- NULL: as above; such a row lasts until the next complete run
    integration   INTEGER NOT NULL REFERENCES integrations,
    error         INTEGER NOT NULL,             -- the latest row of errors
    reason        TEXT NOT NULL,                -- its reason: while it stays, the count goes on
    since         INTEGER NOT NULL,             -- when it first was so, without a break
    runs          INTEGER NOT NULL              -- how often in a row
) STRICT;

CREATE TABLE forms (
    integration   INTEGER NOT NULL REFERENCES integrations,
    oomnitza_id   TEXT NOT NULL,
    field         TEXT NOT NULL,
    sent          TEXT NOT NULL,                -- what was sent, JSON
    shown         TEXT NOT NULL,                -- what Oomnitza showed after it, JSON; "" for the empty value
    PRIMARY KEY (integration, oomnitza_id, field)
) STRICT, WITHOUT ROWID;

CREATE TABLE roles (
    integration   INTEGER NOT NULL REFERENCES integrations,
    role_id       TEXT NOT NULL,
    name          TEXT NOT NULL,                -- from the console's role list
    PRIMARY KEY (integration, role_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE notices (
    notice        INTEGER PRIMARY KEY,          -- row id
    integration   INTEGER REFERENCES integrations,
    kind          TEXT NOT NULL,                -- a stable code
    subject       TEXT NOT NULL DEFAULT '',     -- what it is about: a field, a portion
    message       TEXT NOT NULL,
    since         INTEGER NOT NULL,
    until         INTEGER                       -- NULL: it still stands
) STRICT;
CREATE UNIQUE INDEX notices_standing ON notices (ifnull(integration, 0), kind, subject) WHERE until IS NULL;

-- The promised views.

CREATE VIEW v_runs AS
SELECT r.run_id, i.name AS integration, r.trigger, r.state, r.dry_run,
       strftime('%Y-%m-%dT%H:%M:%fZ', r.started_at / 1000.0, 'unixepoch') AS started_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', r.finished_at / 1000.0, 'unixepoch') AS finished_at,
       r.finished_at - r.started_at AS duration_ms,
       r.seen, r.created, r.updated, r.unchanged, r.skipped, r.failed, r.deactivated,
       r.source_calls, r.target_calls, r.config_hash, r.portion, r.error
FROM runs r JOIN integrations i USING (integration);

CREATE VIEW v_errors AS
SELECT r.run_id, i.name AS integration,
       strftime('%Y-%m-%dT%H:%M:%fZ', e.at / 1000.0, 'unixepoch') AS at,
       p.source_id, p.email, p.full_name, e.outcome, e.reason, e.field, e.message, e.hint,
       strftime('%Y-%m-%dT%H:%M:%fZ', e.resolved_at / 1000.0, 'unixepoch') AS resolved_at,
       v.record
FROM errors e
JOIN runs r USING (run)
JOIN integrations i USING (integration)
LEFT JOIN people p ON p.person = e.person
LEFT JOIN record_versions v ON v.record_version = e.record_version;

CREATE VIEW v_open_errors AS
SELECT r.run_id, i.name AS integration,
       strftime('%Y-%m-%dT%H:%M:%fZ', e.at / 1000.0, 'unixepoch') AS at,
       p.source_id, p.email, p.full_name, e.outcome, e.reason, e.field, e.message, e.hint,
       strftime('%Y-%m-%dT%H:%M:%fZ', e.resolved_at / 1000.0, 'unixepoch') AS resolved_at,
       v.record,
       strftime('%Y-%m-%dT%H:%M:%fZ', o.since / 1000.0, 'unixepoch') AS since,
       o.runs
FROM open_errors o
JOIN errors e USING (error)
JOIN runs r USING (run)
JOIN integrations i ON i.integration = r.integration
LEFT JOIN people p ON p.person = e.person
LEFT JOIN record_versions v ON v.record_version = e.record_version;

-- Digits of a second beyond the third are cut off, as strftime would round them into the next second.
CREATE VIEW v_people AS
SELECT i.name AS integration, p.source_id, p.email, p.full_name,
       nullif(u.user ->> '$.scope', '') AS scope,
       nullif(u.user ->> '$.lowestRole', '') AS role,
       nullif(u.user ->> '$.source', '') AS source,
       iif(json_type(u.user, '$.twoFaEnabled') IN ('true', 'false'), u.user ->> '$.twoFaEnabled', NULL) AS two_fa_enabled,
       nullif(u.user ->> '$.twoFaStatus', '') AS two_fa_status,
       iif(json_type(u.user, '$.emailVerified') IN ('true', 'false'), u.user ->> '$.emailVerified', NULL) AS email_verified,
       iif(json_type(u.user, '$.isSystem') IN ('true', 'false'), u.user ->> '$.isSystem', NULL) AS is_system,
       strftime('%Y-%m-%dT%H:%M:%fZ', iif(u.user ->> '$.dateJoined' GLOB '*.[0-9][0-9][0-9][0-9]*',
           substr(u.user ->> '$.dateJoined', 1, 23) || ltrim(substr(u.user ->> '$.dateJoined', 24), '0123456789'),
           iif(json_type(u.user, '$.dateJoined') = 'text', u.user ->> '$.dateJoined', NULL))) AS date_joined,
       strftime('%Y-%m-%dT%H:%M:%fZ', iif(u.user ->> '$.firstLogin' GLOB '*.[0-9][0-9][0-9][0-9]*',
           substr(u.user ->> '$.firstLogin', 1, 23) || ltrim(substr(u.user ->> '$.firstLogin', 24), '0123456789'),
           iif(json_type(u.user, '$.firstLogin') = 'text', u.user ->> '$.firstLogin', NULL))) AS first_login,
       strftime('%Y-%m-%dT%H:%M:%fZ', iif(u.user ->> '$.lastLogin' GLOB '*.[0-9][0-9][0-9][0-9]*',
           substr(u.user ->> '$.lastLogin', 1, 23) || ltrim(substr(u.user ->> '$.lastLogin', 24), '0123456789'),
           iif(json_type(u.user, '$.lastLogin') = 'text', u.user ->> '$.lastLogin', NULL))) AS last_login,
       strftime('%Y-%m-%dT%H:%M:%fZ', iif(u.user ->> '$.apiToken.expiresAt' GLOB '*.[0-9][0-9][0-9][0-9]*',
           substr(u.user ->> '$.apiToken.expiresAt', 1, 23) || ltrim(substr(u.user ->> '$.apiToken.expiresAt', 24), '0123456789'),
           iif(json_type(u.user, '$.apiToken.expiresAt') = 'text', u.user ->> '$.apiToken.expiresAt', NULL))) AS api_token_expires_at,
       p.oomnitza_id, p.oomnitza_suspended, p.outcome AS last_outcome, p.reason AS last_reason,
       strftime('%Y-%m-%dT%H:%M:%fZ', p.first_seen_at / 1000.0, 'unixepoch') AS first_seen_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', iif(p.present, max(p.seen_at, ifnull(i.last_read_at, 0)), p.seen_at) / 1000.0, 'unixepoch') AS last_seen_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', p.gone_since / 1000.0, 'unixepoch') AS gone_since,
       v.record
FROM people p
JOIN integrations i USING (integration)
JOIN user_versions u ON u.user_version = p.user_version
LEFT JOIN record_versions v ON v.record_version = p.record_version;

-- DISTINCT, as a console may list the same role of the same scope twice.
CREATE VIEW v_access AS
SELECT DISTINCT i.name AS integration, p.source_id, p.email,
       nullif(u.user ->> '$.scope', '') AS scope_level,
       nullif(s.value ->> '$.id', '') AS scope_id,
       nullif(s.value ->> '$.name', '') AS scope_name,
       nullif(s.value ->> '$.accountName', '') AS account_name,
       nullif(s.value ->> '$.roleId', '') AS role_id,
       coalesce(n.name, nullif(s.value ->> '$.roleName', ''), nullif(s.value ->> '$.roleId', '')) AS role_name
FROM people p
JOIN integrations i USING (integration)
JOIN user_versions u ON u.user_version = p.user_version
JOIN json_each(iif(json_type(u.user, '$.scopeRoles') = 'array', u.user -> '$.scopeRoles', '[]')) s ON s.type = 'object'
LEFT JOIN roles n ON n.integration = p.integration AND n.role_id = s.value ->> '$.roleId'
WHERE p.gone_since IS NULL;

CREATE VIEW v_changes AS
SELECT r.run_id, i.name AS integration, p.source_id, p.email, c.oomnitza_id, c.action, c.state, v.before, v.after
FROM changes c
JOIN change_values v USING (change)
JOIN runs r USING (run)
JOIN integrations i ON i.integration = r.integration
JOIN people p ON p.person = c.person;

CREATE VIEW v_notices AS
SELECT n.kind, i.name AS integration, n.subject, n.message,
       strftime('%Y-%m-%dT%H:%M:%fZ', n.since / 1000.0, 'unixepoch') AS since,
       strftime('%Y-%m-%dT%H:%M:%fZ', n.until / 1000.0, 'unixepoch') AS until
FROM notices n LEFT JOIN integrations i USING (integration);

-- Nothing feeds these two yet: they are here so that what reads them can be written.
CREATE VIEW v_slots AS
SELECT NULL AS integration, NULL AS due_at, NULL AS state, NULL AS run_id, NULL AS note WHERE 0;

CREATE VIEW v_actions AS
SELECT NULL AS action_id, NULL AS workflow, NULL AS preset, NULL AS source_id, NULL AS email, NULL AS state,
       NULL AS requested_by, NULL AS reason, NULL AS at, NULL AS status, NULL AS answer WHERE 0;
