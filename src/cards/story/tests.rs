//! Stories word by word: findings, reasons, certainty.

use super::{Evidence, Fact, Finding, Language, Language::Chinese, Language::English, Place, compose, licensed};
use crate::domain::Answer;
use time::{Duration, OffsetDateTime, macros::datetime};

const NOW: OffsetDateTime = datetime!(2026-01-02 12:00 UTC);

pub fn evidence(finding: Finding<'_>) -> Evidence<'_> {
    Evidence {
        finding,
        probability: 0.42,
        threshold: 0.25,
        certainty: None,
        factors: Vec::new(),
        words: Vec::new(),
        now: NOW,
        missing: &[],
        reliable: Some(true),
        counterfactual: None,
    }
}

pub fn death() -> Finding<'static> {
    Finding::Risk { what: "death in hospital" }
}

pub fn fact<'a>(label: &'a str, value: f64, unit: &'a str, hours: i64, raises: bool) -> Fact<'a> {
    let time = Some(NOW - Duration::hours(hours));
    Fact { label, value: Some(value), unit, time, raises, from_absence: false, range: None }
}

fn three_factors() -> Vec<Fact<'static>> {
    let time = Some(NOW - Duration::minutes(100));
    vec![
        Fact { range: Some((0.5, 2.0)), ..fact("lactate", 4.2, "mmol/L", 3, true) },
        Fact { range: Some((15.0, 15.0)), time, ..fact("Glasgow coma score", 9.0, "{score}", 1, true) },
        fact("heart rate", 84.0, "/min", 26, false),
    ]
}

pub fn told(evidence: &Evidence<'_>, language: Language, expected: &[&str]) {
    let story = compose(evidence, language);
    assert_eq!(story.sentences.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    assert!(licensed(&story.text(), evidence, language).is_ok());
}

#[test]
fn a_film_looks_like_its_finding_and_is_never_said_to_show_it() {
    let film = Finding::Film { what: "pneumonia", place: Some(Place::LowerRight) };
    let missing = ["view position (taken as frontal)".to_owned(), "age".to_owned()];
    let mut film = Evidence { probability: 0.834, certainty: Some((Answer::Yes, 0.9)), ..evidence(film) };
    film.missing = &missing;
    let english = [
        "To the network this film looks like pneumonia; it estimates the probability at 83 % (about 8 in 10), which \
         reaches its threshold of 25 %.",
        "The lower right part of the picture weighed most.",
        "At 90 % confidence only the answer yes is left.",
        "What was missing: view position (taken as frontal) and age were not stated.",
    ];
    let chinese = [
        "在模型看来，此片的表现类似肺炎：估计概率为83%（每10例中约8例），达到阈值25%。",
        "图像右下部的影响最大。",
        "在90%的置信水平下，只剩肯定的答案。",
        "缺少的信息：未注明投照体位（按正位处理）和年龄。",
    ];
    told(&film, English, &english);
    told(&film, Chinese, &chinese);
}

#[test]
fn a_grade_keeps_its_number_and_a_film_under_its_threshold_looks_like_nothing() {
    let knee = Finding::Film { what: "knee osteoarthritis grade 2 or more", place: None };
    let knee = Evidence { probability: 0.2496, certainty: Some((Answer::No, 0.95)), ..evidence(knee) };
    let english = [
        "The network estimates the probability of knee osteoarthritis grade 2 or more on this film at 25 % (about 2 in \
         10), just under its threshold of 25 %.",
        "At 95 % confidence only the answer no is left.",
    ];
    let chinese = [
        "模型估计此片有2级及以上的膝骨关节炎的概率为25%（每10例中约2例），略低于阈值25%。",
        "在95%的置信水平下，只剩否定的答案。",
    ];
    told(&knee, English, &english);
    told(&knee, Chinese, &chinese);
}

#[test]
fn a_risk_names_its_leading_factors_with_values_and_times() {
    let risk = Evidence { factors: three_factors(), certainty: Some((Answer::Either, 0.9)), ..evidence(death()) };
    let english = [
        "The network estimates the risk of death in hospital at 42 % (about 4 in 10), which reaches its threshold of 25 %.",
        "What raised the estimate most: lactate 4.2 mmol/L (3 hours ago, typical 0.5 to 2) and Glasgow coma score 9 (1 \
         hour ago, typical 15); what lowered it most: heart rate 84/min (26 hours ago).",
        "At 90 % confidence neither yes nor no can be ruled out: the network cannot tell.",
    ];
    let chinese = [
        "模型估计院内死亡的风险为42%（每10例中约4例），达到阈值25%。",
        "使估计升高最多的是乳酸4.2 mmol/L（3小时前，一般为0.5至2）和格拉斯哥昏迷评分9（1小时前，一般为15）；\
         使估计降低最多的是心率84/min（26小时前）。",
        "在90%的置信水平下，肯定与否定都不能排除：模型无法判断。",
    ];
    told(&risk, English, &english);
    told(&risk, Chinese, &chinese);
}

#[test]
fn what_was_not_measured_is_told_as_a_reason_and_as_missing() {
    let absent = Fact { value: None, time: None, from_absence: true, ..fact("lactate", 0.0, "mmol/L", 0, true) };
    let seldom = Fact { from_absence: true, ..fact("arterial pH", 7.314, "[pH]", 5, false) };
    let missing = ["lactate", "white cells", "sex", "earlier hours (there are 25 of 48)"].map(String::from);
    let risk = Evidence { factors: vec![absent, seldom], missing: &missing, ..evidence(death()) };
    let english = [
        "The network estimates the risk of death in hospital at 42 % (about 4 in 10), which reaches its threshold of 25 %.",
        "What raised the estimate most: lactate (not measured); what lowered it most: arterial pH 7.31 (5 hours ago, \
         mostly for being measured seldom).",
        "What was missing: lactate and white cells were not measured; sex was not stated; earlier hours (there are 25 of \
         48) were not available.",
    ];
    let chinese = [
        "模型估计院内死亡的风险为42%（每10例中约4例），达到阈值25%。",
        "使估计升高最多的是乳酸（未测量）；使估计降低最多的是动脉血pH 7.31（5小时前，主要因为测量得少）。",
        "缺少的信息：未测量乳酸和白细胞；未注明性别；没有更早的数据（应有48小时，仅有25小时）。",
    ];
    told(&risk, English, &english);
    told(&risk, Chinese, &chinese);
}

#[test]
fn without_factors_there_is_the_finding_alone() {
    let risk = Evidence { probability: 0.004, ..evidence(death()) };
    let english = "The network estimates the risk of death in hospital at under 1 % (fewer than 1 in 10), under its \
                   threshold of 25 %.";
    told(&risk, English, &[english]);
    told(&risk, Chinese, &["模型估计院内死亡的风险为低于1%（每10例中不到1例），低于阈值25%。"]);
}

#[test]
fn reasons_that_failed_their_check_or_were_not_computed_are_not_told() {
    let unreliable = Evidence { factors: three_factors(), reliable: Some(false), ..evidence(death()) };
    let second = |evidence: &Evidence<'_>, language| compose(evidence, language).sentences[1].clone();
    let english = "The explanation is unreliable: it failed its own check, so no reasons are given.";
    assert_eq!(second(&unreliable, English), english);
    assert_eq!(second(&unreliable, Chinese), "对该判断的解释不可靠：未通过自身检验，因此不列出理由。");
    let late = Evidence { reliable: None, ..unreliable };
    assert_eq!(second(&late, English), "Why the network says so was not computed.");
    assert_eq!(second(&late, Chinese), "模型为何如此判断，未能算出。");
    assert!(licensed("lactate 4.2 mmol/L", &late, English).is_err());
}

#[test]
fn a_note_that_mentions_a_problem_once_says_so() {
    let note = Finding::Mentions { what: "COPD GOLD 3", count: 1, negated: 0 };
    let note = Evidence { probability: 0.91, threshold: 0.5, words: vec!["dyspnoea"], ..evidence(note) };
    let english = [
        "The notes mention “COPD GOLD 3” once; the network estimates the probability that the words name a problem at \
         91 % (about 9 in 10), which reaches its threshold of 50 %.",
        "The word “dyspnoea” weighed most.",
    ];
    let chinese = [
        "病历1次提到“COPD GOLD 3”；模型估计这些词指某种疾病的概率为91%（每10例中约9例），达到阈值50%。",
        "影响最大的词是“dyspnoea”。",
    ];
    told(&note, English, &english);
    told(&note, Chinese, &chinese);
}

#[test]
fn a_note_with_three_mentions_counts_denials_apart_and_needs_no_reasons() {
    let note = Finding::Mentions { what: "atrial fibrillation", count: 3, negated: 2 };
    let missing = ["the last 300 characters of the notes were not read".to_owned()];
    let note = Evidence { threshold: 0.5, probability: 0.97, reliable: None, missing: &missing, ..evidence(note) };
    let english = [
        "The notes mention “atrial fibrillation” 3 times and deny it 2 times; the network estimates the probability that \
         the words name a problem at 97 % (more than 9 in 10), which reaches its threshold of 50 %.",
        "What was missing: the last 300 characters of the notes were not read.",
    ];
    let chinese = [
        "病历3次提到“atrial fibrillation”，2次否认；模型估计这些词指某种疾病的概率为97%（每10例中超过9例），达到阈值50%。",
        "缺少的信息：病历末尾300个字符未读取。",
    ];
    told(&note, English, &english);
    told(&note, Chinese, &chinese);
    let denied = Evidence { finding: Finding::Mentions { what: "gout", count: 0, negated: 1 }, ..note };
    assert!(compose(&denied, English).text().starts_with("The notes deny “gout” once; "));
}

#[test]
fn old_values_carry_their_age_and_a_flag_has_no_value() {
    let factors = vec![
        fact("platelets", 88.0, "10*3/uL", 24 * 9, true),
        fact("mechanical ventilation", 1.0, "1", 24 * 400, true),
        fact("oxygen saturation", 96.0, "%", 0, true),
    ];
    let risk = Evidence { factors, ..evidence(death()) };
    let second = |language| compose(&risk, language).sentences[1].clone();
    assert_eq!(
        second(English),
        "What raised the estimate most: platelets 88 ×10^3/µL (9 days ago), mechanical ventilation (13 months ago) and \
         oxygen saturation 96 % (just now)."
    );
    assert_eq!(
        second(Chinese),
        "使估计升高最多的是血小板88 ×10^3/µL（9天前）、机械通气（13个月前）和血氧饱和度96%（刚刚）。"
    );
}
