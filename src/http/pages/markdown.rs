//! A card's `detail` as HTML for the try-it page. Raw HTML in it stays text, and only web addresses become links.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, html};

/// GitHub-Flavoured Markdown to HTML without any of the source's own HTML.
#[must_use]
pub fn html(markdown: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let events = Parser::new_ext(markdown, options).map(|event| match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: harmless(dest_url), title, id })
        }
        Event::Start(Tag::Image { link_type, title, id, .. }) => {
            // A picture from elsewhere would tell that elsewhere who is looking at which chart.
            Event::Start(Tag::Link { link_type, dest_url: CowStr::Borrowed("#"), title, id })
        }
        Event::End(pulldown_cmark::TagEnd::Image) => Event::End(pulldown_cmark::TagEnd::Link),
        other => other,
    });
    let mut page = String::with_capacity(markdown.len() * 3 / 2);
    html::push_html(&mut page, events);
    page
}

fn harmless(url: CowStr<'_>) -> CowStr<'_> {
    let lower = url.to_ascii_lowercase();
    if lower.starts_with("https://") || lower.starts_with("http://") { url } else { CowStr::Borrowed("#") }
}

#[cfg(test)]
mod tests {
    use super::html;

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
    fn tables_lists_and_web_links_do() {
        let page = html("| a | b |\n|---|---|\n| 1 | 2 |\n\n- x\n\n[y](https://example.org)");
        assert!(
            page.contains("<table>") && page.contains("<li>x</li>") && page.contains("href=\"https://example.org\"")
        );
    }
}
