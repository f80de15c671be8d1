//! Reads a database address and knows how to connect to it.

use super::backend::Backend;
use crate::audit::OpenError;
use sqlx::{
    ConnectOptions as _, PgPool, SqlitePool,
    pool::PoolOptions,
    postgres::PgConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use std::{path::Path, str::FromStr as _, time::Duration};

/// Pools for reading.
pub(super) type Readers = Backend<SqlitePool, PgPool>;

/// Where the store is. Holds a password: never printed.
#[derive(Clone)]
pub(super) struct Address(pub(super) Backend<SqliteConnectOptions, PgConnectOptions>);

/// More shapes of multi-row inserts than a batch of 64 can have in four tables.
const STATEMENTS: usize = 512;

impl Address {
    /// `sqlite://path`, `sqlite:path`, `postgres://…` or `postgresql://…`. `attempt` is the time for one batch.
    pub(super) fn parse(url: &str, attempt: Duration) -> Result<Self, OpenError> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => sqlite(url, attempt).map(Backend::Sqlite).map(Self),
            Some("postgres" | "postgresql") => postgres(url).map(Backend::Postgres).map(Self),
            _ => Err(OpenError::Address("must begin with `sqlite:` or `postgres:`".into())),
        }
    }

    /// The folder of an embedded database.
    pub(super) fn folder(&self) -> Option<&Path> {
        let Backend::Sqlite(options) = &self.0 else { return None };
        options.get_filename().parent()
    }

    /// Makes the SQLite file's folder, and makes the folder's own name durable.
    pub(super) fn make_folder(&self) -> Result<(), OpenError> {
        let Backend::Sqlite(options) = &self.0 else { return Ok(()) };
        let Some(folder) = options.get_filename().parent().filter(|folder| !folder.as_os_str().is_empty()) else {
            return Ok(());
        };
        if folder.is_dir() {
            return Ok(());
        }
        let made = std::fs::create_dir_all(folder).and_then(|()| match folder.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => std::fs::File::open(parent)?.sync_all(),
            _ => std::fs::File::open(".")?.sync_all(),
        });
        made.map_err(|source| OpenError::Folder { folder: folder.to_owned(), source })
    }

    /// A pool of at most `most` connections that are opened when first used; those to SQLite cannot write.
    pub(super) fn readers(&self, most: u32) -> Readers {
        const PATIENCE: Duration = Duration::from_secs(2);
        match &self.0 {
            Backend::Sqlite(options) => {
                let options = options.clone().read_only(true).create_if_missing(false);
                Backend::Sqlite(
                    PoolOptions::new().max_connections(most).acquire_timeout(PATIENCE).connect_lazy_with(options),
                )
            }
            Backend::Postgres(options) => Backend::Postgres(
                PoolOptions::new().max_connections(most).acquire_timeout(PATIENCE).connect_lazy_with(options.clone()),
            ),
        }
    }
}

fn sqlite(url: &str, attempt: Duration) -> Result<SqliteConnectOptions, OpenError> {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    if !matches!(query, "" | "mode=rwc" | "mode=rw") {
        return Err(OpenError::Address("an SQLite address takes no parameters but `mode=rw` and `mode=rwc`".into()));
    }
    let path = path.trim_start_matches("sqlite:").trim_start_matches("//");
    if path.is_empty() || path == ":memory:" || path.starts_with("file:") {
        return Err(OpenError::Address("records need a file: a database in memory is lost with the process".into()));
    }
    let options = SqliteConnectOptions::from_str(url).map_err(|error| OpenError::Address(error.to_string()))?;
    Ok(options
        .create_if_missing(query != "mode=rw")
        .journal_mode(SqliteJournalMode::Wal)
        // In WAL mode only FULL waits for the disk at each commit.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(attempt / 2)
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging())
}

fn postgres(url: &str) -> Result<PgConnectOptions, OpenError> {
    // sqlx's message could quote the address, and the address may hold the password.
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| OpenError::Address("not a Postgres address: postgres://user:password@host/database".into()))?;
    Ok(options.application_name("auscult").statement_cache_capacity(STATEMENTS).disable_statement_logging())
}

#[cfg(test)]
mod tests {
    use super::{Address, Backend};
    use std::{path::Path, time::Duration};

    fn parse(url: &str) -> Result<Address, crate::audit::OpenError> {
        Address::parse(url, Duration::from_secs(1))
    }

    #[test]
    fn an_sqlite_address_is_a_path() {
        for (url, path) in [
            ("sqlite://data/auscult.db", "data/auscult.db"),
            ("sqlite:data/auscult.db", "data/auscult.db"),
            ("sqlite:///var/lib/auscult.db?mode=rwc", "/var/lib/auscult.db"),
        ] {
            let Ok(Address(Backend::Sqlite(options))) = parse(url) else { panic!("{url}") };
            assert_eq!(options.get_filename(), Path::new(path));
        }
    }

    #[test]
    fn a_database_that_does_not_outlive_the_process_is_refused() {
        for url in ["sqlite::memory:", "sqlite://:memory:", "sqlite://", "sqlite://a?mode=memory", "sqlite:file:a"] {
            assert!(parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_postgres_address_may_name_a_folder_of_sockets() {
        let Ok(Address(Backend::Postgres(options))) = parse("postgres://me@localhost/records?host=/run/pg") else {
            panic!("refused")
        };
        assert_eq!(options.get_socket().unwrap(), Path::new("/run/pg"));
        assert_eq!(options.get_database(), Some("records"));
    }

    #[test]
    fn an_address_that_is_refused_does_not_show_its_password() {
        for url in ["postgres://a:sesame@h:port/d", "mysql://a:sesame@h/d", "sesame"] {
            let error = parse(url).err().unwrap();
            assert!(!format!("{error} {error:?}").contains("sesame"), "{url}");
        }
    }
}
