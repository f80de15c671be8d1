//! What was acknowledged survives the process: a child appends and says which records were acknowledged, and is killed
//! with SIGKILL over and over.

use super::{
    fixture::{Fixture, card_id, soon, with_cards},
    on_both_stores,
};
use auscult::{
    audit::{RecordKind, Settings, Store},
    domain::SystemClock,
};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::task::JoinSet;
use uuid::Uuid;

on_both_stores!(every_acknowledged_record_survives_twenty_kills);

const ROUNDS: u64 = 20;
const ADDRESS: &str = "AUSCULT_TEST_CRASH_DATABASE";

async fn every_acknowledged_record_survives_twenty_kills(fixture: &mut impl Fixture) {
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let url = fixture.url();
        // Different moments of the child's life, up to a fifth of a second after its first record.
        let life = Duration::from_millis(round * 97 % 200);
        acknowledged.extend(tokio::task::spawn_blocking(move || run_and_kill(&url, life)).await.unwrap());
    }
    assert!(acknowledged.len() as u64 > 5 * ROUNDS, "only {} records", acknowledged.len());

    let store = fixture.open().await;
    for (id, digest) in &acknowledged {
        let stored = store.get(*id).await.unwrap();
        assert_eq!(stored.unwrap_or_else(|| panic!("{id} is lost")).entry.digest.to_string(), *digest);
    }
    // Records that nobody was told of may be there, at most those that were under way.
    let count = store.count().await.unwrap();
    assert!(count >= acknowledged.len() as u64);
    store.close().await;
}

/// Starts the child, kills it `life` after its first word, and returns what it said was durable.
fn run_and_kill(url: &str, life: Duration) -> Vec<(Uuid, String)> {
    let name = concat!(module_path!(), "::the_child_that_is_killed");
    let name = name.split_once("::").expect("a module path").1;
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env(ADDRESS, url)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the child starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its words"));
    let mut acknowledged = Vec::new();
    let mut line = String::new();
    // Its test harness speaks too; a line that was cut off by the kill does not count.
    while lines.read_line(&mut line).expect("readable") > 0 {
        if let Some((id, digest)) =
            line.strip_prefix("durable ").and_then(|rest| rest.strip_suffix('\n')?.split_once(' '))
        {
            if acknowledged.is_empty() {
                std::thread::sleep(life);
                child.kill().expect("SIGKILL");
            }
            acknowledged.push((id.parse().expect("an id"), digest.to_owned()));
        }
        line.clear();
    }
    let status = child.wait().expect("it ends");
    assert!(!acknowledged.is_empty(), "the child stored nothing: {status}");
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the crash tests start it as a process of its own"]
async fn the_child_that_is_killed() {
    #[expect(clippy::disallowed_methods, reason = "said by the parent test")]
    let url = std::env::var(ADDRESS).expect("only to be run by the crash tests");
    let settings = Settings { database_url: Some(url), attempt_ms: 8000, ..Settings::default() };
    let store = Arc::new(Store::open(&settings, Arc::new(SystemClock)).await.unwrap());
    let mut appenders = JoinSet::new();
    for _ in 0..16 {
        let store = Arc::clone(&store);
        appenders.spawn(async move {
            loop {
                let receipt = store.append(with_cards(RecordKind::Prediction, vec![card_id()]), soon()).await.unwrap();
                // Not `println!`, which the harness may keep to itself, and in one write, so that lines stay whole.
                let line = format!("durable {} {}\n", receipt.id, receipt.digest);
                std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
            }
        });
    }
    appenders.join_all().await;
}
