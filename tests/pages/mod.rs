//! The pages in a real browser.

mod models;

use crate::support::{TestApp, browser::Browser};
use std::path::PathBuf;

/// Screenshots for people to look at; `AUSCULT_SCREENSHOTS` names another folder.
fn picture(name: &str) -> PathBuf {
    let folder = std::env::var_os("AUSCULT_SCREENSHOTS")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("screenshots"), PathBuf::from);
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

#[tokio::test]
async fn a_chart_is_opened_cards_appear_a_suggestion_is_accepted_and_the_feedback_is_in_the_record() {
    let app = TestApp::spawn().await;
    for (dark, name) in [(false, "light"), (true, "dark")] {
        let browser = Browser::open(dark).await;
        browser.go(&format!("{}/?patient=walter-brandt", app.url)).await;
        browser.until("document.querySelectorAll('.card').length > 0").await;
        browser.until("document.querySelectorAll('#records tbody tr').length > 0").await;
        browser.screenshot(&picture(&format!("chart-{name}.png"))).await;
        let dark_now = browser.script("return matchMedia('(prefers-color-scheme: dark)').matches").await;
        assert_eq!(dark_now, dark);
        browser.click(".card .accept").await;
        browser.until("document.querySelector('.card .done')?.textContent.includes('recorded')").await;
        browser.until("document.querySelector('#records tbody tr').textContent.includes('feedback')").await;
        let link = browser.script("return document.querySelector('.card .acts a').href").await;
        browser.go(link.as_str().unwrap()).await;
        browser.until("document.querySelector('.why h1')").await;
        let page = browser.script("return document.body.innerText").await;
        for part in ["What it looked at", "What was missing", "How it was tested", "accepted"] {
            assert!(page.as_str().unwrap().contains(part), "`{part}` is not on the explanation page");
        }
        browser.screenshot(&picture(&format!("why-{name}.png"))).await;
    }
}

#[tokio::test]
async fn hostile_text_from_a_chart_runs_nothing_and_draws_nothing() {
    let app = TestApp::spawn().await;
    let browser = Browser::open(false).await;
    browser.go(&app.url).await;
    browser.until("document.querySelectorAll('nav button').length >= 12").await;
    browser.script("window.alert = () => { window.pwned = true }").await;
    browser.click("nav button[data-id=hostile-input]").await;
    browser.until("document.querySelector('#status').textContent.includes('ms.')").await;
    browser.screenshot(&picture("hostile.png")).await;
    assert_eq!(browser.script("return window.pwned ?? false").await, false);
    assert_eq!(browser.script("return document.querySelectorAll('main [onerror], main script').length").await, 0);
    assert_eq!(
        browser.script("return document.querySelectorAll('.card img, .card a[href^=javascript]').length").await,
        0
    );
}

#[tokio::test]
async fn the_page_can_be_used_with_the_keyboard_alone() {
    let app = TestApp::spawn().await;
    let browser = Browser::open(false).await;
    browser.go(&app.url).await;
    browser.until("document.querySelector('#status').textContent.includes('ms.')").await;
    // Skip link, the networks' papers, then the first and the second patient.
    browser.press("\u{e004}\u{e004}\u{e004}\u{e004}\u{e007}").await;
    browser.until("document.querySelector('nav button[aria-current=true]').dataset.id === 'mila-horvat'").await;
    browser.until("document.querySelector('#status').textContent.includes('ms.')").await;
    let focus = browser.script("return getComputedStyle(document.activeElement).outlineStyle").await;
    assert_ne!(focus, "none");
}

#[tokio::test]
async fn nothing_to_advise_is_said_in_words() {
    let app = TestApp::spawn().await;
    let browser = Browser::open(false).await;
    browser.go(&format!("{}/?patient=jonas-weber&service=chest-radiograph", app.url)).await;
    browser.until("document.querySelector('.nothing')").await;
    browser.screenshot(&picture("nothing.png")).await;
}
