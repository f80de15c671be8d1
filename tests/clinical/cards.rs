//! What stands on which card, and when there is none.

use super::charts::*;
use auscult::{
    cards::{BuildError, Built, CardKind, Outcome},
    cds_hooks::{Card, CdsResponse, Indicator, SelectionBehavior},
    domain::{Answer, Assertion, Ignored, Side},
};
use proptest::prelude::*;
use time::Duration;

fn detail(card: &Card) -> &str {
    card.detail.as_deref().expect("every card has a detail")
}

fn indicators(chart: &Chart) -> Vec<Indicator> {
    chart.build().cards.iter().map(|card| card.indicator).collect()
}

#[test]
fn a_film_that_looks_like_pneumonia_gives_one_card_that_says_what_how_sure_and_why() {
    let built = Chart::film(film(0.834)).build();
    let [card] = &built.cards[..] else { panic!("one card") };
    assert_eq!(
        card.summary,
        "Chest film taken 3 hours ago: looks like pneumonia to a network (probability 83 %); please have it read"
    );
    assert_eq!(
        detail(card),
        "**This film may show pneumonia.** Among held-out films that scored like it, about 8 in 10 showed pneumonia.\n\
         \n\
         To the network this film looks like pneumonia; it estimates the probability at 83 % (about 8 in 10), which \
         reaches its threshold of 31 %. The lower right part of the picture weighed most. What was missing: body weight \
         was not measured.\n\
         \n\
         **Looked at:** Media/film-1 (DX, PA, Chest, 4 × 4 pixels), 2026-01-02 09:00 UTC, 3 hours ago\n\
         \n\
         Method: class activation map; its parts add up to the score (off by 0.0004, 0.05 accepted).\n\
         \n\
         **Missing:** body weight\n\
         \n\
         **How it was validated:** 1,046 held-out films, 776 with the finding: AUROC 0.98, accuracy 0.93, F1 0.85. \
         At this card's threshold it finds 91 of 100 with the finding; of 100 cards 84 are right; it fires in 31 of 100. \
         74 % of those cases had it; where it is rarer, the true probability is lower.\n\
         \n\
         **Made for:** Helping professionals decide what to look at next.\n\
         \n\
         **Not made for:** Children under 18; Use without a professional\n\
         \n\
         **If you disagree:** choose one of the reasons; it is kept beside this answer, for review.\n\
         \n\
         *Decision support for professionals by chest-radiograph 1.2.0, not a diagnosis; research use, not a certified \
         medical device.*"
    );
    assert_eq!(card.indicator, Indicator::Warning);
    assert_eq!(card.selection_behavior, Some(SelectionBehavior::AtMostOne));
    assert_eq!(card.override_reasons.len(), 5);
    let origin = &built.origins[0];
    assert_eq!((origin.card, origin.kind), (card.uuid, CardKind::Finding));
    assert_eq!(origin.label.as_deref(), Some("pneumonia"));
    assert_eq!(origin.suggestions.len(), card.suggestions.len());
    let link = serde_json::to_value(&card.links[0]).unwrap();
    assert_eq!(
        link["url"],
        format!("https://auscult.example/explain/{}?from={}&key=k", card.uuid, NOW.unix_timestamp())
    );
    let about = serde_json::to_value(&card.links[1]).unwrap();
    assert_eq!(about["url"], "https://auscult.example/models/chest-radiograph");
    assert_eq!(card.source.url.as_deref(), Some("https://auscult.example/models/chest-radiograph"));
}

#[test]
fn an_ehr_that_may_launch_the_explanation_gets_a_link_to_do_so_and_another_does_not() {
    let smart = |fhir_server| {
        let mut chart = Chart::film(film(0.834));
        chart.fhir_server = fhir_server;
        let card = chart.build().cards.remove(0);
        let links: Vec<_> = card.links.iter().map(|link| serde_json::to_value(link).unwrap()).collect();
        (card.uuid, links.into_iter().find(|link| link["type"] == "smart"))
    };
    let (card, link) = smart(Some(EHR));
    let link = link.unwrap();
    assert_eq!(link["url"], "https://auscult.example/smart/launch");
    assert_eq!(link["appContext"], format!("{{\"card\":\"{card}\"}}"));
    assert_eq!(smart(Some("https://other.example/fhir")).1, None);
    assert_eq!(smart(None).1, None);
}

#[test]
fn intervals_the_conformal_answer_and_an_unusual_input_are_said_where_they_are_known() {
    let mut chart = Chart::film(promised(film(0.834), Answer::Either, 9.8));
    chart.edit = |manifest| {
        let evaluation = manifest.evaluation.get_mut("validation").unwrap();
        evaluation.metrics.insert("sensitivity".into(), 0.91);
        evaluation.intervals = [("auroc", [0.97, 0.9996]), ("sensitivity", [0.88, 0.93])]
            .map(|(name, interval)| (name.to_owned(), interval))
            .into();
    };
    let said = detail(&chart.build().cards[0]).to_owned();
    for part in [
        "AUROC 0.98 (0.97 to 0.99), accuracy 0.93, F1 0.85. At this card's threshold it finds 91 (88 to 93) of 100 with the finding",
        "of 100 cards 84 are right; it fires in 31 of 100 (in brackets: 95 % intervals).",
        "At 90 % confidence neither yes nor no can be ruled out: the network cannot tell.",
        "This film is unlike most films the network was trained on",
    ] {
        assert!(said.contains(part), "{part} is not in:\n{said}");
    }
    let usual = Chart::film(promised(film(0.834), Answer::Yes, 2.0)).build();
    assert!(detail(&usual.cards[0]).contains("At 90 % confidence only the answer yes is left."));
    assert!(!detail(&usual.cards[0]).contains("unlike most films"));
}

#[test]
fn a_card_that_speaks_for_no_network_leads_to_no_network() {
    let built = Chart::review(absent("film"), absent("vitals"), absent("notes")).build();
    let card = serde_json::to_value(&built.cards[0]).unwrap();
    assert_eq!(card["links"].as_array().unwrap().len(), 1);
    assert_eq!(card["source"]["url"], "https://github.com/auscult/auscult");
}

#[test]
fn below_the_threshold_there_is_nothing_to_say() {
    assert!(Chart::film(film(0.309)).build().cards.is_empty());
    assert!(Chart::course(course(0.1, 1, true)).build().cards.is_empty());
    assert!(Chart::notes(notes(&[("gout", None, Assertion::Present, 0.49)])).build().cards.is_empty());
    let quiet = Chart::review(film(0.1), course(0.05, 1, true), notes(&[]));
    assert!(quiet.build().cards.is_empty());
}

#[test]
fn urgency_grows_with_the_probability_and_the_most_urgent_card_comes_first() {
    for (probability, expected) in [(0.12, Indicator::Warning), (0.59, Indicator::Warning), (0.6, Indicator::Critical)]
    {
        assert_eq!(indicators(&Chart::course(course(probability, 1, true))), [expected], "{probability}");
    }
    let all =
        Chart::review(film(0.9), course(0.9, 1, true), notes(&[("gout", Some("M10.9"), Assertion::Present, 0.9)]));
    assert_eq!(indicators(&all), [Indicator::Critical, Indicator::Warning, Indicator::Info]);
}

#[test]
fn a_course_shows_the_values_that_weighed_with_unit_and_age() {
    let built = Chart::course(course(0.42, 1, false)).build();
    let card = &built.cards[0];
    assert_eq!(
        card.summary,
        "Values up to 60 minutes ago: risk of death in hospital 42 % according to a network; please review the patient"
    );
    for line in [
        "Among held-out stays that scored like this one, about 4 in 10 ended in death in hospital",
        "**Looked at:** 2 values of 1 variable, 2025-12-31 19:00 UTC to 2026-01-02 11:00 UTC (newest 60 minutes ago); age 67, female",
        "- **heart rate** 131 /min, 60 minutes ago: raises it, +0.90",
        "- **lactate** not measured: raises it, +0.40",
    ] {
        assert!(detail(card).contains(line), "{line} is not in:\n{}", detail(card));
    }
}

#[test]
fn an_old_film_or_course_informs_and_says_how_old_it_is() {
    let old = Chart::course(course(0.9, 24 * 325, true)).build();
    assert_eq!(old.cards[0].indicator, Indicator::Info);
    assert!(old.cards[0].summary.contains("up to 10 months ago"), "{}", old.cards[0].summary);
    assert!(detail(&old.cards[0]).contains("**This describes the patient 10 months ago, not now.**"));
    let film = |days| Chart::film(film_taken(0.9, Some(NOW - Duration::days(days)), "Chest"));
    assert_eq!(indicators(&film(8)), [Indicator::Info]);
    assert_eq!(indicators(&film(6)), [Indicator::Warning]);
    let undated = Chart::film(film_taken(0.9, None, "Chest")).build();
    assert!(undated.cards[0].summary.contains("undated") && detail(&undated.cards[0]).contains("date not stated"));
}

#[test]
fn whatever_could_not_be_judged_is_said_on_a_card_that_names_it() {
    for (outcome, kind, words) in [
        (
            abstained("This does not look like a chest film."),
            CardKind::Abstained,
            "This does not look like a chest film.",
        ),
        (Outcome::Unreadable { why: "the query failed".into() }, CardKind::Unreadable, "the query failed."),
        (Outcome::Late, CardKind::Late, "no answer in time"),
        (Outcome::Failed, CardKind::Failed, "the network failed"),
        (Outcome::Refused("too many charts were waiting".into()), CardKind::Refused, "too many charts were waiting."),
    ] {
        let built = Chart::review(outcome, course(0.05, 1, true), notes(&[])).build();
        let [card] = &built.cards[..] else { panic!("{kind:?} is silent") };
        assert_eq!((built.origins[0].kind, card.indicator), (kind, Indicator::Info));
        assert_eq!(built.origins[0].model.as_ref().unwrap().as_str(), "chest-radiograph");
        assert!(card.summary.contains("Pneumonia on a frontal chest film"), "{}", card.summary);
        assert!(detail(card).contains(words) && detail(card).contains("neither good nor bad news"), "{}", detail(card));
        assert!(card.suggestions.is_empty() && card.selection_behavior.is_none());
    }
}

#[test]
fn what_the_chart_does_not_hold_is_a_line_on_the_other_cards() {
    let built = Chart::review(film(0.9), absent("vitals"), absent("notes")).build();
    assert_eq!(built.cards.len(), 1);
    let line = "**Not looked at:** no knee film in the chart; no vitals in the chart; no notes in the chart\n";
    assert!(detail(&built.cards[0]).contains(line), "{}", detail(&built.cards[0]));
}

#[test]
fn when_nothing_could_be_read_one_card_says_so() {
    let mut chart = Chart::review(absent("film"), absent("vitals"), absent("notes"));
    chart.ignored.push(Ignored { reference: "Observation/1".into(), reason: "unknown-unit", detail: String::new() });
    for built in [chart.build(), Chart::film(absent("film")).build()] {
        assert_eq!(built.origins.iter().map(|origin| origin.kind).collect::<Vec<_>>(), [CardKind::NothingRead]);
        assert!(built.cards[0].summary.starts_with("Nothing was looked at"), "{}", built.cards[0].summary);
        assert!(detail(&built.cards[0]).contains("no film in the chart"));
    }
    assert!(detail(&chart.build().cards[0]).contains("**Not used:** 1 unknown unit"));
}

#[test]
fn a_query_that_failed_is_never_hidden_behind_an_empty_list() {
    let mut chart = Chart::review(film(0.1), course(0.05, 1, true), absent("notes"));
    assert!(chart.build().cards.is_empty());
    chart.keys.push("the EHR answered the query for notes with an error".into());
    let built = chart.build();
    assert_eq!(built.origins[0].kind, CardKind::Incomplete);
    assert!(detail(&built.cards[0]).contains("the EHR answered the query for notes with an error"));
}

#[test]
fn unlisted_problems_have_a_card_each_up_to_three_and_the_rest_is_named() {
    use Assertion::{Negated, Present};
    let said = [
        ("atrial fibrillation", Some("I48.91"), Present, 0.99),
        ("gout", Some("M10.9"), Present, 0.98),
        ("asthma", Some("J45.909"), Present, 0.97),
        ("psoriasis", Some("L40.9"), Present, 0.96),
        ("migraine", None, Present, 0.95),
        ("pneumonia", None, Negated, 0.99),
        ("hypertension", None, Present, 0.99),
    ];
    let built = Chart::notes(notes(&said)).listing(&["Essential hypertension"]).build();
    let summaries: Vec<&str> = built.cards.iter().map(|card| card.summary.as_str()).collect();
    assert_eq!(
        summaries,
        ["atrial fibrillation", "gout", "asthma"]
            .map(|name| format!("Notes mention “{name}” (not on the problem list); please check"))
    );
    let first = detail(&built.cards[0]);
    assert!(first.contains("> He has atrial fibrillation.") && first.contains("own table:** I48.91"), "{first}");
    assert!(first.contains(
        "1 note; the sentence is in DocumentReference/note-1 (“Progress note”, 2026-01-01 16:00 UTC, 20 hours ago)"
    ));
    assert!(!first.contains("psoriasis"));
    assert!(detail(&built.cards[2]).contains("without a card of their own:** psoriasis and migraine"));
}

#[test]
fn without_a_problem_list_nothing_is_said_to_be_absent_from_it() {
    let mut chart = Chart::notes(notes(&[("gout", Some("M10.9"), Assertion::Present, 0.9)]));
    chart.problem_list = None;
    let summary = &chart.build().cards[0].summary;
    assert_eq!(summary, "Notes mention “gout” (problem list not available to compare); please check");
}

#[test]
fn a_case_that_does_not_fit_its_definition_is_an_error_and_not_an_empty_list() {
    let short = Chart::of("chart-review", vec![(0, film(0.9))]);
    let foreign = Chart::of("chest-radiograph", vec![(0, film(0.9)), (1, course(0.9, 1, true))]);
    let twice = Chart::of("chest-radiograph", vec![(0, film(0.9)), (0, film(0.1))]);
    for chart in [short, foreign, twice] {
        assert!(matches!(chart.try_build(), Err(BuildError::Results(_))));
    }
}

/// Elements that our own Markdown becomes; nothing from a chart may add another.
const ELEMENTS: [&str; 14] = [
    "p",
    "/p",
    "strong",
    "/strong",
    "em",
    "/em",
    "ul",
    "/ul",
    "li",
    "/li",
    "blockquote",
    "/blockquote",
    "br /",
    "hr /",
];

fn elements(markdown: &str) -> Vec<String> {
    let mut html = String::new();
    let parser = pulldown_cmark::Parser::new_ext(markdown, pulldown_cmark::Options::all());
    pulldown_cmark::html::push_html(&mut html, parser);
    html.split('<').skip(1).map(|part| part.split('>').next().unwrap_or_default().to_owned()).collect()
}

fn hostile() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("<img src=x onerror=alert(1)>".to_owned()),
        Just("</p><script>alert(1)</script>".to_owned()),
        Just("[x](javascript:alert(1))".to_owned()),
        Just("![x](http://evil.example/a.png)".to_owned()),
        Just("<http://evil.example>".to_owned()),
        Just("`code` | cell | {{sentence}}".to_owned()),
        Just("\n\n# heading\n\n- item\n\n> quote\n\n```\n".to_owned()),
        Just("\u{202e}\u{0}\r\n&lt;b&gt; **bold** ~~x~~".to_owned()),
        Just("Großmutter 患者 مريض 👩🏽‍⚕️".repeat(6)),
        "[ -~]{0,40}",
        ".{0,60}",
    ];
    prop::collection::vec(part, 1..4).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn text_from_a_chart_never_becomes_markup_and_summaries_always_fit(text in hostile(), other in hostile()) {
        let said = [
            (text.as_str(), Some("I10"), Assertion::Present, 0.9), (other.as_str(), None, Assertion::Present, 0.8),
            ("gout", None, Assertion::Present, 0.7), ("asthma", None, Assertion::Present, 0.6),
        ];
        let mut chart = Chart::review(film_taken(0.9, None, &text), course(0.9, 1, true), notes_titled(&other, &said));
        chart.keys.push(text.clone());
        let mut built = chart.build();
        built.cards.extend(Chart::film(abstained(&text)).build().cards);
        built.cards.extend(Chart::film(Outcome::Unreadable { why: other.clone() }).build().cards);
        built.cards.extend(Chart::film(Outcome::NoInput { why: text.clone() }).build().cards);
        for card in &built.cards {
            prop_assert!(card.check().is_ok());
            let lines = card.suggestions.iter().map(|suggestion| &suggestion.label).chain([&card.summary]);
            for line in lines {
                prop_assert!(line.chars().count() <= 139 && !line.contains(['<', '>', '\n']), "{}", line);
            }
            for element in elements(detail(card)) {
                prop_assert!(ELEMENTS.contains(&element.as_str()), "{} in {}", element, detail(card));
            }
        }
        let names: Vec<_> = built.cards.iter().take(3).cloned().collect();
        prop_assert!(CdsResponse::new(names, vec![]).is_ok());
    }
}

/// Every grade gives one card at most, with the side, the grade in words and what fits the grade.
#[test]
fn a_knee_film_says_its_side_its_grade_in_words_and_what_fits_the_grade() {
    let labels = |built: &Built| -> Vec<String> {
        built.cards[0].suggestions.iter().map(|suggestion| suggestion.label.clone()).collect()
    };
    for (grade, words, name, indicator, offered) in [
        (0, "grade 0, none", "possible-osteoarthritis", Indicator::Info, 1),
        (1, "grade 1, doubtful", "possible-osteoarthritis", Indicator::Info, 1),
        (2, "grade 2, mild", "osteoarthritis", Indicator::Info, 2),
        (3, "grade 3, moderate", "osteoarthritis", Indicator::Info, 3),
        (4, "grade 4, severe", "severe-osteoarthritis", Indicator::Warning, 2),
    ] {
        let built = Chart::knee(knee(grade, 0.83, Some(Side::Right))).build();
        assert_eq!(built.cards.len(), 1, "grade {grade}");
        let card = &built.cards[0];
        assert!(
            card.summary.starts_with("Right knee, film 3 hours ago") && card.summary.contains(words),
            "{}",
            card.summary
        );
        assert_eq!((built.origins[0].name.as_deref(), card.indicator), (Some(name), indicator));
        assert_eq!(card.suggestions.len(), offered, "{:?}", labels(&built));
        assert!(detail(card).contains("holds the true grade in 90 of 100 films; here it is grade"), "{}", detail(card));
    }
    assert!(labels(&Chart::knee(knee(4, 0.9, None)).build())[0].contains("orthopaedics"));
    assert!(labels(&Chart::knee(knee(2, 0.9, None)).build())[0].contains("physiotherapy"));
    let unstated = Chart::knee(knee(2, 0.9, None)).build();
    assert!(unstated.cards[0].summary.starts_with("Knee (side not stated)"), "{}", unstated.cards[0].summary);
    assert!(Chart::knee(knee(1, 0.1, None)).build().cards.is_empty(), "below the threshold there is nothing to advise");
}
