//! The form every text takes in the end, whatever it was read from.

/// Characters that only steer how text is displayed and could make it look like another text (Unicode bidirectional
/// controls), or that nobody sees.
const fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// `text` with `\n` line ends, plain spaces, no other control character than tab, no invisible character, no space at
/// line ends, no more than one empty line in a row, and nothing empty at either end.
#[must_use]
pub fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty_lines = 0_usize;
    let mut line = String::new();
    let mut characters = text.chars().peekable();
    loop {
        let next = characters.next();
        match next {
            Some('\r') if characters.peek() == Some(&'\n') => {}
            None | Some('\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}') => {
                end_line(&mut out, &mut line, &mut empty_lines);
                if next.is_none() {
                    return out;
                }
            }
            Some('\t') => line.push('\t'),
            Some(one) if one.is_control() || is_invisible(one) => {}
            Some(one) if one.is_whitespace() => line.push(' '),
            Some(one) => line.push(one),
        }
    }
}

/// Moves a finished line into the text.
fn end_line(out: &mut String, line: &mut String, empty_lines: &mut usize) {
    let text = line.trim_end();
    if text.is_empty() {
        *empty_lines += 1;
    } else {
        if !out.is_empty() {
            out.push_str(if *empty_lines > 0 { "\n\n" } else { "\n" });
        }
        out.push_str(text);
        *empty_lines = 0;
    }
    line.clear();
}

#[cfg(test)]
mod tests {
    use super::tidy;
    use proptest::prelude::*;

    #[test]
    fn line_ends_spaces_and_controls_take_one_form() {
        assert_eq!(tidy("\r\n a\u{a0}b \rc\0\u{7}d\u{2028}e\t1\n\n\n\n f\u{85}\n"), " a b\ncd\ne\t1\n\n f");
        assert_eq!(tidy("\u{feff}no\u{202e}rm\u{ad}al"), "normal");
        assert_eq!(tidy(" \n\t\n"), "");
    }

    proptest! {
        #[test]
        fn tidying_twice_changes_nothing(text in any::<String>()) {
            let once = tidy(&text);
            prop_assert_eq!(tidy(&once), once);
        }
    }
}
