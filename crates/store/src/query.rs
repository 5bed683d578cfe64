//! Reading the views, for the command line.

use sqlx::{AssertSqlSafe, Column, Executor, Row, SqlSafeStr, Statement, TypeInfo, ValueRef};

use crate::error::Error;
use crate::open::Store;

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// A text.
    Text(String),
}

/// The answer to a query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, as many cells each as there are columns.
    pub rows: Vec<Vec<Cell>>,
}

impl Store {
    /// Runs one SELECT with text parameters, on the connection that cannot write.
    ///
    /// # Errors
    /// The SQL is wrong, or the database refused.
    pub async fn select(&self, sql: String, parameters: &[String]) -> Result<Rows, Error> {
        let failed = self.failed("answer a query");
        let mut reader = self.reader().await;
        // The columns are asked for beforehand: an answer without rows has a header too.
        let statement = (&mut *reader)
            .prepare(AssertSqlSafe(sql).into_sql_str())
            .await
            .map_err(&failed)?;
        let columns = statement
            .columns()
            .iter()
            .map(|column| column.name().to_owned())
            .collect();
        let mut query = statement.query().persistent(false);
        for parameter in parameters {
            query = query.bind(parameter.clone());
        }
        let found = query.fetch_all(&mut *reader).await.map_err(&failed)?;
        let rows = found
            .iter()
            .map(|row| (0..row.len()).map(|i| cell(row, i)).collect())
            .collect();
        Ok(Rows { columns, rows })
    }
}

fn cell(row: &sqlx::sqlite::SqliteRow, index: usize) -> Cell {
    let kind = match row.try_get_raw(index) {
        Ok(value) if !value.is_null() => value.type_info().name().to_owned(),
        _ => return Cell::Null,
    };
    match kind.as_str() {
        "INTEGER" | "BOOLEAN" => row
            .try_get_unchecked(index)
            .map_or(Cell::Null, Cell::Integer),
        "REAL" => row.try_get_unchecked(index).map_or(Cell::Null, Cell::Real),
        _ => row.try_get_unchecked(index).map_or(Cell::Null, Cell::Text),
    }
}
