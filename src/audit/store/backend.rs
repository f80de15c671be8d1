//! The two databases as one type each for connections, pools and addresses.

/// A thing that exists once for SQLite and once for Postgres.
#[derive(Debug, Clone)]
pub(super) enum Backend<S, P> {
    /// The embedded default.
    Sqlite(S),
    /// The server.
    Postgres(P),
}

/// Runs the same body on whichever it is. sqlx has a type per database, our SQL has one text for both.
macro_rules! on_either {
    ($backend:expr, $inner:ident => $body:expr) => {
        match $backend {
            $crate::audit::store::backend::Backend::Sqlite($inner) => $body,
            $crate::audit::store::backend::Backend::Postgres($inner) => $body,
        }
    };
}

pub(super) use on_either;
