//! The settings of a database under which an acknowledged commit survives a crash.

use crate::audit::OpenError;

/// Postgres's own settings, as `SHOW` spells them, after the connection has asked for `synchronous_commit = on`.
pub(super) fn of_postgres(fsync: &str, full_page_writes: &str, synchronous_commit: &str) -> Result<(), OpenError> {
    for (name, value) in [("fsync", fsync), ("full_page_writes", full_page_writes)] {
        if value != "on" {
            return Err(OpenError::NotDurable(format!("{name} is {value}, it must be on")));
        }
    }
    match synchronous_commit {
        "on" | "remote_apply" => Ok(()),
        value => Err(OpenError::NotDurable(format!("synchronous_commit is {value}, it must be on"))),
    }
}

/// SQLite's `PRAGMA journal_mode` and `PRAGMA synchronous` (2 is FULL, 3 EXTRA).
pub(super) fn of_sqlite(journal_mode: &str, synchronous: i64) -> Result<(), OpenError> {
    if journal_mode != "wal" {
        return Err(OpenError::NotDurable(format!("journal_mode is {journal_mode}, it must be wal")));
    }
    if synchronous < 2 {
        return Err(OpenError::NotDurable(format!("synchronous is {synchronous}, it must be 2 (FULL)")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{of_postgres, of_sqlite};

    #[test]
    fn a_server_that_does_not_wait_for_its_disk_is_refused() {
        assert!(of_postgres("on", "on", "on").is_ok());
        assert!(of_postgres("on", "on", "remote_apply").is_ok());
        for (fsync, pages, commit) in
            [("off", "on", "on"), ("on", "off", "on"), ("on", "on", "off"), ("on", "on", "local"), ("", "on", "on")]
        {
            assert!(of_postgres(fsync, pages, commit).is_err(), "{fsync} {pages} {commit}");
        }
    }

    #[test]
    fn a_file_without_a_synchronous_log_is_refused() {
        assert!(of_sqlite("wal", 2).is_ok());
        assert!(of_sqlite("delete", 2).is_err());
        assert!(of_sqlite("wal", 1).is_err());
    }
}
