-- Errors that help: those with one cause stand together, with the YAML that would mend them.
-- A view that an older SQLite cannot read keeps its whole schema from being read: Debian 12 has 3.40, to which an ORDER BY
-- in an aggregate is no SQL.

ALTER TABLE errors ADD COLUMN cause TEXT;                   -- what is wrong, in words that are the same for all users whom it
                                                            -- concerns; NULL: the message is
ALTER TABLE errors ADD COLUMN value TEXT;                   -- of `unknown_value`: what the table lacks; else NULL

-- Each row of the error log with its cause and the YAML that would mend it, as it stands in the file.
-- Rollcall's own, as its name does not begin with v_. A value is written as JSON, which YAML reads as a text, whatever is in it.
CREATE VIEW error_causes AS
SELECT e.error, r.run_id, i.name AS integration, e.person, e.at, e.outcome, e.reason, e.field, e.value,
       ifnull(e.cause, e.message) AS cause, e.hint,
       'integrations:' || char(10) || '  ' || i.name || ':' || char(10) || CASE
           WHEN e.reason = 'unknown_value' AND e.field IS NOT NULL AND e.value IS NOT NULL THEN
               '    mapping:' || char(10) || '      ' || e.field || ':' || char(10) || '        table:' || char(10)
               || '          ' || json_quote(e.value) || ': … # write what Oomnitza has for it'
           WHEN e.reason IN ('not_in_oomnitza', 'already_in_oomnitza') THEN
               '    preference: create_and_update'
           WHEN e.reason = 'mapping' AND e.field IS NOT NULL THEN
               '    mapping:' || char(10) || '      ' || e.field || ': … # write what has a value for these users'
       END AS yaml
FROM errors e
JOIN runs r USING (run)
JOIN integrations i USING (integration);

-- The condition on a run goes through an aggregate to the index of the error log, which it does not through a window.
CREATE VIEW v_error_groups AS
SELECT g.run_id, g.integration, g.outcome, g.reason, g.field, g.value, g.cause, g.users, g.open,
       (SELECT json_group_array(json_object('source_id', p.source_id, 'email', p.email))
        FROM (SELECT value FROM json_each(g.people) LIMIT 3) x JOIN people p ON p.person = x.value) AS examples,
       g.hint, g.yaml
FROM (
    SELECT e.run_id, e.integration, e.outcome, e.reason, e.field, e.value, e.cause, max(e.hint) AS hint, max(e.yaml) AS yaml,
           count(*) AS users, count(o.error) AS open, '[' || group_concat(e.person) || ']' AS people
    FROM error_causes e LEFT JOIN open_errors o ON o.person IS e.person AND o.error = e.error
    GROUP BY e.run_id, e.integration, e.outcome, e.reason, e.field, e.value, e.cause
) g;

-- The same for what is still so, whatever run found it.
CREATE VIEW v_open_error_groups AS
SELECT g.integration, g.outcome, g.reason, g.field, g.value, g.cause, g.users,
       (SELECT json_group_array(json_object('source_id', p.source_id, 'email', p.email))
        FROM (SELECT value FROM json_each(g.people) LIMIT 3) x JOIN people p ON p.person = x.value) AS examples,
       g.hint, g.yaml, strftime('%Y-%m-%dT%H:%M:%fZ', g.since / 1000.0, 'unixepoch') AS since, g.runs
FROM (
    SELECT e.integration, e.outcome, e.reason, e.field, e.value, e.cause, max(e.hint) AS hint, max(e.yaml) AS yaml,
           count(*) AS users, min(o.since) AS since, max(o.runs) AS runs, '[' || group_concat(e.person) || ']' AS people
    FROM open_errors o JOIN error_causes e ON e.error = o.error
    GROUP BY e.integration, e.outcome, e.reason, e.field, e.value, e.cause
) g;
