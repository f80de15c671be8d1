//! Whose fault is it: the record's, or the store's?

use sqlx::error::ErrorKind;

/// Whether the database works and refuses this very record: a broken constraint, a value out of range. Everything else
/// (connection, disk, locks, rights) concerns every record alike.
pub(super) fn blames_record(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    if !matches!(error.kind(), ErrorKind::Other) {
        return true;
    }
    error.code().is_some_and(|code| sqlstate_blames_record(&code) || sqlite_blames_record(&code))
}

/// Postgres: classes 22 (data exception), 23 (integrity constraint), 54 (program limit), and a trigger's `RAISE`.
fn sqlstate_blames_record(code: &str) -> bool {
    code.len() == 5 && (["22", "23", "54"].iter().any(|class| code.starts_with(class)) || code == "P0001")
}

/// SQLite: primary result codes 18 (`TOOBIG`), 19 (`CONSTRAINT`, a trigger's `RAISE` among them) and 20 (`MISMATCH`).
fn sqlite_blames_record(code: &str) -> bool {
    code.len() < 5 && code.parse().is_ok_and(|code: u32| matches!(code & 0xff, 18..=20))
}

/// The rule a record broke: the database's message, which names constraints and columns. The details, which quote
/// values, are left out.
pub(super) fn rule(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        _ => "the database refused it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{blames_record, sqlite_blames_record, sqlstate_blames_record};

    #[test]
    fn constraints_are_the_records_fault_and_disks_the_stores() {
        for code in ["23505", "23514", "22001", "54000", "P0001"] {
            assert!(sqlstate_blames_record(code), "{code}");
        }
        for code in ["57P01", "08006", "53100", "25006", "40001", "42501", "XX001"] {
            assert!(!sqlstate_blames_record(code), "{code}");
        }
        for code in ["19", "1811", "1555", "18", "20"] {
            assert!(sqlite_blames_record(code), "{code}");
        }
        for code in ["5", "13", "10", "11", "8", "14", "26", "517"] {
            assert!(!sqlite_blames_record(code), "{code}");
        }
        assert!(!blames_record(&sqlx::Error::WorkerCrashed));
    }
}
