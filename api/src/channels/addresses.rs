//! Whom a message can go to at all, before anybody is asked: a mail address in plain ASCII, the number of a
//! mobile telephone in the form of E.164.
//!
//! Stricter than the standards: what no family has (quoted names, addresses of machines, numbers that
//! cost) is more likely a slip, or an attempt.

use lettre::Address;

/// The longest mail address (RFC 5321, 4.5.3.1.3).
const MAIL_MAX_BYTES: usize = 254;

/// How many digits a number has with its country (E.164), and at least.
const DIGITS: std::ops::RangeInclusive<usize> = 8..=15;

/// French mobile numbers that have a country code of their own: how they begin, and the code.
const OVERSEAS: [(&str, &str); 8] = [
    ("0639", "262"),
    ("0690", "590"),
    ("0691", "590"),
    ("0692", "262"),
    ("0693", "262"),
    ("0694", "594"),
    ("0696", "596"),
    ("0697", "596"),
];

/// Those that are kept for films and tests (ARCEP, décision 2018-0881), amid those of Mayotte.
const OF_FICTION: &str = "063998";

/// The mail address, if it is one that a mail server can be told as it stands.
pub(super) fn mail(text: &str) -> Option<String> {
    let text = text.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.@".contains(c);
    let (name, domain) = text.split_once('@')?;
    let named = !name.starts_with('.') && !name.ends_with('.') && !name.contains("..");
    let somewhere = domain.contains('.') && domain.parse::<std::net::IpAddr>().is_err();
    let fits = text.len() <= MAIL_MAX_BYTES && text.chars().all(plain);
    let address = Some(text).filter(|_| named && somewhere && fits)?.parse::<Address>().ok()?;
    Some(address.to_string())
}

/// The number of a mobile telephone with `+` and its country; a French one as people write it too.
pub(super) fn mobile(text: &str) -> Option<String> {
    let text = text.trim();
    let (plus, rest) = text.strip_prefix('+').map_or((false, text), |rest| (true, rest));
    let rest = rest.replacen("(0)", "", usize::from(plus));
    let between =
        |c: &char| !matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '.' | '-' | '/' | '(' | ')');
    let digits: String = rest.chars().filter(between).collect();
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let abroad = if plus { Some(digits.as_str()) } else { digits.strip_prefix("00") };
    let national = match abroad.map(|digits| (digits, digits.strip_prefix("33"))) {
        Some((_, Some(french))) => format!("0{french}"),
        Some((digits, None)) => {
            let known = DIGITS.contains(&digits.len()) && !digits.starts_with('0');
            return known.then(|| format!("+{digits}"));
        }
        None => digits,
    };
    let mobile = national.starts_with("06") || national.starts_with("07");
    let subscriber = national.strip_prefix('0').filter(|_| mobile && national.len() == 10)?;
    let overseas = OVERSEAS.iter().find(|(begins, _)| national.starts_with(begins));
    let country = match overseas {
        Some((_, country)) if !national.starts_with(OF_FICTION) => country,
        Some(_) | None => "33",
    };
    Some(format!("+{country}{subscriber}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_a_mail_server_can_be_told_is_taken_as_it_stands() {
        for address in ["a@b.fr", "prenom.nom+ecole@mail.example.org", "O'Neil@EXAMPLE.org"] {
            assert_eq!(mail(&format!(" {address} ")).as_deref(), Some(address));
        }
    }

    #[test]
    fn what_is_no_address_or_wants_to_be_more_is_refused() {
        let long = format!("{}@example.org", "a".repeat(65));
        for text in [
            "",
            "@",
            "a@",
            "@example.org",
            "nobody",
            "a@b",
            "a@b@example.org",
            "a@example..org",
            ".a@example.org",
            "a..b@example.org",
            "a b@example.org",
            "\"a b\"@example.org",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "a@-example.org",
            "adèle@example.org",
            "a@exämple.org",
            "a@example.org\r\nBcc: b@example.org",
            "a@example.org\nRCPT TO:<b@example.org>",
            "a\r@example.org",
            "a@example.org\0",
            "<a@example.org>",
            "a@example.org>",
            "a@example.org,b@example.org",
            "a@example.org SIZE=1",
            &long,
        ] {
            assert_eq!(mail(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_french_mobile_number_is_understood_as_people_write_it() {
        for text in [
            "06 39 98 00 99",
            "0639980099",
            "06.39.98.00.99",
            "06-39-98-00-99",
            "+33 6 39 98 00 99",
            "+33 (0)6 39 98 00 99",
            "0033639980099",
            "06\u{a0}39\u{a0}98\u{202f}00 99",
        ] {
            assert_eq!(mobile(text).as_deref(), Some("+33639980099"), "{text:?}");
        }
        assert_eq!(mobile("07 00 00 00 17").as_deref(), Some("+33700000017"));
    }

    #[test]
    fn numbers_of_the_overseas_departments_have_country_codes_of_their_own() {
        for (text, number) in [
            ("0692 00 00 17", "+262692000017"),
            ("0693 00 00 17", "+262693000017"),
            ("0639 00 00 17", "+262639000017"),
            ("0690 00 00 17", "+590690000017"),
            ("0691 00 00 17", "+590691000017"),
            ("0694 00 00 17", "+594694000017"),
            ("0696 00 00 17", "+596696000017"),
            ("0697 00 00 17", "+596697000017"),
            ("+33 692 00 00 17", "+262692000017"),
            ("+262 692 00 00 17", "+262692000017"),
        ] {
            assert_eq!(mobile(text).as_deref(), Some(number), "{text:?}");
        }
    }

    #[test]
    fn a_number_of_another_country_is_kept() {
        for text in ["+49 151 0000 0017", "0049 151 0000 0017", "+4915100000017"] {
            assert_eq!(mobile(text).as_deref(), Some("+4915100000017"), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_mobile_number_is_refused() {
        for text in [
            "",
            "+",
            "06",
            "06 39 98 00 9",
            "06 39 98 00 999",
            "03 88 00 00 17",
            "08 99 00 00 17",
            "+33 8 99 00 00 17",
            "15",
            "3639",
            "+1",
            "+0123456789",
            "00 00 00 00 00",
            "+1234567890123456",
            "06 39 98 00 99 ou 17",
            "06 39 98 00 99,0700000017",
            "+33639980099\r\nX: y",
            "٠٦٣٩٩٨٠٠٩٩",
            "++33639980099",
        ] {
            assert_eq!(mobile(text), None, "{text:?}");
        }
    }
}
