//! The learner on films drawn by formula.

use super::{
    data::GradedKnee,
    trainee::{KneeTrainee, kappa},
};
use crate::{
    models::knee::{
        film::{SIDE, squashed},
        network::Shape,
        phantom,
    },
    training::Trainee as _,
};

fn small() -> Shape {
    Shape { widths: vec![8, 8, 8, 16], blocks: vec![1, 0, 1] }
}

#[test]
fn quadratic_kappa_is_one_for_agreement_zero_for_chance_and_by_hand_between() {
    let truths = [0, 1, 2, 3, 4, 0, 2, 2];
    assert!((kappa(&truths, &truths) - 1.0).abs() < 1e-12);
    assert!(kappa(&[1, 1, 3, 3], &[1, 3, 1, 3]).abs() < 1e-12);
    // Observed 1 of 4 pairs off by one; expected by the margins: (1·1·1 + 1·3·1) / 4 … = 4 pairs of squared distance 1 at 0.25.
    let by_hand = 1.0 - 1.0 / ((3.0 * 2.0 + 1.0 * 2.0) / 4.0);
    assert!((kappa(&[0, 0, 0, 1], &[0, 0, 1, 1]) - by_hand).abs() < 1e-12);
    assert_eq!(kappa(&[2, 2], &[2, 2]), 0.0, "one grade alone says nothing");
}

#[test]
fn the_same_seed_gives_the_same_loss_and_the_loss_falls_with_a_gradient() {
    let films = [phantom::normal(), phantom::narrowed()].map(|image| squashed(&image).pixels().to_vec());
    let examples: Vec<(Vec<u8>, usize)> = (0..8).map(|index| (films[index % 2].clone(), 4 * (index % 2))).collect();
    let make = || KneeTrainee::new(&small(), (8, 5), examples.clone(), &examples).unwrap();
    let loss = |trainee: &mut KneeTrainee| {
        assert_eq!(trainee.steps(1), 1);
        trainee.loss(1, 0).unwrap()
    };
    let (mut one, mut other) = (make(), make());
    let (first, second) = (loss(&mut one), loss(&mut other));
    assert_eq!(first.to_scalar::<f32>().unwrap(), second.to_scalar::<f32>().unwrap());
    let mut optimiser = crate::training::optimiser::AdamW::new(one.vars(), 0.0);
    let begin = first.to_scalar::<f32>().unwrap();
    for _ in 0..30 {
        let step = loss(&mut one);
        optimiser.step(&step.backward().unwrap(), 1e-2, 1.0).unwrap();
    }
    let end = loss(&mut one).to_scalar::<f32>().unwrap();
    assert!(end < begin - 0.2, "{begin} -> {end}");
    assert!(one.validate().unwrap().is_finite());
}

#[test]
fn a_trial_states_what_a_chart_would_and_counts_patients_together() {
    let csv = "file,official_split,kl_grade,patient_id,side\ntrain/3/7R.jpg,val,3,7,R\ntrain/0/8L.jpg,train,0,8,L\n";
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("labels.csv"), csv).unwrap();
    let mut archive = zip::ZipWriter::new(std::fs::File::create(folder.path().join("train.zip")).unwrap());
    for name in ["train/3/7R.jpg", "train/0/8L.jpg"] {
        let image = phantom::normal().resized(SIDE, SIDE);
        let grey = image::GrayImage::from_raw(SIDE as u32, SIDE as u32, image.pixels().to_vec()).unwrap();
        let mut bytes = std::io::Cursor::new(Vec::new());
        grey.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut archive, bytes.get_ref()).unwrap();
    }
    archive.finish().unwrap();
    let knees: Vec<GradedKnee> = super::data::read(folder.path(), 1).unwrap();
    let trials = super::cases(&knees, crate::training::Split::Validation);
    assert_eq!(trials.len(), 1);
    assert_eq!((trials[0].name.as_str(), trials[0].cluster.as_str()), ("7R.jpg", "7"));
    assert_eq!(trials[0].groups["side"], "right");
    assert_eq!(trials[0].truth, crate::training::trial::Truth::Grade(3));
    let crate::domain::ModelInput::Film(film) = &trials[0].input else { panic!("a film") };
    assert_eq!(film.side, Some(crate::domain::Side::Right));
}
