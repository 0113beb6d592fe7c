//! A message's words without what a transport could take for something of its own: control characters,
//! and line ends of three kinds.

/// The text with lines that end in `line_break`, and no other control character but tabs.
pub(super) fn lines(text: &str, line_break: &str) -> String {
    let ended = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<String> = ended.split('\n').map(visible).collect();
    lines.join(line_break)
}

/// The text in one line.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(visible).collect();
    words.join(" ").trim().to_owned()
}

/// Lines and words are not told to run from right to left either, which would show another text.
fn visible(text: &str) -> String {
    let hidden = |c: char| {
        (c.is_control() && c != '\t')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if hidden(c) { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_lines_and_nothing_else_that_cannot_be_seen() {
        let text = "Bonjour,\r\nabsente\rce matin\n\tà 8 h\0.\u{1b}[2J\u{202e}!";
        assert_eq!(lines(text, "\n"), "Bonjour,\nabsente\nce matin\n\tà 8 h . [2J !");
        assert_eq!(lines("a\nb", "\r"), "a\rb");
    }

    #[test]
    fn a_subject_is_one_line() {
        assert_eq!(one_line(" Absence\r\nBcc: x@y.fr\r\n\r\n\u{85}\0"), "Absence Bcc: x@y.fr");
    }
}
