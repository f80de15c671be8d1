//! A database of its own on a real server, reached through a [`Proxy`].

use super::{
    fixture::Fixture,
    proxy::{Proxy, Upstream},
};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};
use std::str::FromStr as _;
use tempfile::TempDir;
use uuid::Uuid;

pub struct Postgres {
    server: PgConnectOptions,
    name: String,
    socket: TempDir,
    pub proxy: Proxy,
    lock: Option<PgConnection>,
}

fn server() -> PgConnectOptions {
    #[expect(clippy::disallowed_methods, reason = "the server is the test run's, not a setting of the service")]
    let url = std::env::var("AUSCULT_TEST_POSTGRES").expect(
        "AUSCULT_TEST_POSTGRES is not set. Run `scripts/test`, or `scripts/with-postgres cargo test`, which start a server",
    );
    PgConnectOptions::from_str(&url).expect("AUSCULT_TEST_POSTGRES is a Postgres address")
}

impl Postgres {
    async fn connect(&self) -> PgConnection {
        self.server.clone().database(&self.name).connect().await.expect("the database answers")
    }

    /// Ends the server's side of all connections that the store has.
    pub async fn end_backends(&self) -> u64 {
        let sql = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = '{}' AND application_name = 'auscult'",
            self.name
        );
        self.stranger(&sql).await.expect("a superuser may")
    }
}

impl Fixture for Postgres {
    async fn prepare() -> Self {
        let server = server();
        let name = format!("auscult_{}", super::fixture::card_id().simple());
        let mut connection = server.connect().await.expect("the Postgres server answers");
        let sql = format!("CREATE DATABASE {name}");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("a new database");
        connection.close().await.expect("closes");
        let port = server.get_port();
        let upstream = match server.get_socket() {
            Some(folder) => Upstream::Socket(folder.join(format!(".s.PGSQL.{port}"))),
            None => Upstream::Address(server.get_host().to_owned(), port),
        };
        let socket = TempDir::new().expect("a folder");
        let proxy = Proxy::start(&socket.path().join(format!(".s.PGSQL.{port}")), upstream);
        Self { server, name, socket, proxy, lock: None }
    }

    async fn remove(self) {
        let mut connection = self.server.connect().await.expect("the Postgres server answers");
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("dropped");
        connection.close().await.expect("closes");
    }

    fn url(&self) -> String {
        self.server.clone().database(&self.name).socket(self.socket.path()).to_url_lossy().to_string()
    }

    async fn stranger(&self, sql: &str) -> Result<u64, String> {
        let mut connection = self.connect().await;
        let result = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await;
        connection.close().await.expect("closes");
        result.map(|done| done.rows_affected()).map_err(|error| error.to_string())
    }

    async fn stall(&mut self) {
        let mut connection = self.connect().await;
        let sql = "BEGIN; LOCK TABLE record IN EXCLUSIVE MODE";
        sqlx::raw_sql(sql).execute(&mut connection).await.expect("the lock");
        self.lock = Some(connection);
    }

    async fn resume(&mut self) {
        let connection = self.lock.take().expect("a lock");
        connection.close().await.expect("closes");
    }

    /// By someone who owns the tables and takes the guard away first.
    async fn damage(&self, id: Uuid, position: usize) {
        let id = Self::literal(id);
        let sql = format!(
            "BEGIN; ALTER TABLE payload DISABLE TRIGGER append_only; \
             UPDATE payload SET body = set_byte(body, {position}, get_byte(body, {position}) # 1) WHERE record_id = {id}; \
             ALTER TABLE payload ENABLE ALWAYS TRIGGER append_only; COMMIT"
        );
        self.stranger(&sql).await.expect("the owner may");
    }

    fn literal(id: Uuid) -> String {
        format!("'\\x{}'::bytea", id.simple())
    }
}
