//! An SQLite file in a folder of its own.

use super::fixture::Fixture;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{path::PathBuf, time::Duration};
use tempfile::TempDir;
use uuid::Uuid;

pub struct Sqlite {
    folder: TempDir,
    lock: Option<SqliteConnection>,
}

impl Sqlite {
    /// The file, in a folder that does not exist before the store makes it.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("made/by the store/auscult.db")
    }

    pub async fn connect(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.file()).busy_timeout(Duration::from_secs(10));
        options.connect().await.expect("the file opens")
    }
}

impl Fixture for Sqlite {
    async fn prepare() -> Self {
        Self { folder: TempDir::new().expect("a folder"), lock: None }
    }

    async fn remove(self) {
        self.folder.close().expect("the folder goes");
    }

    fn url(&self) -> String {
        format!("sqlite://{}", self.file().display())
    }

    async fn stranger(&self, sql: &str) -> Result<u64, String> {
        let mut connection = self.connect().await;
        let result = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await;
        connection.close().await.expect("closes");
        result.map(|done| done.rows_affected()).map_err(|error| error.to_string())
    }

    async fn stall(&mut self) {
        let mut connection = self.connect().await;
        sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut connection).await.expect("the lock");
        self.lock = Some(connection);
    }

    async fn resume(&mut self) {
        let mut connection = self.lock.take().expect("a lock");
        sqlx::raw_sql("ROLLBACK").execute(&mut connection).await.expect("unlocks");
        connection.close().await.expect("closes");
    }

    /// In the file itself, as a failing disk would.
    async fn damage(&self, id: Uuid, position: usize) {
        let mut bytes = std::fs::read(self.file()).expect("the file");
        // The body is found by a part of it that the test does not change.
        let before = "{\"v\":1,\"kind\":\"prediction\",".len();
        let part = format!("\"id\":\"{id}\"");
        let at: Vec<_> = bytes.windows(part.len()).enumerate().filter(|(_, there)| *there == part.as_bytes()).collect();
        let [(offset, _)] = at[..] else { panic!("the body is in the file {} times", at.len()) };
        bytes[offset - before + position] ^= 1;
        std::fs::write(self.file(), bytes).expect("written");
    }

    fn literal(id: Uuid) -> String {
        format!("x'{}'", id.simple())
    }
}
