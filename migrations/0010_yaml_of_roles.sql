-- The YAML that would mend the roles of SaaS users stands where they are written: they are no field of `mapping`.

DROP VIEW error_causes;

-- Each row of the error log with its cause and the YAML that would mend it, as it stands in the file.
-- Rollcall's own, as its name does not begin with v_. A value is written as JSON, which YAML reads as a text, whatever is in it.
CREATE VIEW error_causes AS
SELECT e.error, e.run_id, e.integration, e.person, e.at, e.outcome, e.reason, e.field, e.value, e.cause, e.hint,
       'integrations:' || char(10) || '  ' || e.integration || ':' || char(10) || CASE
           WHEN e.reason = 'unknown_value' AND e.field IS NOT NULL AND e.value IS NOT NULL THEN
               e.above || ':' || char(10) || e.indent || '  table:' || char(10)
               || e.indent || '    ' || json_quote(e.value) || ': … # write what Oomnitza has for it'
           WHEN e.reason IN ('not_in_oomnitza', 'already_in_oomnitza') THEN
               '    preference: create_and_update'
           WHEN e.reason = 'mapping' AND e.field IS NOT NULL THEN
               e.above || ': … # write what has a value for these users'
       END AS yaml
FROM (
    SELECT e.error, r.run_id, i.name AS integration, e.person, e.at, e.outcome, e.reason, e.field, e.value,
           ifnull(e.cause, e.message) AS cause, e.hint,
           -- The keys down to the expression, and how far in the last of them stands.
           CASE e.field
               WHEN 'saas.roles' THEN
                   '    target:' || char(10) || '      saas:' || char(10) || '        roles'
               ELSE '    mapping:' || char(10) || '      ' || e.field
           END AS above,
           CASE e.field WHEN 'saas.roles' THEN '        ' ELSE '      ' END AS indent
    FROM errors e
    JOIN runs r USING (run)
    JOIN integrations i USING (integration)
) e;
