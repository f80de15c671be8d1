//! The writer's connection: opened with durable settings or not at all.

use super::{
    address::Address,
    backend::{Backend, on_either},
    durability,
};
use crate::audit::OpenError;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, SqliteConnection};

/// A connection that may write.
pub(super) type Connection = Backend<SqliteConnection, PgConnection>;

impl Connection {
    /// Connects, and checks that a commit on this connection is durable.
    pub(super) async fn open(address: &Address) -> Result<Self, OpenError> {
        let failed = |error: sqlx::Error| OpenError::Connect(error.to_string());
        let mut connection = match &address.0 {
            Backend::Sqlite(options) => Self::Sqlite(options.connect().await.map_err(failed)?),
            Backend::Postgres(options) => Self::Postgres(options.connect().await.map_err(failed)?),
        };
        match &mut connection {
            Self::Sqlite(inner) => {
                let journal_mode: String = show(inner, "PRAGMA journal_mode").await?;
                let synchronous = sqlx::query_scalar("PRAGMA synchronous").fetch_one(inner).await.map_err(failed)?;
                durability::of_sqlite(&journal_mode, synchronous)?;
            }
            Self::Postgres(inner) => prepare_postgres(inner).await?,
        }
        Ok(connection)
    }

    /// Runs one of our own statements, without values.
    pub(super) async fn run(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        on_either!(self, inner => sqlx::raw_sql(sql).execute(inner).await.map(|_| ()))
    }

    /// Begins a transaction that will write. SQLite takes its lock at once: a lock taken at the first insert could fail
    /// without waiting.
    pub(super) async fn begin(&mut self) -> Result<(), sqlx::Error> {
        let sql = match self {
            Self::Sqlite(_) => "BEGIN IMMEDIATE",
            Self::Postgres(_) => "BEGIN",
        };
        self.run(sql).await
    }

    /// Says goodbye; SQLite folds its log into the file.
    pub(super) async fn close(self) -> Result<(), sqlx::Error> {
        on_either!(self, inner => inner.close().await)
    }
}

async fn prepare_postgres(connection: &mut PgConnection) -> Result<(), OpenError> {
    let failed = |error: sqlx::Error| OpenError::Connect(error.to_string());
    // `remote_apply` waits for more than `on` does; everything else waits for less.
    if show_postgres(connection, "SHOW synchronous_commit").await? != "remote_apply" {
        sqlx::raw_sql("SET synchronous_commit = on").execute(&mut *connection).await.map_err(failed)?;
    }
    // A server that hangs must not hold our locks for ever once we have turned away.
    let limits = "SET statement_timeout = '30s'; SET lock_timeout = '10s'; \
                  SET idle_in_transaction_session_timeout = '30s'";
    sqlx::raw_sql(limits).execute(&mut *connection).await.map_err(failed)?;
    let fsync = show_postgres(connection, "SHOW fsync").await?;
    let full_page_writes = show_postgres(connection, "SHOW full_page_writes").await?;
    let synchronous_commit = show_postgres(connection, "SHOW synchronous_commit").await?;
    durability::of_postgres(&fsync, &full_page_writes, &synchronous_commit)
}

async fn show(connection: &mut SqliteConnection, sql: &'static str) -> Result<String, OpenError> {
    sqlx::query_scalar(sql).fetch_one(connection).await.map_err(|error| OpenError::Connect(error.to_string()))
}

async fn show_postgres(connection: &mut PgConnection, sql: &'static str) -> Result<String, OpenError> {
    sqlx::query_scalar(sql).fetch_one(connection).await.map_err(|error| OpenError::Connect(error.to_string()))
}
