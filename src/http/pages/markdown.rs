//! Markdown as HTML: a card's `detail` on the try-it page, a model card on its network's page. Raw HTML in it stays text, and only web addresses become links.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// GitHub-Flavoured Markdown to HTML without any of the source's own HTML.
#[must_use]
pub fn html(markdown: &str) -> String {
    below(markdown, 0)
}

/// The same with every heading so many levels lower, for text inside a page that has headings of its own.
#[must_use]
pub fn below(markdown: &str, levels: usize) -> String {
    let lower = |level: HeadingLevel| HeadingLevel::try_from(level as usize + levels).unwrap_or(HeadingLevel::H6);
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let events = Parser::new_ext(markdown, options).map(|event| match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: harmless(dest_url), title, id })
        }
        // A picture from elsewhere would tell that elsewhere who is looking at which chart: its words stand for it.
        Event::Start(Tag::Image { .. }) => Event::Start(Tag::Emphasis),
        Event::End(TagEnd::Image) => Event::End(TagEnd::Emphasis),
        Event::Start(Tag::Heading { level, .. }) => {
            Event::Start(Tag::Heading { level: lower(level), id: None, classes: Vec::new(), attrs: Vec::new() })
        }
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(lower(level))),
        other => other,
    });
    let mut page = String::with_capacity(markdown.len() * 3 / 2);
    html::push_html(&mut page, events);
    // Raw HTML was turned into text above, so these can only be the headings of tables.
    page.replace("<th>", "<th scope=\"col\">").replace("<th style", "<th scope=\"col\" style")
}

fn harmless(url: CowStr<'_>) -> CowStr<'_> {
    let lower = url.to_ascii_lowercase();
    if lower.starts_with("https://") || lower.starts_with("http://") { url } else { CowStr::Borrowed("#") }
}

#[cfg(test)]
mod tests {
    use super::{below, html};

    #[test]
    fn raw_html_scripts_and_foreign_pictures_do_not_survive() {
        let page = html("**a** <img src=x onerror=alert(1)> [b](javascript:alert(1)) ![c](https://evil.example/x.png)");
        for bad in ["<img", "javascript:", "evil.example"] {
            assert!(!page.contains(bad), "{bad} in {page}");
        }
        let block = html("<script>alert(1)</script>");
        assert!(!block.contains("<script") && block.contains("&lt;script"), "{block}");
        assert!(page.contains("<strong>a</strong>"));
    }

    #[test]
    fn headings_inside_a_page_stand_below_its_own() {
        assert_eq!(below("# a\n\n##### b", 2), "<h3>a</h3>\n<h6>b</h6>\n");
    }

    #[test]
    fn tables_lists_and_web_links_do() {
        let page = html("| a | b |\n|---|---|\n| 1 | 2 |\n\n- x\n\n[y](https://example.org)");
        assert!(
            page.contains("<table>") && page.contains("<li>x</li>") && page.contains("href=\"https://example.org\"")
        );
    }
}
