//! The console's role list, by which `v_access` names custom roles.

use sqlx::Connection;

use crate::error::Error;
use crate::json::json;
use crate::open::Store;

impl Store {
    /// Replaces what is remembered of an integration's roles: pairs of role id and name.
    ///
    /// # Errors
    /// The database refused.
    pub async fn replace_roles(
        &self,
        integration: i64,
        roles: &[(String, String)],
    ) -> Result<(), Error> {
        let failed = self.failed("store the role list");
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        sqlx::query("DELETE FROM roles WHERE integration = ?")
            .bind(integration)
            .execute(&mut *transaction)
            .await
            .map_err(&failed)?;
        sqlx::query(
            "INSERT INTO roles (integration, role_id, name)
             SELECT ?, value ->> 0, value ->> 1 FROM json_each(?) WHERE true
             ON CONFLICT DO UPDATE SET name = excluded.name",
        )
        .bind(integration)
        .bind(json(roles))
        .execute(&mut *transaction)
        .await
        .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)
    }
}
