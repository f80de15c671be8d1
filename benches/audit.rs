//! How many records per second become durable, alone and in company.

use auscult::{
    audit::{NewRecord, RecordKind, Settings, Store},
    domain::{Clock as _, Ids as _, RandomIds, SystemClock},
};
use criterion::{Criterion, Throughput};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// A typical record: 4 KiB of JSON and two cards.
fn record() -> NewRecord {
    let record = NewRecord {
        id: RandomIds.ordered(SystemClock.now()),
        kind: RecordKind::Prediction,
        time: SystemClock.now(),
        service: "chart-review".parse().ok(),
        cards: vec![RandomIds.random(), RandomIds.random()],
        links: vec![],
        body: vec![],
    };
    record.sealed_in_envelope(&"x".repeat(3800)).expect("JSON")
}

/// `writers` callers together append `count` records, each waiting for one before it appends the next.
async fn append(store: &Arc<Store>, writers: u64, count: u64) {
    let mut tasks = JoinSet::new();
    for writer in 0..writers {
        let store = Arc::clone(store);
        let share = count / writers + u64::from(writer < count % writers);
        tasks.spawn(async move {
            for _ in 0..share {
                store.append(record(), Instant::now() + Duration::from_secs(60)).await.expect("durable");
            }
        });
    }
    tasks.join_all().await;
}

/// Appending to SQLite, which waits for the disk at every commit.
pub fn records(criterion: &mut Criterion) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    // Not in /tmp, which may be in memory: a disk that need not be waited for is no measure.
    let folder = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("bench.db").display());
    let settings = Settings { database_url: Some(url), ..Settings::default() };
    let store = Arc::new(runtime.block_on(Store::open(&settings, Arc::new(SystemClock))).expect("the store"));
    let mut group = criterion.benchmark_group("audit");
    group.throughput(Throughput::Elements(1)).sample_size(10);
    for writers in [1, 64] {
        group.bench_function(format!("append, {writers} writers"), |bencher| {
            bencher.iter_custom(|count| {
                let started = Instant::now();
                runtime.block_on(append(&store, writers, count));
                started.elapsed()
            });
        });
    }
    group.finish();
    runtime.block_on(store.close());
}
