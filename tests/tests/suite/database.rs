//! A database that cannot be used: the error names the file and the cause.

use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};

use tests::{Database, Ended, INTEGRATION};

use crate::company::Company;

#[track_caller]
fn names_the_file_and(company: &Company, ended: Ended, cause: &str) {
    let ended = ended.with_code(1);
    let path = company.rollcall.database_path();
    assert!(
        ended.stderr.contains(&path.display().to_string()),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains(cause), "{}", ended.stderr);
}

#[test]
fn what_is_no_database_is_left_alone() {
    let company = Company::plain(5, 0.5);
    fs::create_dir(company.rollcall.state_dir()).unwrap();
    let text = "These are my notes, not a database. ".repeat(100);
    fs::write(company.rollcall.database_path(), &text).unwrap();
    names_the_file_and(&company, company.rollcall.run(), "not a SQLite database");
    assert_eq!(
        fs::read_to_string(company.rollcall.database_path()).unwrap(),
        text
    );
    assert_eq!(company.control.writes(), []);
}

#[test]
fn a_damaged_database_is_said_to_be_damaged() {
    let company = Company::plain(200, 0.5);
    company.load();
    // What is still in the log has to be in the file first.
    let mut database = Database::open_to_write(&company.rollcall.database_path());
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    database.close();
    let path = company.rollcall.database_path();
    let length = fs::metadata(&path).unwrap().len();
    let mut file = fs::File::options().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(8192)).unwrap();
    file.write_all(&vec![0xA5; usize::try_from(length - 8192).unwrap()])
        .unwrap();
    company.control.clear_requests();
    names_the_file_and(&company, company.rollcall.run(), "damaged");
    assert_eq!(company.control.writes(), []);
}

#[test]
fn a_database_of_a_newer_version_is_not_touched() {
    let company = Company::plain(5, 0.5);
    company.load();
    let mut database = Database::open_to_write(&company.rollcall.database_path());
    database.execute(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9000, 'from the future', 1, x'00', 1)",
    );
    database.close();
    company.control.clear_requests();
    names_the_file_and(&company, company.rollcall.run(), "newer version");
    assert_eq!(company.control.requests(), []);
    names_the_file_and(
        &company,
        company.rollcall.command(&["runs"]),
        "newer version",
    );
}

#[test]
fn a_database_that_stays_locked_is_said_to_be_locked() {
    let company = Company::plain(5, 0.5);
    company.load();
    let mut database = Database::open_to_write(&company.rollcall.database_path());
    database.execute("BEGIN IMMEDIATE");
    company.control.clear_requests();
    names_the_file_and(&company, company.rollcall.run(), "locked");
    assert_eq!(company.control.writes(), []);
    database.execute("ROLLBACK");
    company.next_load_sends_nothing();
}

#[test]
fn a_full_disk_fails_the_run_and_names_the_database() {
    let company = Company::plain(600, 0.5);
    // At the first there are no tables yet; at the last the plan is stored, and the outcomes are not.
    for kib in [16, 200, 400, 1_000, 1_400, 2_000] {
        let ended = company
            .rollcall
            .command_with_file_limit(&["run", INTEGRATION], kib);
        assert_eq!(ended.code, Some(1), "{kib} KiB: {}", ended.talk());
        let said = ended.talk();
        let in_scratch =
            said.contains("scratch file in `state_dir`") && said.contains("File too large");
        let in_database = said.contains("rollcall.db") && said.contains("the disk is full");
        assert!(in_scratch || in_database, "{kib} KiB: {said}");
    }

    // With room again everything is as it should be.
    company.load();
    company.next_load_sends_nothing();
    company.no_violations();
}

#[test]
fn commands_that_read_say_that_there_is_no_database_yet() {
    let company = Company::plain(5, 0.5);
    for command in ["runs", "errors", "people"] {
        names_the_file_and(
            &company,
            company.rollcall.command(&[command]),
            "no database",
        );
    }
    assert!(!company.rollcall.database_path().exists());
}
