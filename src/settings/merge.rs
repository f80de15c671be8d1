//! Lays TOML tables over each other.

use super::SettingsError;
use toml::{Table, Value};

/// Parses one source, naming it in the error.
pub(super) fn parse(name: &str, text: &str) -> Result<Table, SettingsError> {
    text.parse().map_err(|error: toml::de::Error| SettingsError(vec![format!("{name}: {error}")]))
}

/// Lays `upper` over `lower`: tables are merged, everything else is replaced.
pub(super) fn over(lower: &mut Table, upper: Table) {
    for (key, value) in upper {
        match (lower.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => over(below, above),
            (_, value) => {
                lower.insert(key, value);
            }
        }
    }
}

/// Sets one value by its path `SECTION__KEY`; what reads as TOML is taken as such, anything else as text.
pub(super) fn set(table: &mut Table, path: &str, text: &str) {
    let value = format!("value = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| Value::String(text.to_owned()));
    let mut keys: Vec<String> = path.split("__").map(str::to_lowercase).collect();
    let last = keys.pop().unwrap_or_default();
    let nested = keys
        .into_iter()
        .rev()
        .fold(Table::from_iter([(last, value)]), |inner, key| Table::from_iter([(key, Value::Table(inner))]));
    over(table, nested);
}

#[cfg(test)]
mod tests {
    use super::{over, set};
    use toml::Table;

    #[test]
    fn a_path_sets_one_value_and_leaves_its_neighbours() {
        let mut table: Table = "[a]\nb = 1\nc = 2".parse().unwrap();
        set(&mut table, "A__B", "5");
        set(&mut table, "A__D", "plain text");
        assert_eq!(table, "[a]\nb = 5\nc = 2\nd = 'plain text'".parse().unwrap());
    }

    #[test]
    fn a_value_replaces_a_table_and_tables_merge() {
        let mut lower: Table = "[a]\nb = 1\n[c]\nd = 1".parse().unwrap();
        over(&mut lower, "a = 3\n[c]\ne = 2".parse().unwrap());
        assert_eq!(lower, "a = 3\n[c]\nd = 1\ne = 2".parse().unwrap());
    }
}
