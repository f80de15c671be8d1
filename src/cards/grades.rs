//! Grades in words, and what applies to which grade.

use super::{build::Filled, finding::Answer, placeholder::Placeholder, words};
use crate::domain::{Grade, ModelInput, Side};

/// Grades of the scale of Kellgren and Lawrence, the only one so far.
pub const GRADES: usize = WORDS.len();
/// What they mean (Kellgren & Lawrence, Ann Rheum Dis 1957;16:494).
const WORDS: [&str; 5] = ["none", "doubtful", "mild", "moderate", "severe"];

/// Whether an entry for these grades (all if none are named) is for this answer.
pub fn applies(grades: Option<&[usize]>, grade: Option<&Grade>) -> bool {
    grades.is_none_or(|grades| grade.is_some_and(|grade| grades.contains(&grade.grade)))
}

/// `grade 2, mild`.
fn named(grade: usize) -> String {
    WORDS.get(grade).map_or_else(|| format!("grade {grade}"), |word| format!("grade {grade}, {word}"))
}

/// Fills in what a film of a knee says beyond its finding: side, grade, interval, probability of every grade.
pub fn fill(filled: &mut Filled, answer: &Answer<'_>) {
    let side = match answer.input {
        ModelInput::Film(film) => film.side,
        _ => None,
    };
    let side = side.map_or_else(
        || "Knee (side not stated)".to_owned(),
        |side| match side {
            Side::Left => "Left knee".to_owned(),
            Side::Right => "Right knee".to_owned(),
        },
    );
    filled.text(Placeholder::Side, &side);
    let text = |of: fn(&Grade) -> String| answer.grade.map_or_else(|| "grade not known".to_owned(), of);
    filled.text(Placeholder::Grade, &text(|grade| named(grade.grade)));
    filled.text(Placeholder::GradeInterval, &text(interval));
    filled.markdown(Placeholder::GradeProbabilities, text(probabilities));
}

fn interval(grade: &Grade) -> String {
    let (low, high) = grade.interval;
    if low == high { format!("grade {low} only") } else { format!("grade {low} to {high}") }
}

/// One line: every grade with its probability, and the promise of the interval.
fn probabilities(grade: &Grade) -> String {
    let each = grade.probabilities.iter().enumerate();
    let each: Vec<String> =
        each.map(|(grade, probability)| format!("{} {}", named(grade), words::percent(*probability))).collect();
    format!(
        "{}. A range drawn this way holds the true grade in {:.0} of 100 films; here it is {}",
        each.join("; "),
        100.0 * grade.coverage,
        interval(grade)
    )
}

#[cfg(test)]
mod tests {
    use super::{applies, interval, probabilities};
    use crate::domain::Grade;

    fn grade(grade: usize, interval: (usize, usize)) -> Grade {
        let probabilities = vec![0.02, 0.08, 0.6, 0.25, 0.05];
        Grade { scale: "kellgren-lawrence".into(), grade, probabilities, interval, coverage: 0.9 }
    }

    #[test]
    fn an_entry_without_grades_is_for_all_and_one_with_grades_for_those_alone() {
        let mild = grade(2, (2, 3));
        assert!(applies(None, None) && applies(None, Some(&mild)) && applies(Some(&[2, 3]), Some(&mild)));
        assert!(!applies(Some(&[4]), Some(&mild)) && !applies(Some(&[2]), None));
    }

    #[test]
    fn grades_are_said_in_words_with_their_probabilities_and_the_interval() {
        assert_eq!(
            (interval(&grade(2, (2, 2))).as_str(), interval(&grade(2, (1, 3))).as_str()),
            ("grade 2 only", "grade 1 to 3")
        );
        let said = probabilities(&grade(2, (2, 3)));
        assert!(said.starts_with("grade 0, none 2 %; grade 1, doubtful 8 %; grade 2, mild 60 %"), "{said}");
        assert!(said.ends_with("holds the true grade in 90 of 100 films; here it is grade 2 to 3"), "{said}");
    }
}
