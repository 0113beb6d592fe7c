//! A message as mail: headers and a text of ASCII lines, the same to the byte whenever it is sent again.

use std::time::SystemTime;

use lettre::{
    Address,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0},
    },
};

use super::{Message, wording};

/// The mail; none if no mail can be made of it, whatever the recipient.
pub(super) fn letter(from: &Mailbox, to: &str, message: &Message) -> Option<Vec<u8>> {
    let to = Mailbox::new(None, to.parse::<Address>().ok()?);
    // Machines that answer for people who are away let it pass (RFC 3834, 5).
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let letter = lettre::Message::builder()
        .from(from.clone())
        .to(to)
        .subject(wording::one_line(&message.subject))
        .date(SystemTime::from(message.written_at))
        .message_id(Some(format!("<{}@{}>", message.key, from.email.domain())))
        .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
        .header(MIME_VERSION_1_0)
        .header(ContentType::TEXT_PLAIN)
        .body(wording::lines(&message.text, "\r\n"))
        .ok()?;
    Some(letter.formatted())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_letter_says_what_it_is_and_is_the_same_whenever_it_is_sent() {
        let message = message("Absence de ce matin", "Bonjour,\n.\nA 8 h.");
        let letter = letter_of(&message);
        assert_eq!(
            letter,
            "From: \"Vie scolaire\" <absences@ecole.example>\r\n\
             To: parent@mail.example\r\n\
             Subject: Absence de ce matin\r\n\
             Date: Fri, 20 Nov 2026 07:14:00 +0000\r\n\
             Message-ID: <00000000-0000-0000-0000-000000000007@ecole.example>\r\n\
             Auto-Submitted: auto-generated\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: 7bit\r\n\
             \r\n\
             Bonjour,\r\n.\r\nA 8 h."
        );
        assert_eq!(letter, letter_of(&message));
    }

    #[test]
    fn no_value_can_become_a_header_or_end_the_mail() {
        let hostile =
            "Absence\r\nBcc: other@mail.example\r\n\r\n<script>\r\n.\r\nMAIL FROM:<x@y.z>";
        let from = format!("\"é {hostile}\" <absences@ecole.example>");
        assert!(from.parse::<Mailbox>().is_err());
        for text in
            [hostile, "é\r\nBcc: other@mail.example", "\u{85}Bcc: x", "\0\n\n.\n", "a\rBcc: x"]
        {
            let letter = letter_of(&message(text, text));
            let (head, _) = letter.split_once("\r\n\r\n").unwrap();
            let names = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
            let names: Vec<&str> = names.map(|line| line.split(':').next().unwrap()).collect();
            assert_eq!(names.len(), 9, "{names:?}");
            assert!(!names.contains(&"Bcc"), "{head}");
            let bare = letter.replace("\r\n", "");
            assert!(letter.is_ascii() && !bare.contains(['\r', '\n', '\0']), "{letter:?}");
        }
    }

    #[test]
    fn letters_of_every_language_travel_in_ascii_lines_that_are_not_too_long() {
        let message = message(&"Élève absente, œuvre ".repeat(20), &"Ça ".repeat(1_000));
        let letter = letter_of(&message);
        assert!(letter.is_ascii());
        assert!(letter.split("\r\n").all(|line| line.len() <= 998));
        assert!(letter.contains("Subject: =?utf-8?b?"), "{letter}");
    }

    fn letter_of(message: &Message) -> String {
        let from = "Vie scolaire <absences@ecole.example>".parse().unwrap();
        String::from_utf8(letter(&from, &message.to, message).unwrap()).unwrap()
    }

    fn message(subject: &str, text: &str) -> Message {
        Message {
            key: Uuid::from_u128(7),
            to: "parent@mail.example".to_owned(),
            subject: subject.to_owned(),
            text: text.to_owned(),
            written_at: "2026-11-20T07:14:00Z".parse().unwrap(),
        }
    }
}
