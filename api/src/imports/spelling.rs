//! When two spellings are one name: files write in capitals, some without accents.

use domain::people::Name;

/// A name as it is compared: capitals without accents, its parts parted by one blank.
pub(super) fn spelled(name: &str) -> String {
    let mut spelled = String::with_capacity(name.len());
    for letter in name.chars().flat_map(char::to_uppercase) {
        match plain(letter) {
            Some(letters) => spelled.push_str(letters),
            None if letter.is_alphanumeric() => spelled.push(letter),
            None if spelled.ends_with(' ') => {}
            None => spelled.push(' '),
        }
    }
    spelled.trim().to_owned()
}

/// Whether both are one person's names, however they are spelt.
pub(super) fn same_name(one: &Name, other: &Name) -> bool {
    let same = |one: &str, other: &str| spelled(one) == spelled(other);
    same(&one.family, &other.family) && same(&one.given, &other.given)
}

/// Whether both are the same but for capitals: what was typed by hand in small letters stays so.
pub(super) fn same_but_for_capitals(one: &Name, other: &Name) -> bool {
    let same = |one: &str, other: &str| one.to_uppercase() == other.to_uppercase();
    let usage = |name: &Name| name.usage.as_deref().map(str::to_uppercase);
    same(&one.family, &other.family) && same(&one.given, &other.given) && usage(one) == usage(other)
}

/// A capital with an accent, without it.
fn plain(letter: char) -> Option<&'static str> {
    Some(match letter {
        'À' | 'Á' | 'Â' | 'Ã' | 'Ä' | 'Å' => "A",
        'Æ' => "AE",
        'Ç' | 'Č' | 'Ć' => "C",
        'È' | 'É' | 'Ê' | 'Ë' => "E",
        'Ì' | 'Í' | 'Î' | 'Ï' | 'İ' => "I",
        'Ñ' => "N",
        'Ò' | 'Ó' | 'Ô' | 'Õ' | 'Ö' | 'Ø' => "O",
        'Œ' => "OE",
        'Š' | 'Ş' => "S",
        'Ù' | 'Ú' | 'Û' | 'Ü' => "U",
        'Ý' | 'Ÿ' => "Y",
        'Ž' => "Z",
        'Ğ' => "G",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_in_capitals_and_without_accents() {
        assert_eq!(spelled("D'Œuvray"), spelled("D OEUVRAY"));
        assert_eq!(spelled("Noël-Étienne"), spelled("NOEL  ETIENNE"));
        assert_eq!(spelled(" Maïs-Çelik "), "MAIS CELIK");
        assert_ne!(spelled("Garnier"), spelled("Garnie"));
    }

    #[test]
    fn an_accent_that_is_put_right_is_a_change() {
        let name = |given: &str| Name {
            family: "GARNIER".to_owned(),
            given: given.to_owned(),
            usage: None,
        };
        assert!(same_but_for_capitals(&name("Inès"), &name("INÈS")));
        assert!(!same_but_for_capitals(&name("Ines"), &name("Inès")));
        assert!(same_name(&name("Ines"), &name("Inès")));
    }
}
