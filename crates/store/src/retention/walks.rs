//! What a pass removes, table by table, in the order that foreign keys and the rules of what stays ask for.

/// A walk over the rows of a table, some of them at a time, that removes what hangs on them or themselves.
pub(super) struct Walk {
    pub(super) table: &'static str,
    /// The row id, by which it goes.
    pub(super) key: &'static str,
    /// How many rows are looked at in one transaction.
    pub(super) rows: u32,
    /// Asks whether there is anything to remove in a part, where that costs less than to look for each of it;
    /// parameters as below.
    pub(super) any: Option<&'static str>,
    /// ?1 is the row behind which this part begins, ?2 its last row, ?3 how many rows may go;
    /// ?4 to ?7 are the instants of runs, errors, changes and gone people.
    ///
    /// Each counts on those before it having left nothing.
    pub(super) deletes: &'static [&'static str],
}

/// A run `r` has ended, and nothing is waiting for what it wrote.
macro_rules! ended {
    () => {
        "r.state NOT IN ('planned', 'running', 'parked') AND r.portion_open = 0"
    };
}

/// The age of a run `r`.
macro_rules! age {
    () => {
        "ifnull(r.finished_at, r.started_at)"
    };
}

/// A run `r` goes: it is old, it is neither the last of its integration nor the last that completed,
/// where a dry or a partial run is no successor to one that was neither, and no slot waits for it.
macro_rules! goes {
    () => {
        concat!(
            ended!(),
            " AND ",
            age!(),
            " < ?4
              AND EXISTS (SELECT 1 FROM runs n WHERE n.integration = r.integration AND n.run > r.run)
              AND (r.state NOT IN ('completed', 'completed_with_errors')
                   OR EXISTS (SELECT 1 FROM runs n WHERE n.integration = r.integration AND n.run > r.run
                              AND n.state IN ('completed', 'completed_with_errors')
                              AND n.dry_run <= r.dry_run AND n.partial <= r.partial))
              AND NOT EXISTS (SELECT 1 FROM slots s WHERE s.run = r.run AND s.settled = 0)"
        )
    };
}

/// A person `p` of this part goes; a run that may have read them before is waited for.
macro_rules! gone {
    () => {
        "p.person > ?1 AND p.person <= ?2 AND p.present = 0 AND p.gone_since < ?7
         AND p.integration NOT IN (SELECT integration FROM runs WHERE state IN ('planned', 'running', 'parked'))"
    };
}

/// A version `v` of a person `p` of this part was superseded by a run that is old.
macro_rules! superseded {
    ($table:literal, $version:literal) => {
        concat!(
            "SELECT v.",
            $version,
            " FROM people p CROSS JOIN ",
            $table,
            " v ON v.person = p.person
             WHERE p.person > ?1 AND p.person <= ?2 AND v.",
            $version,
            " IS NOT p.",
            $version,
            "
               AND EXISTS (SELECT 1 FROM ",
            $table,
            " n LEFT JOIN runs r ON r.run = n.run
                           WHERE n.person = v.person AND n.",
            $version,
            " > v.",
            $version,
            "
                             AND ifnull(",
            age!(),
            ", 0) < ?6)"
        )
    };
}

/// All walks, in their order.
pub(super) const WALKS: &[Walk] = &[
    // People who are gone. What hangs on them goes first, as it may be more than one transaction should hold.
    Walk {
        table: "people",
        key: "person",
        rows: 5000,
        any: Some(concat!(
            "SELECT EXISTS (SELECT 1 FROM people p WHERE ",
            gone!(),
            ")"
        )),
        deletes: &[
            concat!(
                "DELETE FROM open_errors WHERE rowid IN (
                    SELECT o.rowid FROM people p CROSS JOIN open_errors o ON o.person = p.person WHERE ",
                gone!(),
                " LIMIT ?3)"
            ),
            concat!(
                "DELETE FROM errors WHERE error IN (
                    SELECT e.error FROM people p CROSS JOIN errors e ON e.person = p.person WHERE ",
                gone!(),
                " LIMIT ?3)"
            ),
            concat!(
                "DELETE FROM changes WHERE change IN (
                    SELECT c.change FROM people p CROSS JOIN changes c ON c.person = p.person WHERE ",
                gone!(),
                " LIMIT ?3)"
            ),
            concat!(
                "DELETE FROM saas_changes WHERE saas_change IN (
                    SELECT c.saas_change FROM people p CROSS JOIN saas_changes c ON c.person = p.person WHERE ",
                gone!(),
                " LIMIT ?3)"
            ),
            concat!(
                "DELETE FROM user_versions WHERE user_version IN (
                    SELECT v.user_version FROM people p CROSS JOIN user_versions v ON v.person = p.person
                    WHERE v.user_version <> p.user_version AND ",
                gone!(),
                " LIMIT ?3)"
            ),
            concat!(
                "DELETE FROM record_versions WHERE record_version IN (
                    SELECT v.record_version FROM people p CROSS JOIN record_versions v ON v.person = p.person
                    WHERE v.record_version IS NOT p.record_version AND ",
                gone!(),
                " LIMIT ?3)"
            ),
            concat!(
                "DELETE FROM people WHERE person IN (SELECT p.person FROM people p WHERE ",
                gone!(),
                " LIMIT ?3)"
            ),
        ],
    },
    // Runs; one that an open error was found in stays for its sake.
    Walk {
        table: "runs",
        key: "run",
        rows: 200,
        any: None,
        deletes: &[
            concat!(
                "DELETE FROM errors WHERE error IN (
                    SELECT e.error FROM runs r CROSS JOIN errors e ON e.run = r.run
                    WHERE r.run > ?1 AND r.run <= ?2 AND r.state NOT IN ('planned', 'running', 'parked')
                      AND r.started_at < max(?4, ?5)
                      AND (e.at < ?5 OR (", goes!(), "))
                      AND NOT EXISTS (SELECT 1 FROM open_errors o WHERE o.person = e.person AND o.error = e.error)
                      AND NOT EXISTS (SELECT 1 FROM open_errors o WHERE o.person IS NULL AND o.error = e.error)
                    LIMIT ?3)"
            ),
            concat!(
                "DELETE FROM changes WHERE change IN (
                    SELECT c.change FROM runs r CROSS JOIN changes c ON c.run = r.run
                    WHERE r.run > ?1 AND r.run <= ?2 AND ", ended!(), "
                      AND (", age!(), " < ?6 OR (", goes!(), "))
                    LIMIT ?3)"
            ),
            concat!(
                "DELETE FROM saas_changes WHERE saas_change IN (
                    SELECT c.saas_change FROM runs r CROSS JOIN saas_changes c ON c.run = r.run
                    WHERE r.run > ?1 AND r.run <= ?2 AND ", ended!(), "
                      AND (", age!(), " < ?6 OR (", goes!(), "))
                    LIMIT ?3)"
            ),
            concat!(
                "DELETE FROM runs WHERE run IN (
                    SELECT r.run FROM runs r WHERE r.run > ?1 AND r.run <= ?2 AND ", goes!(), "
                      AND NOT EXISTS (SELECT 1 FROM errors e WHERE e.run = r.run)
                      AND NOT EXISTS (SELECT 1 FROM changes c WHERE c.run = r.run)
                      AND NOT EXISTS (SELECT 1 FROM saas_changes c WHERE c.run = r.run)
                    LIMIT ?3)"
            ),
        ],
    },
    // What held before; a record that an error shows stays for its sake.
    Walk {
        table: "people",
        key: "person",
        rows: 5000,
        any: None,
        deletes: &[
            concat!(
                "DELETE FROM user_versions WHERE user_version IN (",
                superseded!("user_versions", "user_version"),
                " LIMIT ?3)"
            ),
            concat!(
                "DELETE FROM record_versions WHERE record_version IN (",
                superseded!("record_versions", "record_version"),
                " AND NOT EXISTS (SELECT 1 FROM errors e
                                  WHERE e.person = v.person AND e.record_version = v.record_version)
                  LIMIT ?3)"
            ),
        ],
    },
    // Due times, whose runs are gone, or that had none.
    Walk {
        table: "slots",
        key: "slot",
        rows: 2000,
        any: None,
        deletes: &[
            "DELETE FROM slots WHERE slot IN (
                SELECT s.slot FROM slots s
                WHERE s.slot > ?1 AND s.slot <= ?2 AND s.settled = 1 AND s.due_at < ?4 AND s.run IS NULL
                  AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.slot = s.slot)
                LIMIT ?3)",
        ],
    },
    Walk {
        table: "services",
        key: "service",
        rows: 2000,
        any: None,
        deletes: &[
            "DELETE FROM services WHERE service IN (
                SELECT s.service FROM services s
                WHERE s.service > ?1 AND s.service <= ?2 AND max(s.started_at, s.alive_at, ifnull(s.stopped_at, 0)) < ?4
                  AND s.service < (SELECT max(service) FROM services)
                LIMIT ?3)",
        ],
    },
    Walk {
        table: "requests",
        key: "request",
        rows: 2000,
        any: None,
        deletes: &[
            "DELETE FROM requests WHERE request IN (
                SELECT request FROM requests WHERE request > ?1 AND request <= ?2 AND at < ?4 LIMIT ?3)",
        ],
    },
    Walk {
        table: "pauses",
        key: "pause",
        rows: 2000,
        any: None,
        deletes: &[
            "DELETE FROM pauses WHERE pause IN (
                SELECT pause FROM pauses WHERE pause > ?1 AND pause <= ?2 AND until < ?4 LIMIT ?3)",
        ],
    },
    Walk {
        table: "notices",
        key: "notice",
        rows: 2000,
        any: None,
        deletes: &[
            "DELETE FROM notices WHERE notice IN (
                SELECT notice FROM notices WHERE notice > ?1 AND notice <= ?2 AND until < ?4 LIMIT ?3)",
        ],
    },
    // A configuration that nothing ran under may still be about to be used, so it has to be old as well.
    Walk {
        table: "integrations",
        key: "integration",
        rows: 10,
        any: None,
        deletes: &[
            "DELETE FROM configurations WHERE (integration, config_hash) IN (
                SELECT c.integration, c.config_hash FROM configurations c
                WHERE c.integration > ?1 AND c.integration <= ?2 AND c.since < ?4
                  AND EXISTS (SELECT 1 FROM configurations n WHERE n.integration = c.integration
                              AND (n.since, n.config_hash) > (c.since, c.config_hash))
                  AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.integration = c.integration
                                  AND r.config_hash = c.config_hash)
                LIMIT ?3)",
        ],
    },
];

/// Forms of Oomnitza people whom nobody matches, at most ?1.
///
/// Not part of a walk: no index leads from a match to its people, so all of them are read once, which is seldom needed,
/// as most installations have no forms.
pub(super) const FORGOTTEN_FORMS: &str = "SELECT integration, oomnitza_id, field FROM forms
    WHERE (integration, oomnitza_id) NOT IN (SELECT integration, oomnitza_id FROM people WHERE oomnitza_id IS NOT NULL)
    LIMIT ?1";
