//! Names in Chinese, and what kind of thing a name stands for.
//!
//! Contract: a table, nothing else; a name that is not in it has no translation and stays as it is. It holds every
//! label of the sequence networks' variables (as `fhir` and as `training` word them), the findings, and what networks
//! say is missing. `{}` in an entry stands for a number, which is taken over; a bracket that no entry knows is
//! dropped.

use Kind::{Clause, Finding, Flag, Lacking, Measured, Stated};

/// What a name stands for, which decides how its absence is worded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A quantity that somebody measures.
    Measured,
    /// Something that is on or not charted; its value says nothing.
    Flag,
    /// Something the chart states or leaves open.
    Stated,
    /// Anything else that can be missing.
    Lacking,
    /// A whole clause about what was not read.
    Clause,
    /// What a network looks for.
    Finding,
}

/// English, Chinese, kind.
pub const NAMES: [(&str, &str, Kind); 74] = [
    ("albumin", "白蛋白", Measured),
    ("alkaline phosphatase", "碱性磷酸酶", Measured),
    ("alanine aminotransferase (ALT)", "丙氨酸氨基转移酶（ALT）", Measured),
    ("alanine aminotransferase", "丙氨酸氨基转移酶", Measured),
    ("aspartate aminotransferase (AST)", "天冬氨酸氨基转移酶（AST）", Measured),
    ("aspartate aminotransferase", "天冬氨酸氨基转移酶", Measured),
    ("bilirubin", "胆红素", Measured),
    ("urea nitrogen", "尿素氮", Measured),
    ("cholesterol", "胆固醇", Measured),
    ("creatinine", "肌酐", Measured),
    ("diastolic arterial pressure (invasive)", "有创舒张压", Measured),
    ("diastolic pressure (arterial line)", "有创舒张压", Measured),
    ("inspired oxygen fraction", "吸入氧浓度", Measured),
    ("Glasgow coma score", "格拉斯哥昏迷评分", Measured),
    ("glucose", "血糖", Measured),
    ("bicarbonate", "碳酸氢根", Measured),
    ("haematocrit", "血细胞比容", Measured),
    ("body height", "身高", Measured),
    ("heart rate", "心率", Measured),
    ("potassium", "血钾", Measured),
    ("lactate", "乳酸", Measured),
    ("magnesium", "血镁", Measured),
    ("mean arterial pressure (invasive)", "有创平均动脉压", Measured),
    ("mean pressure (arterial line)", "有创平均动脉压", Measured),
    ("mechanical ventilation", "机械通气", Flag),
    ("sodium", "血钠", Measured),
    ("blood pressure", "血压", Measured),
    ("diastolic blood pressure", "舒张压", Measured),
    ("diastolic pressure (cuff)", "袖带舒张压", Measured),
    ("mean blood pressure", "平均血压", Measured),
    ("mean pressure (cuff)", "袖带平均压", Measured),
    ("systolic blood pressure", "收缩压", Measured),
    ("systolic pressure (cuff)", "袖带收缩压", Measured),
    ("arterial carbon dioxide pressure", "动脉血二氧化碳分压", Measured),
    ("arterial carbon dioxide", "动脉血二氧化碳", Measured),
    ("arterial oxygen pressure", "动脉血氧分压", Measured),
    ("arterial oxygen", "动脉血氧", Measured),
    ("arterial pH", "动脉血pH", Measured),
    ("platelets", "血小板", Measured),
    ("respiratory rate", "呼吸频率", Measured),
    ("oxygen saturation", "血氧饱和度", Measured),
    ("systolic arterial pressure (invasive)", "有创收缩压", Measured),
    ("systolic pressure (arterial line)", "有创收缩压", Measured),
    ("temperature", "体温", Measured),
    ("troponin I", "肌钙蛋白I", Measured),
    ("troponin T", "肌钙蛋白T", Measured),
    ("urine output", "尿量", Measured),
    ("white blood cells", "白细胞", Measured),
    ("white cells", "白细胞", Measured),
    ("body weight", "体重", Measured),
    ("BNP", "脑钠肽", Measured),
    ("NT-proBNP", "N末端脑钠肽前体", Measured),
    ("LDL cholesterol", "低密度脂蛋白胆固醇", Measured),
    ("HDL cholesterol", "高密度脂蛋白胆固醇", Measured),
    ("age", "年龄", Stated),
    ("sex", "性别", Stated),
    ("modality", "成像方式", Stated),
    ("body site", "检查部位", Stated),
    ("body site (taken as a knee)", "检查部位（按膝关节处理）", Stated),
    ("side (left or right is not stated)", "左右侧", Stated),
    ("view position (taken as frontal)", "投照体位（按正位处理）", Stated),
    ("view position (taken as frontal, standing)", "投照体位（按站立正位处理）", Stated),
    ("earlier hours", "更早的数据", Lacking),
    ("training films of adults", "成人的训练片", Lacking),
    ("training films of patients of this age", "该年龄患者的训练片", Lacking),
    ("one note that does not look like English text was not read", "有一份不像英文的病历未读取", Clause),
    ("pneumonia", "肺炎", Finding),
    ("osteoarthritis", "骨关节炎", Finding),
    ("knee osteoarthritis", "膝骨关节炎", Finding),
    ("hip osteoarthritis", "髋骨关节炎", Finding),
    ("death in hospital", "院内死亡", Finding),
    ("death", "死亡", Finding),
    ("deterioration", "病情恶化", Finding),
    ("heart failure", "心力衰竭", Finding),
];

/// The same with numbers: `{}` takes a number, and `{0}`, `{1}` give it back.
const PATTERNS: [(&str, &str, Kind); 9] = [
    ("earlier hours (there are {} of {})", "更早的数据（应有{1}小时，仅有{0}小时）", Lacking),
    ("age (the network learned from patients of {} to {} years)", "年龄（模型学自{0}至{1}岁的患者）", Stated),
    ("a film of at least {} pixels on its shorter side", "短边至少{0}像素的片子", Lacking),
    (
        "training films of patients of this age (the network learned from patients of {} to {} years)",
        "该年龄患者的训练片（模型学自{0}至{1}岁的患者）",
        Lacking,
    ),
    ("{} notes that do not look like English text were not read", "有{0}份不像英文的病历未读取", Clause),
    ("the last {} characters of the notes were not read", "病历末尾{0}个字符未读取", Clause),
    ("knee osteoarthritis grade {} or more", "{0}级及以上的膝骨关节炎", Finding),
    ("osteoarthritis grade {} or more", "{0}级及以上的骨关节炎", Finding),
    ("osteoarthritis of grade {} or more", "{0}级及以上的骨关节炎", Finding),
];

/// A name in Chinese and what it stands for.
pub fn lookup(english: &str) -> Option<(String, Kind)> {
    let entry = |name: &str| NAMES.iter().find(|one| one.0 == name).map(|one| (one.1.to_owned(), one.2));
    entry(english)
        .or_else(|| PATTERNS.iter().find_map(|one| Some((filled(one.1, &numbers(one.0, english)?), one.2))))
        .or_else(|| entry(english.split_once(" (")?.0))
}

/// The numbers at the places of `{}`, when the text is the pattern's.
fn numbers<'t>(pattern: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut pieces = pattern.split("{}");
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let mut found = Vec::new();
    for piece in pieces {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        rest = after.strip_prefix(piece)?;
        found.push(number);
    }
    (rest.is_empty() && found.iter().all(|number| !number.is_empty())).then_some(found)
}

fn filled(pattern: &str, numbers: &[&str]) -> String {
    let places = ["{0}", "{1}"];
    places.iter().zip(numbers).fold(pattern.to_owned(), |text, (place, number)| text.replace(place, number))
}

#[cfg(test)]
mod tests {
    use super::{Kind, NAMES, PATTERNS, lookup};
    use std::collections::BTreeSet;

    #[test]
    fn every_name_stands_once_and_is_chinese() {
        let english: BTreeSet<&str> = NAMES.iter().map(|one| one.0).collect();
        assert_eq!(english.len(), NAMES.len());
        for (english, chinese, _) in NAMES.iter().chain(&PATTERNS) {
            assert!(english.is_ascii() && !chinese.is_ascii() && chinese.trim() == *chinese, "{english}");
            assert_eq!(english.matches("{}").count(), chinese.matches('{').count(), "{english}");
        }
    }

    #[test]
    fn numbers_in_a_name_are_taken_over_and_unknown_brackets_dropped() {
        let chinese = |text| lookup(text).map(|one| one.0);
        assert_eq!(
            chinese("earlier hours (there are 25 of 48)").as_deref(),
            Some("更早的数据（应有48小时，仅有25小时）")
        );
        assert_eq!(chinese("knee osteoarthritis grade 2 or more").as_deref(), Some("2级及以上的膝骨关节炎"));
        assert_eq!(chinese("training films of adults (nobody has measured them)").as_deref(), Some("成人的训练片"));
        assert_eq!(chinese("earlier hours (there are  of 48)").as_deref(), Some("更早的数据"));
        assert_eq!(chinese("gout"), None);
        assert_eq!(lookup("the last 12 characters of the notes were not read").map(|one| one.1), Some(Kind::Clause));
    }
}
