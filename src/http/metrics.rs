//! What operators count.
//!
//! Contract: every label comes from a closed set (published services, loaded models, statuses, words of this
//! program), so that no request can add a time series, and no patient can be in one.

use crate::{
    audit::Figures,
    cds_hooks::{Indicator, Outcome},
    decision::{Answer, Failure},
    domain::ServiceId,
};
use prometheus_client::{
    encoding::text::encode,
    metrics::{
        counter::Counter,
        family::{Family, MetricConstructor},
        gauge::Gauge,
        histogram::Histogram,
        info::Info,
    },
    registry::Registry,
};
use std::{collections::BTreeSet, fmt, sync::atomic::Ordering::Relaxed, time::Duration};

type Labels<const N: usize> = [(&'static str, String); N];

/// Builds histograms of seconds; the bounds straddle the 500 ms that the specification hopes for.
#[derive(Clone)]
struct Seconds;

impl MetricConstructor<Histogram> for Seconds {
    fn new_metric(&self) -> Histogram {
        Histogram::new([0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.45, 0.5, 0.75, 1.0, 2.0, 5.0, 30.0])
    }
}

/// The counters of one process.
pub struct Metrics {
    registry: Registry,
    services: BTreeSet<String>,
    requests: Family<Labels<2>, Counter>,
    request_seconds: Family<Labels<1>, Histogram, Seconds>,
    model_seconds: Family<Labels<1>, Histogram, Seconds>,
    refusals: Family<Labels<1>, Counter>,
    cards: Family<Labels<2>, Counter>,
    records: Family<Labels<1>, Counter>,
    feedback: Family<Labels<2>, Counter>,
    in_flight: Gauge,
    store: StoreMetrics,
}

/// What the store says of itself, copied whenever it is asked.
#[derive(Default)]
struct StoreMetrics {
    batches: Counter,
    failures: Counter,
    busy: Counter,
    late: Counter,
    queued: Gauge,
    available: Gauge,
}

/// Counts one invocation as being answered until dropped.
pub(super) struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// Counters at zero, for these services.
    pub fn new<'a>(services: impl IntoIterator<Item = &'a str>) -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("auscult"),
            services: services.into_iter().map(str::to_owned).collect(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(Seconds),
            model_seconds: Family::new_with_constructor(Seconds),
            refusals: Family::default(),
            cards: Family::default(),
            records: Family::default(),
            feedback: Family::default(),
            in_flight: Gauge::default(),
            store: StoreMetrics::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("build", "The running version", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        registry.register("requests", "HTTP answers by service and class of status", self.requests.clone());
        registry.register("request_seconds", "Time to answer, by service", self.request_seconds.clone());
        registry.register("model_seconds", "Time a network took for one invocation", self.model_seconds.clone());
        registry.register("refusals", "Answers other than success, by reason", self.refusals.clone());
        registry.register("cards", "Cards answered, by service and indicator", self.cards.clone());
        registry.register("records", "Records made durable, or not", self.records.clone());
        registry.register("feedback", "Feedback received, by service and outcome", self.feedback.clone());
        registry.register("in_flight", "Invocations being answered", self.in_flight.clone());
        let (registry, store) = (registry.sub_registry_with_prefix("store"), &self.store);
        registry.register("batches", "Transactions committed", store.batches.clone());
        registry.register("failures", "Transactions that could not be committed", store.failures.clone());
        registry.register("busy", "Records refused because too many were waiting", store.busy.clone());
        registry.register("late", "Records whose deadline passed first", store.late.clone());
        registry.register("queued", "Records waiting or being written", store.queued.clone());
        registry.register("available", "Whether the last attempt to write succeeded", store.available.clone());
    }

    /// Whether this service is published.
    #[must_use]
    pub fn knows(&self, service: &ServiceId) -> bool {
        self.services.contains(service.as_str())
    }

    /// One more invocation is being answered.
    pub(super) fn enter(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// One HTTP answer; `refused` is a word of the table of errors.
    pub(super) fn answered(
        &self,
        service: Option<&ServiceId>,
        status: u16,
        took: Duration,
        refused: Option<&'static str>,
    ) {
        let service = service.map_or("-", ServiceId::as_str).to_owned();
        let class = format!("{}xx", status / 100);
        self.requests.get_or_create(&[("service", service.clone()), ("status", class)]).inc();
        self.request_seconds.get_or_create(&[("service", service)]).observe(took.as_secs_f64());
        if let Some(reason) = refused {
            self.refusals.get_or_create(&[("reason", reason.to_owned())]).inc();
        }
    }

    /// What became of one invocation.
    pub(super) fn invoked(&self, service: &ServiceId, outcome: &Result<Answer, Failure>) {
        match outcome {
            Ok(answer) => {
                self.records.get_or_create(&[("result", "stored".to_owned())]).inc();
                for (indicator, count) in Indicator::ALL.iter().zip(answer.cards) {
                    let labels = [("service", service.to_string()), ("indicator", indicator.as_str().to_owned())];
                    self.cards.get_or_create(&labels).inc_by(count as u64);
                }
                for (model, ms) in &answer.model_ms {
                    self.model_seconds.get_or_create(&[("model", model.clone())]).observe(ms / 1_000.0);
                }
            }
            Err(Failure::RecordStore) => {
                self.records.get_or_create(&[("result", "failed".to_owned())]).inc();
            }
            Err(_) => {}
        }
    }

    /// Feedback that was made durable.
    pub(super) fn fed_back(&self, service: &ServiceId, outcomes: &[Outcome]) {
        for outcome in outcomes {
            let labels = [("service", service.to_string()), ("outcome", outcome.as_str().to_owned())];
            self.feedback.get_or_create(&labels).inc();
        }
    }

    /// Copies the store's own figures.
    pub(super) fn stored(&self, figures: &Figures) {
        self.store.batches.inner().store(figures.batches, Relaxed);
        self.store.failures.inner().store(figures.failures, Relaxed);
        self.store.busy.inner().store(figures.busy, Relaxed);
        self.store.late.inner().store(figures.late, Relaxed);
        self.store.queued.set(i64::try_from(figures.queue_depth).unwrap_or(i64::MAX));
        self.store.available.set(i64::from(figures.available));
    }

    /// Everything in the OpenMetrics text format.
    ///
    /// # Errors
    /// Only if writing to memory fails.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::Metrics;
    use crate::{
        audit::Figures,
        cds_hooks::Outcome,
        decision::{Answer, Failure},
    };
    use std::time::Duration;

    #[test]
    fn what_happened_can_be_read_back() {
        let metrics = Metrics::new(["chart-review"]);
        let service = "chart-review".parse().unwrap();
        let answer = Answer {
            body: String::new(),
            record: uuid::Uuid::nil(),
            cards: [1, 2, 0],
            model_ms: vec![("note-problems".to_owned(), 80.0)],
        };
        metrics.invoked(&service, &Ok(answer));
        metrics.invoked(&service, &Err(Failure::RecordStore));
        metrics.answered(Some(&service), 200, Duration::from_millis(120), None);
        metrics.answered(None, 404, Duration::from_millis(1), Some("no-address"));
        metrics.fed_back(&service, &[Outcome::Accepted, Outcome::Accepted]);
        metrics.stored(&Figures { batches: 7, queue_depth: 3, available: true, ..Figures::default() });
        let held = metrics.enter();
        let text = metrics.text().unwrap();
        for line in [
            "auscult_cards_total{service=\"chart-review\",indicator=\"warning\"} 2",
            "auscult_records_total{result=\"stored\"} 1",
            "auscult_records_total{result=\"failed\"} 1",
            "auscult_requests_total{service=\"-\",status=\"4xx\"} 1",
            "auscult_refusals_total{reason=\"no-address\"} 1",
            "auscult_feedback_total{service=\"chart-review\",outcome=\"accepted\"} 2",
            "auscult_model_seconds_count{model=\"note-problems\"} 1",
            "auscult_in_flight 1",
            "auscult_store_batches_total 7",
            "auscult_store_queued 3",
            "auscult_store_available 1",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        drop(held);
        assert!(metrics.text().unwrap().contains("auscult_in_flight 0"));
        assert!(metrics.knows(&service) && !metrics.knows(&"other".parse().unwrap()));
    }
}
