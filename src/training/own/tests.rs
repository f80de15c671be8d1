//! Made-up data of every layout, read back by the trainers' own readers.

use super::prepare;
use crate::training::{Split, image, physionet};
use std::{collections::BTreeSet, fs, path::Path};

fn film(path: &Path, shade: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let pixels: Vec<u8> = (0..64_u8).map(|index| index.wrapping_mul(3).wrapping_add(shade)).collect();
    ::image::save_buffer(path, &pixels, 8, 8, ::image::ExtendedColorType::L8).unwrap();
}

fn put(folder: &Path, file: &str, text: &str) {
    fs::write(folder.join(file), text).unwrap();
}

#[test]
fn a_subfolder_per_label_becomes_labelled_films() {
    let (data, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for index in 0..12 {
        film(&data.path().join(format!("pneumonia/{index}.png")), index);
        film(&data.path().join(format!("normal/{index}.jpg")), 100 + 12 * index);
    }
    let out = scratch.path().join("own");
    let read = prepare("chest-radiograph", data.path(), &out).unwrap();
    assert_eq!(read, out);
    let films = image::data::read(&read, 1).unwrap();
    assert_eq!((films.len(), films.iter().filter(|film| film.positive).count()), (24, 12));
    // Prepared data are in the published layout and used as they are.
    assert_eq!(prepare("chest-radiograph", &read, &scratch.path().join("again")).unwrap(), read);
}

#[test]
fn labels_csv_keeps_a_patients_films_together_and_doubles_are_one() {
    let (data, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for index in 0..4 {
        film(&data.path().join(format!("films/{index}.png")), index % 3);
    }
    put(
        data.path(),
        "labels.csv",
        "file,label,patient\nfilms/0.png,Pneumonia,Ann\nfilms/1.png,no,Bob\nfilms/2.png,1,Ann\nfilms/3.png,yes,Cy\n",
    );
    let read = prepare("chest-radiograph", data.path(), &scratch.path().join("own")).unwrap();
    let films = image::data::read(&read, 1).unwrap();
    assert_eq!(films.len(), 3, "0 and 3 have the same pixels");
    assert!(films[0].same_patient(&films[2]) && !films[0].same_patient(&films[1]));
    let labels = fs::read_to_string(read.join("labels.csv")).unwrap();
    assert!(!labels.contains("Ann"), "names stay where they are");
    put(data.path(), "labels.csv", "file,label\nfilms/0.png,broken leg\n");
    let error = prepare("chest-radiograph", data.path(), &scratch.path().join("own")).unwrap_err().to_string();
    assert!(error.contains("labels.csv, line 2") && error.contains("pneumonia"), "{error}");
    put(data.path(), "labels.csv", "file,label\n../secret.png,yes\n");
    assert!(prepare("chest-radiograph", data.path(), &scratch.path().join("own")).is_err());
    put(data.path(), "labels.csv", "file,label,patient,side\nfilms/0.png,3,Ann,left\n");
    let read = prepare("knee-radiograph", data.path(), &scratch.path().join("own")).unwrap();
    assert!(fs::read_to_string(read.join("labels.csv")).unwrap().trim_end().ends_with(",L"));
}

#[test]
fn events_are_converted_and_come_back_as_stays() {
    let (data, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let events = "stay,time,variable,value,unit\na,0.5,heart rate,80,/min\na,01:30,8310-5,98.6,[degF]\na,2,HR,90,/min\n\
                  a,3,shoe size,44,cm\nb,2026-03-01T10:00:00Z,Creatinine,88.4,umol/L\nb,2026-03-01T12:30:00Z,pH,7.31,\n";
    put(data.path(), "events.csv", events);
    put(data.path(), "outcomes.csv", "stay,died,age,sex,patient\na,1,71,F,Ann\nb,0,,male,Bob\n");
    let read = prepare("inpatient-mortality", data.path(), &scratch.path().join("own")).unwrap();
    let stays = physionet::read(&read, Split::Test).unwrap();
    assert_eq!(stays.len(), 2);
    let (a, b) = (&stays[0], &stays[1]);
    assert!(a.died && !b.died && a.age_years == Some(71.0) && b.age_years.is_none());
    let named = |stay: &physionet::Stay| -> Vec<(String, f64)> {
        let course = stay.course();
        course.measurements.iter().map(|one| (one.variable.clone(), one.value)).collect()
    };
    let a = named(a);
    assert!(a.len() == 3 && a[0] == ("HR".into(), 80.0) && a[1].0 == "Temp" && (a[1].1 - 37.0).abs() < 1e-9, "{a:?}");
    assert!(named(b)[0].0 == "Creatinine" && (named(b)[0].1 - 1.0).abs() < 0.01, "{:?}", named(b));
    assert_eq!(b.readings[1].minutes, 150);
}

#[test]
fn what_is_not_understood_names_its_line() {
    let (data, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let attempt = |events: &str, outcomes: &str| {
        put(data.path(), "events.csv", events);
        put(data.path(), "outcomes.csv", outcomes);
        prepare("inpatient-mortality", data.path(), &scratch.path().join("own")).unwrap_err().to_string()
    };
    let head = "stay,time,variable,value,unit\n";
    let fine = "stay,died\na,0\n";
    assert!(attempt(&format!("{head}a,1,HR,80,mg/dL\n"), fine).contains("line 2: the unit of `heart rate`"));
    assert!(attempt(&format!("{head}a,1,Creatinine,80,\n"), fine).contains("cannot be converted"));
    assert!(attempt(&format!("{head}a,soon,HR,80,/min\n"), fine).contains("`time`"));
    assert!(attempt(&format!("{head}a,1,HR,80,/min\nb,1,HR,80,/min\n"), fine).contains("1 stays have no outcome"));
    assert!(attempt(&format!("{head}a,1,shoe,80,cm\n"), fine).contains("no event is of a variable"));
    assert!(attempt(&format!("{head}a,1,HR,80,/min\n"), "stay,died,patient\na,0,x\nb,1,x\n").contains("a second stay"));
}

#[test]
fn texts_with_labels_become_reports_with_a_split() {
    let (data, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let lines: String = (0..60)
        .map(|index| {
            format!(
                "{{\"text\": \"Note {index} of the knee.\", \"labels\": [\"Orthopedic\"], \"patient\": \"p{}\"}}\n",
                index % 30
            )
        })
        .collect();
    put(data.path(), "notes.jsonl", &lines);
    put(data.path(), "more.tsv", "text\tlabels\nA bladder note.\tUrology; Surgery\n");
    let read = prepare("note-specialty", data.path(), &scratch.path().join("own")).unwrap();
    let text = fs::read_to_string(read.join("own.jsonl")).unwrap();
    let rows: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((rows.len(), &rows[60]["specialties"]), (61, &serde_json::json!(["Urology", "Surgery"])));
    let splits: BTreeSet<&str> = rows.iter().map(|row| row["split"].as_str().unwrap()).collect();
    assert_eq!(splits, BTreeSet::from(["dev", "train"]));
    assert!((0..30).all(|index| rows[index]["split"] == rows[index + 30]["split"]), "a patient's texts stay together");
    put(data.path(), "notes.jsonl", "{\"text\": \"Secret words\"}\n");
    let error = prepare("note-specialty", data.path(), &scratch.path().join("own")).unwrap_err().to_string();
    assert!(error.contains("notes.jsonl, line 1") && !error.contains("Secret"), "{error}");
}

#[test]
fn data_in_no_known_layout_are_left_to_the_trainer_to_refuse() {
    let (data, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for network in ["chest-radiograph", "inpatient-mortality", "note-specialty", "note-problems"] {
        assert_eq!(prepare(network, data.path(), &scratch.path().join("own")).unwrap(), data.path());
    }
}

#[test]
fn papers_of_ones_own_data_say_nothing_of_the_public_data() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/chest-radiograph");
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("chest-radiograph");
    fs::create_dir(&folder).unwrap();
    for file in fs::read_dir(&shipped).unwrap() {
        let file = file.unwrap().path();
        fs::copy(&file, folder.join(file.file_name().unwrap())).unwrap();
    }
    let before = crate::models::Manifest::load(&folder).unwrap();
    super::describe(&folder).unwrap();
    let after = crate::models::Manifest::load(&folder).unwrap();
    assert_eq!(after.evaluation["validation"].metrics, before.evaluation["validation"].metrics);
    assert_eq!(after.attributes["bias-reduction"], before.attributes["bias-reduction"]);
    assert_eq!((after.attributes["intended-patients"].as_str(), after.provenance.ages), ("unknown", None));
    for paper in ["MODEL_CARD.md", "manifest.toml"] {
        let text = fs::read_to_string(folder.join(paper)).unwrap();
        for word in ["Kermany", "hildren", "Guangzhou", "CC BY"] {
            assert!(!text.contains(word), "{paper} still says {word}");
        }
    }
    let curve = |folder: &Path| fs::read(folder.join("learning-curve.svg")).unwrap();
    assert_eq!(curve(&folder), curve(&shipped));
}
