//! What clinicians did with cards: one record per entry, the whole batch or nothing.

use super::{Call, Decision, Failure, record};
use crate::{
    audit::{AuditError, NewRecord, RecordKind},
    cds_hooks::FeedbackBatch,
    domain::ServiceId,
};
use std::time::Instant;

impl Decision {
    /// Appends the batch, each entry linked to the record that showed its card. A card this service never showed is
    /// accepted and marked, so that nobody can probe which cards exist.
    ///
    /// # Errors
    /// [`Failure::UnknownService`], or [`Failure::RecordStore`] when nothing could be stored.
    pub async fn feedback(&self, service: &ServiceId, batch: FeedbackBatch, call: Call) -> Result<(), Failure> {
        if self.definitions.get(service).is_none() {
            return Err(Failure::UnknownService);
        }
        let stored = |error: AuditError| {
            tracing::error!(%error, "feedback could not be stored");
            Failure::RecordStore
        };
        let mut records = Vec::with_capacity(batch.feedback.len());
        for entry in &batch.feedback {
            let shown = self.store.record_of_card(entry.card).await.map_err(stored)?;
            let shown = shown.filter(|shown| shown.service.as_ref() == Some(service));
            let new = NewRecord {
                id: self.ids.ordered(call.received),
                kind: RecordKind::Feedback,
                time: call.received,
                service: Some(service.clone()),
                cards: vec![entry.card],
                links: shown.iter().map(|shown| shown.id).collect(),
                body: Vec::new(),
            };
            let content = record::feedback(&call, entry, shown.is_some());
            records.push(new.sealed_in_envelope(&content).map_err(stored)?);
        }
        if records.is_empty() {
            return Ok(());
        }
        self.store.append_all(records, Instant::now() + self.write_deadline).await.map(|_| ()).map_err(stored)
    }
}
