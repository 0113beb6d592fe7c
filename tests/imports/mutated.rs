//! Files that were damaged at random: whatever comes of them, it comes, and soon.

use proptest::{
    collection::vec,
    prelude::any,
    prop_oneof,
    strategy::Strategy,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::{read_one, small};

const CASES: u32 = 1500;
const SEED: [u8; 32] = *b"Preau: a broken file is refused.";

/// Something that happens to a file; places are parts of its length.
#[derive(Clone, Debug)]
enum Damage {
    /// A byte becomes another.
    Byte(f64, u8),
    /// Bytes go missing.
    Gap(f64, usize),
    /// Bytes come twice.
    Echo(f64, usize),
    /// A piece of markup lands somewhere.
    Markup(f64, &'static str),
}

#[test]
fn a_damaged_file_is_read_or_refused() {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &SEED);
    eprintln!("{CASES} cases from the seed {SEED:?}");
    let cases = (0..small::ALL.len(), vec(damage(), 1..12));
    let tried = TestRunner::new_with_rng(config, rng).run(&cases, |(which, damages)| {
        let mut bytes = small::ALL[which].as_bytes().to_vec();
        for damage in damages {
            damage.strike(&mut bytes);
        }
        // A refusal says why; a feed says of which school.
        match read_one(&bytes) {
            Ok(feed) => assert!(!feed.files.is_empty()),
            Err(problems) => assert!(!problems.is_empty()),
        }
        Ok(())
    });
    tried.unwrap();
}

fn damage() -> impl Strategy<Value = Damage> {
    let markup = proptest::sample::select(vec![
        "<",
        ">",
        "</",
        "/>",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<?xml?>",
        "<?",
        "<!DOCTYPE",
        "&",
        "&#x0;",
        "&#99999999;",
        "\"",
        "=",
        "\0",
        "\u{FEFF}",
        "<ELEVE>",
        "</DONNEES>",
        "</ELEVE>",
        "<ELEVE ELEVE_ID='1'/>",
        "<PARAMETRES/>",
        "<DIVISION/>",
        "<SERVICE/>",
        "<COURS/>",
    ]);
    let place = || 0.0..1.0;
    prop_oneof![
        (place(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        (place(), 1..80_usize).prop_map(|(at, length)| Damage::Gap(at, length)),
        (place(), 1..400_usize).prop_map(|(at, length)| Damage::Echo(at, length)),
        (place(), markup).prop_map(|(at, markup)| Damage::Markup(at, markup)),
    ]
}

impl Damage {
    fn strike(&self, bytes: &mut Vec<u8>) {
        let length = bytes.len();
        let place = |part: f64| (part * length as f64) as usize;
        match self {
            Self::Byte(at, byte) => {
                bytes.iter_mut().skip(place(*at)).take(1).for_each(|b| *b = *byte)
            }
            Self::Gap(at, gap) => {
                bytes.drain(place(*at)..length.min(place(*at) + gap));
            }
            Self::Echo(at, echo) => {
                let (from, to) = (place(*at), length.min(place(*at) + echo));
                let again = bytes[from..to].to_vec();
                bytes.splice(from..from, again);
            }
            Self::Markup(at, markup) => {
                let at = place(*at);
                bytes.splice(at..at, markup.bytes());
            }
        }
    }
}
