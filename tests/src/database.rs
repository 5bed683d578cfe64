//! The database as its readers see it: read-only, with SQL.

use std::path::Path;

use serde_json::{Map, Value};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Row as _};
use sqlx::{TypeInfo as _, ValueRef as _};
use tokio::runtime::{Builder, Runtime};

/// A connection to `rollcall.db`.
#[derive(Debug)]
pub struct Database {
    runtime: Runtime,
    connection: SqliteConnection,
}

impl Database {
    /// Opens a database as a reader does.
    ///
    /// # Panics
    /// There is none, or it cannot be read.
    pub fn open(path: &Path) -> Self {
        Self::connect(&SqliteConnectOptions::new().filename(path).read_only(true))
    }

    /// Opens a database to spoil it.
    ///
    /// # Panics
    /// There is none.
    pub fn open_to_write(path: &Path) -> Self {
        Self::connect(&SqliteConnectOptions::new().filename(path))
    }

    fn connect(options: &SqliteConnectOptions) -> Self {
        let runtime = Builder::new_current_thread()
            .build()
            .expect("a runtime can be made");
        let connection = runtime
            .block_on(options.connect())
            .expect("the database can be opened");
        Self {
            runtime,
            connection,
        }
    }

    /// The rows of a query, as objects by column.
    ///
    /// # Panics
    /// The query fails.
    #[track_caller]
    pub fn rows(&mut self, sql: &str) -> Vec<Map<String, Value>> {
        self.fetch(sql).iter().map(object).collect()
    }

    /// The only value of the only row.
    ///
    /// # Panics
    /// The query gives something else.
    #[track_caller]
    pub fn value(&mut self, sql: &str) -> Value {
        let rows = self.fetch(sql);
        let [row] = rows.as_slice() else {
            panic!("`{sql}` gave {} rows", rows.len());
        };
        value(row, 0)
    }

    /// The names of the columns of a view or table, in order.
    ///
    /// # Panics
    /// There is no such view.
    #[track_caller]
    pub fn columns(&mut self, view: &str) -> Vec<String> {
        let sql = format!("SELECT name FROM pragma_table_info('{view}') ORDER BY cid");
        let rows = self.fetch(&sql);
        assert!(!rows.is_empty(), "there is no `{view}`");
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Carries out statements that change something.
    ///
    /// # Panics
    /// They fail.
    #[track_caller]
    pub fn execute(&mut self, sql: &str) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        self.runtime
            .block_on(sql.execute(&mut self.connection))
            .expect("the statement is carried out");
    }

    /// Closes the connection.
    ///
    /// # Panics
    /// It cannot be closed.
    pub fn close(self) {
        self.runtime
            .block_on(self.connection.close())
            .expect("the connection can be closed");
    }

    #[track_caller]
    fn fetch(&mut self, sql: &str) -> Vec<SqliteRow> {
        let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
        let rows = self.runtime.block_on(query.fetch_all(&mut self.connection));
        rows.unwrap_or_else(|error| panic!("`{sql}`: {error}"))
    }
}

fn object(row: &SqliteRow) -> Map<String, Value> {
    let columns = row.columns().iter();
    columns
        .map(|column| (column.name().to_owned(), value(row, column.ordinal())))
        .collect()
}

fn value(row: &SqliteRow, place: usize) -> Value {
    let raw = row.try_get_raw(place).expect("the column is there");
    if raw.is_null() {
        return Value::Null;
    }
    match raw.type_info().name() {
        "INTEGER" | "BOOLEAN" => row.get::<i64, _>(place).into(),
        "REAL" => row.get::<f64, _>(place).into(),
        "TEXT" => row.get::<String, _>(place).into(),
        other => panic!("no promised column holds {other}"),
    }
}
