//! Drives the real thing: the built binary as a child process on a free port, with its own database in a temporary
//! folder, over HTTP.

pub mod browser;
pub mod ehr;
pub mod r4_schema;

use serde_json::Value;
use sqlx::{ConnectOptions as _, sqlite::SqliteConnectOptions};
use std::{
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;

/// A running service. Killed when dropped.
pub struct TestApp {
    child: Child,
    /// Base address, without a final slash.
    pub url: String,
    /// Holds the database.
    pub folder: Arc<TempDir>,
    /// Everything written to standard error so far.
    pub log: Arc<Mutex<String>>,
    client: reqwest::Client,
}

/// The repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The binary with the repository's networks and services, and a budget that a busy machine can keep.
pub fn command(folder: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auscult"));
    command
        .current_dir(folder.path())
        .env("AUSCULT__MODELS", root().join("models"))
        .env("AUSCULT__DEFINITIONS", root().join("cds-hooks"))
        .env("AUSCULT__HTTP__LISTEN", "127.0.0.1:0")
        .env("AUSCULT__HTTP__WORKERS", "2")
        .env("AUSCULT__DECISION__DEADLINE_MS", "30000")
        .env("AUSCULT__AUDIT__WRITE_DEADLINE_MS", "20000")
        .env_remove("DATABASE_URL");
    command
}

impl TestApp {
    /// The service with its defaults.
    pub async fn spawn() -> Self {
        Self::spawn_with(&[]).await
    }

    /// The service with settings from the environment, for example `("AUSCULT__DECISION__DEADLINE_MS", "450")`.
    pub async fn spawn_with(environment: &[(&str, &str)]) -> Self {
        let folder = Arc::new(TempDir::new().expect("a temporary folder"));
        Self::spawn_in(folder, environment).await
    }

    /// The service on an existing folder, for restarts.
    pub async fn spawn_in(folder: Arc<TempDir>, environment: &[(&str, &str)]) -> Self {
        let mut child = command(&folder)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the built binary starts");
        let log = collect(child.stderr.take().expect("standard error is piped"));
        let url = announced(&mut child, &log);
        let client = auscult::http::outbound::client(Duration::from_secs(60)).expect("a client");
        let app = Self { child, url, folder, log, client };
        app.wait_until_it_answers().await;
        app
    }

    async fn wait_until_it_answers(&self) {
        for _ in 0..200 {
            if self.client.get(format!("{}/healthz", self.url)).send().await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the service never answered; its log: {}", self.log.lock().unwrap());
    }

    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.request(reqwest::Method::GET, path).send().await.expect("an answer")
    }

    pub async fn post(&self, path: &str, body: &Value) -> reqwest::Response {
        self.request(reqwest::Method::POST, path).json(body).send().await.expect("an answer")
    }

    /// A request to be completed by the test: headers, raw bodies.
    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// The invocation an EHR would send for one of the sample patients.
    pub async fn sample(&self, name: &str) -> Value {
        let response = self.get(&format!("/try/samples/{name}")).await;
        assert_eq!(response.status(), 200, "there is a sample `{name}`");
        response.json().await.expect("a sample is JSON")
    }

    /// Cards for one of the sample patients.
    pub async fn cards(&self, service: &str, sample: &str) -> Vec<Value> {
        let response = self.post(&format!("/cds-services/{service}"), &self.sample(sample).await).await;
        assert_eq!(response.status(), 200);
        let mut body: Value = response.json().await.expect("cards are JSON");
        serde_json::from_value(body["cards"].take()).expect("`cards` is a list")
    }

    /// The newest records of one kind, newest first, read from the database.
    pub async fn records(&self, kind: &str) -> Vec<Value> {
        let options = SqliteConnectOptions::new().filename(self.database()).read_only(true);
        let mut connection = options.connect().await.expect("the database opens");
        let sql = "SELECT body FROM payload JOIN record ON record.id = record_id WHERE kind = $1 ORDER BY id DESC";
        let bodies: Vec<Vec<u8>> =
            sqlx::query_scalar(sql).bind(kind).fetch_all(&mut connection).await.expect("records are read");
        bodies.iter().map(|body| serde_json::from_slice(body).expect("a record is JSON")).collect()
    }

    /// Process id of the service.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name, for example `TERM`.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.pid().to_string()).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the process to end by itself.
    pub fn wait(&mut self) -> std::process::ExitStatus {
        self.child.wait().expect("the service ends")
    }

    /// The path of its SQLite file.
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("data/auscult.db")
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _already_gone = self.child.wait();
    }
}

/// The address in the service's first line.
fn announced(child: &mut Child, log: &Mutex<String>) -> String {
    let mut lines = BufReader::new(child.stdout.take().expect("standard output is piped"));
    let mut line = String::new();
    lines.read_line(&mut line).expect("standard output can be read");
    let Some((_, url)) = line.trim().split_once("listens on ") else {
        let _ended = child.wait();
        std::thread::sleep(Duration::from_millis(100));
        panic!("the service did not start: {line:?} {}", log.lock().unwrap());
    };
    let url = url.to_owned();
    std::thread::spawn(move || {
        let mut rest = String::new();
        let _until_it_ends = lines.read_to_string(&mut rest);
    });
    url
}

fn collect(stderr: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let log = Arc::new(Mutex::new(String::new()));
    let writer = Arc::clone(&log);
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let mut log = writer.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    });
    log
}
