-- SaaS users: whom the integrations assigned to an application in Oomnitza, and what a run intends for them.

-- What is known of the place of an Oomnitza person in an application. Oomnitza's listing is a check; this is the source.
CREATE TABLE saas_users (
    integration   INTEGER NOT NULL REFERENCES integrations,
    saas_id       TEXT NOT NULL,                -- the application
    oomnitza_id   TEXT NOT NULL,                -- user_id of the person
    person        INTEGER NOT NULL REFERENCES people ON DELETE CASCADE, -- the user of the console whose place it is
    assigned      INTEGER NOT NULL CHECK (assigned IN (0, 1)),  -- 1: by this integration, which alone may deactivate it
    activity      TEXT NOT NULL CHECK (activity IN ('assigning', 'active', 'deactivating', 'inactive')),
                                                -- 'assigning' and 'deactivating' are stored before it is asked for
    saas_user_id  TEXT,                         -- by which it was deactivated; NULL: it was not
    external_id   TEXT,                         -- what was sent last; NULL: nothing was
    roles         TEXT,                         -- what was sent last, a JSON list of texts; NULL: nothing was
    listed        INTEGER CHECK (listed IN (0, 1)), -- whether the listing after it had the place; NULL: not read yet
    shown_external_id TEXT,                     -- what the listing after it showed; NULL: not read yet
    shown_roles   TEXT,                         -- JSON, '' for nothing; NULL: not read yet
    PRIMARY KEY (integration, saas_id, oomnitza_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX saas_users_by_person ON saas_users (person);

-- What a run intends for SaaS users, next to what it intends for people.
CREATE TABLE saas_changes (
    saas_change   INTEGER PRIMARY KEY,          -- row id; the order of delivery
    run           INTEGER NOT NULL REFERENCES runs,
    person        INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    action        TEXT NOT NULL CHECK (action IN ('update', 'deactivate')),
    state         TEXT NOT NULL CHECK (state IN ('planned', 'sent', 'done', 'failed', 'withdrawn')),
    oomnitza_id   TEXT,                         -- user_id; NULL: of a person who is yet to be made
    before        TEXT NOT NULL,                -- what Oomnitza showed of what changes, a JSON object
    after         TEXT NOT NULL,                -- what is to be there, a JSON object: assigned, external_id, roles, active
    status        INTEGER,                      -- HTTP status of the answer; NULL: none came, or none is known
    error         TEXT                          -- why it is not done; of an update the error log has it as well
) STRICT;
CREATE INDEX saas_changes_by_run ON saas_changes (run);
CREATE INDEX saas_changes_by_person ON saas_changes (person);

DROP VIEW v_changes;
CREATE VIEW v_changes AS
SELECT r.run_id, i.name AS integration, p.source_id, p.email, c.oomnitza_id, c.action, c.state, v.before, v.after,
       v.left_alone, c.status, 'person' AS target, NULL AS error
FROM changes c
JOIN change_values v USING (change)
JOIN runs r USING (run)
JOIN integrations i ON i.integration = r.integration
JOIN people p ON p.person = c.person
UNION ALL
SELECT r.run_id, i.name, p.source_id, p.email, c.oomnitza_id, c.action, c.state, c.before, c.after,
       NULL, c.status, 'saas_user', c.error
FROM saas_changes c
JOIN runs r USING (run)
JOIN integrations i ON i.integration = r.integration
JOIN people p ON p.person = c.person;

CREATE VIEW v_saas_users AS
SELECT i.name AS integration, p.source_id, p.email, s.saas_id, s.oomnitza_id, s.assigned AS assigned_by_rollcall,
       s.activity, s.external_id, s.roles
FROM saas_users s
JOIN integrations i USING (integration)
JOIN people p USING (person);
