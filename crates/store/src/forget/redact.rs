//! What is kept of others, without whoever is forgotten.

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, QueryBuilder, Sqlite};

use super::sought::{Address, NOBODY, name_out_of_text};

/// Rows that are looked at together.
const ROWS: i64 = 2000;

/// Texts in which somebody may be named.
const TEXTS: &[(&str, &str)] = &[
    ("runs", "error"),
    ("runs", "outline"),
    ("runs", "decision_reason"),
    ("errors", "message"),
    ("errors", "cause"),
    ("errors", "value"),
    ("errors", "hint"),
    ("people", "sighting"),
    ("sightings", "seen"),
    ("saas_changes", "error"),
    ("notices", "subject"),
    ("notices", "message"),
    ("notices", "hint"),
    ("notices", "details"),
    ("slots", "note"),
    ("pauses", "reason"),
    ("requests", "detail"),
    ("requests", "answer"),
    ("tokens", "owner_id"),
    ("tokens", "owner"),
];

/// JSON of others in which somebody's address may be a value.
const DOCUMENTS: &[(&str, &str)] = &[
    ("user_versions", "user"),
    ("record_versions", "record"),
    ("people", "sighting"),
    ("sightings", "seen"),
    ("change_values", "key_value"),
    ("saas_changes", "before"),
    ("saas_changes", "after"),
    ("saas_users", "roles"),
    ("saas_users", "shown_roles"),
];

/// Names that may be somebody's address.
const NAMES: &[(&str, &str)] = &[("people", "full_name"), ("roles", "name")];

/// Tables that have no row ids, all of them small.
const WITHOUT_ROWID: &[&str] = &["tokens", "saas_users", "roles"];

/// Puts [`NOBODY`] for a name in all texts.
pub(super) async fn name(writer: &mut SqliteConnection, name: &str) -> Result<(), sqlx::Error> {
    for (table, column) in TEXTS {
        let edit = |text: &str| name_out_of_text(text, name);
        edit_column(writer, (table, column), Letters::These(name), edit).await?;
    }
    Ok(())
}

/// Takes an address out of all that is kept of others: out of texts, and where it is a whole value.
pub(super) async fn address(
    writer: &mut SqliteConnection,
    address: &Address,
) -> Result<(), sqlx::Error> {
    let letters = Letters::Any(address.folded());
    for place in TEXTS {
        let edit = |text: &str| address.out_of_text(text);
        edit_column(writer, *place, letters, edit).await?;
    }
    for place in DOCUMENTS {
        let edit = |json: &str| address.out_of_json(json);
        edit_column(writer, *place, letters, edit).await?;
    }
    for place in NAMES {
        let edit = |name: &str| address.is(name).then(|| NOBODY.to_owned());
        edit_column(writer, *place, letters, edit).await?;
    }
    // Of what was written the field goes that had it: to be put back by nobody.
    for column in ["before", "after", "left_alone"] {
        let edit = |object: &str| address.out_of_object(object);
        edit_column(writer, ("change_values", column), letters, edit).await?;
    }
    known_values(writer, address, letters).await?;
    forms(writer, address, letters).await
}

/// How what is looked for is spelt.
#[derive(Clone, Copy)]
enum Letters<'n> {
    These(&'n str),
    /// In any letter case; this is the folded form.
    Any(&'n str),
}

impl Letters<'_> {
    /// Adds the condition that a column may have it: SQL folds ASCII alone, so whatever is not plain ASCII may.
    fn push(self, sql: &mut QueryBuilder<Sqlite>, column: &str) {
        let (begin, text, end) = match self {
            Self::These(text) => (
                format!("(instr({column}, "),
                text,
                format!(") > 0 OR instr({column}, '\\') > 0)"),
            ),
            Self::Any(folded) => (
                format!("(instr(lower({column}), "),
                folded,
                format!(") > 0 OR {column} GLOB '*[^ -~]*' OR instr({column}, '\\') > 0)"),
            ),
        };
        sql.push(begin).push_bind(text.to_owned()).push(end);
    }
}

/// Changes the texts of a column for which there is another one.
async fn edit_column(
    writer: &mut SqliteConnection,
    (table, column): (&str, &str),
    letters: Letters<'_>,
    edit: impl Fn(&str) -> Option<String>,
) -> Result<(), sqlx::Error> {
    if WITHOUT_ROWID.contains(&table) {
        for text in distinct(writer, (table, column), letters).await? {
            if let Some(edited) = edit(&text) {
                let sql = format!("UPDATE {table} SET {column} = ? WHERE {column} = ?");
                let query = sqlx::query(AssertSqlSafe(sql)).bind(edited).bind(text);
                query.execute(&mut *writer).await?;
            }
        }
        return Ok(());
    }
    let mut after = i64::MIN;
    loop {
        let mut sql = QueryBuilder::new(format!(
            "SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL AND rowid > "
        ));
        sql.push_bind(after).push(" AND ");
        letters.push(&mut sql, column);
        sql.push(" ORDER BY rowid LIMIT ").push_bind(ROWS);
        let rows: Vec<(i64, String)> = sql.build_query_as().fetch_all(&mut *writer).await?;
        let Some((last, _)) = rows.last() else {
            return Ok(());
        };
        after = *last;
        for (row, text) in rows {
            if let Some(edited) = edit(&text) {
                let sql = format!("UPDATE {table} SET {column} = ? WHERE rowid = ?");
                let query = sqlx::query(AssertSqlSafe(sql)).bind(edited).bind(row);
                query.execute(&mut *writer).await?;
            }
        }
    }
}

/// Lists the texts of a column that may have it.
async fn distinct(
    writer: &mut SqliteConnection,
    (table, column): (&str, &str),
    letters: Letters<'_>,
) -> Result<Vec<String>, sqlx::Error> {
    let mut sql = QueryBuilder::new(format!(
        "SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL AND "
    ));
    letters.push(&mut sql, column);
    sql.build_query_scalar().fetch_all(writer).await
}

async fn known_values(
    writer: &mut SqliteConnection,
    address: &Address,
    letters: Letters<'_>,
) -> Result<(), sqlx::Error> {
    for value in distinct(writer, ("known_values", "value"), letters).await? {
        if address.is(&value) {
            sqlx::query("DELETE FROM known_values WHERE value = ?")
                .bind(value)
                .execute(&mut *writer)
                .await?;
        }
    }
    Ok(())
}

async fn forms(
    writer: &mut SqliteConnection,
    address: &Address,
    letters: Letters<'_>,
) -> Result<(), sqlx::Error> {
    for column in ["sent", "shown"] {
        for json in distinct(writer, ("forms", column), letters).await? {
            if address.is_in(&json) {
                let sql = format!("DELETE FROM forms WHERE {column} = ?");
                let query = sqlx::query(AssertSqlSafe(sql)).bind(json);
                query.execute(&mut *writer).await?;
            }
        }
    }
    Ok(())
}
