//! The networks' pages in a real browser: found from a card, usable with the keyboard, readable on a telephone.

use super::picture;
use crate::support::{TestApp, browser::Browser};
use serde_json::Value;

/// Tab and Enter (W3C WebDriver, section 17.4.2).
const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

async fn addresses(browser: &Browser, app: &TestApp) -> Vec<String> {
    browser.go(&format!("{}/models", app.url)).await;
    let links = browser.script("return [...document.querySelectorAll('.network h2 a')].map(a => a.href)").await;
    let links: Vec<String> = serde_json::from_value(links).unwrap();
    assert!(links.len() >= 3, "{links:?}");
    links
}

#[tokio::test]
async fn a_card_leads_to_the_page_of_its_network_and_so_does_its_explanation() {
    let app = TestApp::spawn().await;
    let browser = Browser::open(false).await;
    browser.go(&format!("{}/?patient=walter-brandt&service=chest-radiograph", app.url)).await;
    browser.until("document.querySelector('.card .acts a[href*=\"/models/\"]')").await;
    let links = "return [document.querySelector('.card .acts a[href*=\"/models/\"]').href, \
                 document.querySelector('.card .source a').href, document.querySelector('.card .acts a[href*=\"/explain/\"]').href, \
                 document.querySelector('header a[href=\"/models\"]').href]";
    let links: Vec<String> = serde_json::from_value(browser.script(links).await).unwrap();
    assert_eq!(links[0], links[1]);
    assert!(links[0].ends_with("/models/chest-radiograph") && links[3].ends_with("/models"), "{links:?}");
    browser.go(&links[0]).await;
    browser.until("document.querySelector('.model h1')").await;
    browser.go(&links[2]).await;
    browser.until("document.querySelector('.why a[href$=\"/models/chest-radiograph\"]')").await;
    let page = browser.script("return document.body.innerText").await;
    assert!(page.as_str().unwrap().contains("How this network was checked"), "{page}");
}

#[tokio::test]
async fn a_network_is_found_and_read_with_the_keyboard_alone() {
    let app = TestApp::spawn().await;
    let browser = Browser::open(false).await;
    browser.go(&format!("{}/models", app.url)).await;
    for _ in 0..12 {
        browser.press(TAB).await;
        if browser.script("return document.activeElement.matches('.network h2 a')").await == true {
            break;
        }
    }
    assert_ne!(browser.script("return getComputedStyle(document.activeElement).outlineStyle").await, "none");
    let wanted = browser.script("return document.activeElement.href").await;
    browser.press(ENTER).await;
    browser.until("document.querySelector('.model h1')").await;
    assert_eq!(browser.script("return location.href").await, wanted);
    browser.press(&format!("{TAB}{ENTER}")).await;
    browser.until("location.hash === '#content'").await;
}

/// What a reader with a screen reader, a telephone or a strict browser would stumble over.
const STUMBLES: &str = r"
    const found = [];
    for (const svg of document.querySelectorAll('svg')) {
        const named = svg.getAttribute('role') === 'img' && (svg.getAttribute('aria-label') ?? '').length > 20;
        if (!named && svg.getAttribute('aria-hidden') !== 'true') found.push('a picture without words: ' + svg.outerHTML.slice(0, 120));
    }
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth) {
        const wide = [...document.querySelectorAll('body *')].filter((node) => node.getBoundingClientRect().right > root.clientWidth + 1);
        found.push(`wider than the screen: ${root.scrollWidth} of ${root.clientWidth}: ` + wide.slice(0, 3).map((node) => node.outerHTML.slice(0, 100)).join(' | '));
    }
    const levels = [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map((heading) => Number(heading.tagName[1]));
    if (levels.filter((level) => level === 1).length !== 1 || levels[0] !== 1) found.push('not exactly one first heading');
    levels.forEach((level, at) => { if (at && level > levels[at - 1] + 1) found.push(`heading ${at} skips a level`); });
    for (const link of document.querySelectorAll('a[href^=\'#\']')) if (!document.querySelector(link.getAttribute('href'))) found.push('a link to nowhere: ' + link.href);
    for (const table of document.querySelectorAll('main table')) if (!table.querySelector('th[scope]')) found.push('a table without headings: ' + table.innerText.slice(0, 60));
    return found;";

#[tokio::test]
async fn nobody_stumbles_on_a_telephone_or_a_wide_screen_in_light_or_dark() {
    let app = TestApp::spawn().await;
    for (dark, shade) in [(false, "light"), (true, "dark")] {
        let browser = Browser::open(dark).await;
        let mut pages = addresses(&browser, &app).await;
        pages.push(format!("{}/models", app.url));
        for page in &pages {
            for width in [360, 1280] {
                browser.resize(width, 1000).await;
                browser.go(page).await;
                let found = browser.script(STUMBLES).await;
                assert_eq!(found, Value::Array(Vec::new()), "{page} at {width} pixels, {shade}");
                let name = page.rsplit('/').next().unwrap();
                browser.screenshot(&picture(&format!("{name}-{width}-{shade}.png"))).await;
            }
        }
        let ground = browser.script("return getComputedStyle(document.body).backgroundColor").await;
        let channels: Vec<u32> = ground
            .as_str()
            .unwrap()
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|part| part.parse().ok())
            .collect();
        assert_eq!(channels[0] < 60, dark, "{ground}");
    }
}
