//! The record's promises, the same suite on both databases.
//!
//! The Postgres half needs the address of a server in `AUSCULT_TEST_POSTGRES`; `scripts/test` starts one
//! (`scripts/with-postgres`). Without it those tests fail: they are never skipped.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, a surprise is a failure")]

mod append_only;
mod appending;
mod crash;
mod feedback;
pub mod fixture;
mod limits;
mod outage;
pub mod postgres;
mod proxy;
mod reading;
mod repeating;
mod schema;
mod sqlite;

/// Runs each named `async fn(&mut impl Fixture)` of the enclosing module on SQLite and on Postgres.
macro_rules! on_both_stores {
    ($($test:ident),* $(,)?) => {
        mod on_sqlite {
            use crate::audit::{fixture::Fixture as _, sqlite::Sqlite};
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let mut fixture = Sqlite::prepare().await;
                    super::$test(&mut fixture).await;
                    fixture.remove().await;
                }
            )*
        }
        mod on_postgres {
            use crate::audit::{fixture::Fixture as _, postgres::Postgres};
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let mut fixture = Postgres::prepare().await;
                    super::$test(&mut fixture).await;
                    fixture.remove().await;
                }
            )*
        }
    };
}
use on_both_stores;
