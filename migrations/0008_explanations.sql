-- Every user explained: what each sync key found and what Oomnitza had, in any run that is kept; and which runs saw a user.

-- What the latest run that looked the user up found, a JSON object.
-- `match`: user_id of the one whom it found, and `shown`: what Oomnitza had in those mapped fields in which that is neither equal
-- to the record nor in `change_values.before`. Or else `found`: for each of several its user_id and the sync keys that found it,
-- as bits, the first key the lowest; and `behind`: the id of the user that goes before.
ALTER TABLE people ADD COLUMN sighting TEXT;                -- NULL: nobody was found
ALTER TABLE people ADD COLUMN sighting_hash INTEGER;        -- XXH3-64 of it
ALTER TABLE people ADD COLUMN sighting_run INTEGER;         -- the first run in which it held; NULL: nobody was ever found

-- What held before.
CREATE TABLE sightings (
    sighting      INTEGER PRIMARY KEY,          -- row id
    person        INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    run           INTEGER NOT NULL,             -- the first run in which it held
    until_run     INTEGER NOT NULL,             -- the first run in which it did not hold any more
    seen          TEXT                          -- as `people.sighting`
) STRICT;
CREATE INDEX sightings_by_person ON sightings (person);

-- When a user was not in the reads of everybody: a row from its departure, or from before it was in any such read.
CREATE TABLE absences (
    absence       INTEGER PRIMARY KEY,          -- row id
    person        INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    run           INTEGER NOT NULL,             -- the first run that lacked it
    at            INTEGER NOT NULL,
    gone          INTEGER NOT NULL CHECK (gone IN (0, 1)), -- 0: nobody is gone because of it: the population is another
    back_run      INTEGER,                      -- the run that had it again; NULL: none had yet
    back_at       INTEGER
) STRICT;
CREATE INDEX absences_by_person ON absences (person);
CREATE UNIQUE INDEX absences_open ON absences (person) WHERE back_run IS NULL;

-- Who was absent when this began.
INSERT INTO absences (person, run, at, gone)
SELECT p.person,
       ifnull((SELECT min(r.run) FROM runs r
               WHERE r.integration = p.integration AND r.planned_at IS NOT NULL AND r.partial = 0
                 AND r.read_at >= ifnull(p.gone_since, p.seen_at)), 0),
       ifnull(p.gone_since, p.seen_at), p.gone_since IS NOT NULL
FROM people p WHERE p.present = 0;

-- Whom a run of some users found unchanged; its others have a change or an error.
CREATE TABLE bystanders (
    run           INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    person        INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
    PRIMARY KEY (run, person)
) STRICT, WITHOUT ROWID;
CREATE INDEX bystanders_by_person ON bystanders (person);
