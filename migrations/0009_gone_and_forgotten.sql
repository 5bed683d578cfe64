-- Who leaves while another population is read is gone once its own is read again; what is left of forgetting somebody is known.

-- Who was in the last complete read of a population other than the one that was read last; of that, `people.present` says it.
CREATE TABLE members (
    person        INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    population    TEXT NOT NULL,                -- hash of url, site_ids and account_ids, as `integrations.population`
    PRIMARY KEY (person, population)
) STRICT, WITHOUT ROWID;

-- Of whom a population lacked that was new, and who was gone in a later read of an older one.
ALTER TABLE absences ADD COLUMN gone_run INTEGER;           -- the run that found it gone; NULL: none did, or `run` did
ALTER TABLE absences ADD COLUMN gone_at INTEGER;            -- when that read ended

-- Who is absent, and was last in a population that is not read any more: it was seen when that was read and planned.
INSERT OR IGNORE INTO members (person, population)
SELECT p.person, r.population
FROM absences a
JOIN people p USING (person)
JOIN integrations i USING (integration)
JOIN runs r ON r.integration = p.integration AND r.read_at <= p.seen_at AND r.planned_at >= p.seen_at
WHERE a.back_run IS NULL AND a.gone = 0 AND r.partial = 0 AND r.kind = 'load'
  AND r.population IS NOT NULL AND r.population IS NOT i.population;

-- One row while the file is to be written anew, as somebody was forgotten; no row: nothing of them is left in it.
CREATE TABLE rewrites (
    rewrite       INTEGER PRIMARY KEY CHECK (rewrite = 1),
    forgotten     INTEGER NOT NULL              -- how many were forgotten since it was written anew
) STRICT;
