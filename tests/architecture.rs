//! Holds the layers of ARCHITECTURE.md: a module of `src/` names only the modules its row allows.
//!
//! Inside one crate nothing else stops modules from tying themselves in knots. A module is also allowed to name itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Bottom to top: the module, and what it may name.
const LAYERS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("telemetry", &["domain"]),
    ("cds_hooks", &["domain"]),
    ("fhir", &["domain"]),
    ("models", &["domain"]),
    ("explain", &["domain", "models"]),
    ("inference", &["domain", "models", "explain"]),
    ("cards", &["domain", "cds_hooks", "models"]),
    ("audit", &["domain"]),
    ("decision", &["domain", "cds_hooks", "fhir", "inference", "cards", "audit", "models", "explain"]),
    ("samples", &["domain"]),
    ("http", &["domain", "telemetry", "cds_hooks", "explain", "cards", "audit", "decision", "models", "samples"]),
    ("training", &["domain", "fhir", "models", "explain"]),
    ("settings", &["domain", "telemetry", "inference", "audit", "decision", "http"]),
    (
        "cli",
        &[
            "domain",
            "telemetry",
            "cds_hooks",
            "fhir",
            "models",
            "explain",
            "inference",
            "cards",
            "audit",
            "decision",
            "samples",
            "http",
            "training",
            "settings",
        ],
    ),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The top-level modules named in `text` through `crate::…`, comments left out.
fn named(text: &str, known: &BTreeSet<&str>) -> BTreeSet<String> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for (start, _) in code.match_indices("crate::") {
        let rest = &code[start + "crate::".len()..];
        let names: Vec<&str> = match rest.strip_prefix('{') {
            Some(group) => top_level_names(group),
            None => vec![identifier(rest)],
        };
        found.extend(names.into_iter().filter(|name| known.contains(name)).map(str::to_owned));
    }
    found
}

fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// The first identifiers inside `use crate::{a::b, c::{d, e}}`.
fn top_level_names(group: &str) -> Vec<&str> {
    let (mut depth, mut begin, mut names) = (0usize, 0usize, Vec::new());
    for (index, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(identifier(group[begin..index].trim_start()));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(identifier(group[begin..index].trim_start()));
                begin = index + 1;
            }
            _ => {}
        }
    }
    names
}

#[test]
fn modules_name_only_what_their_row_allows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let known: BTreeSet<&str> = LAYERS.iter().map(|(name, _)| *name).collect();
    let table: BTreeMap<&str, &[&str]> = LAYERS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (module, allowed) in table {
        let mut files = Vec::new();
        sources(&root.join(module), &mut files);
        assert!(!files.is_empty(), "src/{module} holds no source file");
        for file in files {
            for name in named(&fs::read_to_string(&file).unwrap(), &known) {
                if name != module && !allowed.contains(&name.as_str()) {
                    wrong.push(format!("{} names crate::{name}, which {module} may not", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_folder_of_src_has_a_row() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(root).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            assert!(LAYERS.iter().any(|(row, _)| *row == name), "src/{name} is not in the table of layers");
        }
    }
}

#[test]
fn the_check_itself_sees_grouped_and_nested_names() {
    let known: BTreeSet<&str> = ["audit", "http", "domain"].into();
    let text = "use crate::{audit::{Store, Record}, domain::Phi};\nfn f() { crate::http::serve() }\n// crate::none";
    let names: Vec<String> = named(text, &known).into_iter().collect();
    assert_eq!(names, ["audit", "domain", "http"]);
}
