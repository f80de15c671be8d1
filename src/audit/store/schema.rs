//! Brings the database's schema up to date at start-up. The files are in `migrations/`, embedded in the program.

use super::{
    backend::{Backend, on_either},
    connection::Connection,
};
use crate::audit::OpenError;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{SqlSafeStr as _, SqlStr};

/// A migration: its number, its name, and its text for SQLite and for Postgres.
type Step = (i64, &'static str, &'static str, &'static str);

/// In order. `migrations/README.md` says how to add one.
const STEPS: &[Step] = &[(
    1,
    "record",
    include_str!("../../../migrations/sqlite/0001_record.sql"),
    include_str!("../../../migrations/postgres/0001_record.sql"),
)];

/// The newest migration this program knows.
pub(super) fn newest() -> i64 {
    STEPS.iter().map(|step| step.0).max().unwrap_or(0)
}

/// Applies what is missing; nothing if nothing is.
pub(super) async fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let migrator = migrator(connection);
    // Two processes that start together on a new SQLite file both find nothing there, and one of them comes second.
    let outcome = match run(&migrator, connection).await {
        Err(MigrateError::ExecuteMigration(..) | MigrateError::Execute(_)) => run(&migrator, connection).await,
        outcome => outcome,
    };
    outcome.map_err(named)
}

async fn run(migrator: &Migrator, connection: &mut Connection) -> Result<(), MigrateError> {
    on_either!(connection, inner => migrator.run_direct(None, inner, false).await)
}

fn migrator(connection: &Connection) -> Migrator {
    let sqlite = matches!(connection, Backend::Sqlite(_));
    let migrations = STEPS.iter().map(|&(version, name, for_sqlite, for_postgres)| {
        let sql: SqlStr = if sqlite { for_sqlite } else { for_postgres }.into_sql_str();
        Migration::new(version, name.into(), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(migrations.collect())
}

fn named(error: MigrateError) -> OpenError {
    match error {
        MigrateError::VersionMissing(database) if database > newest() => {
            OpenError::Newer { database, program: newest() }
        }
        other => OpenError::Migration(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::STEPS;

    #[test]
    fn the_steps_are_numbered_from_one_without_gaps() {
        assert!(STEPS.iter().zip(1..).all(|(step, number)| step.0 == number));
    }

    #[test]
    fn every_migration_file_is_embedded() {
        for dialect in ["sqlite", "postgres"] {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(dialect);
            assert_eq!(std::fs::read_dir(folder).unwrap().count(), STEPS.len(), "{dialect}");
        }
    }
}
