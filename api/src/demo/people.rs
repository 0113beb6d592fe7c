//! The people of the demo school: students, their families, and the staff.

use anyhow::Context;
use chrono::{Days, NaiveDate};
use domain::{
    PersonId, StudentId,
    families::{Authority, Home, Link, Terms},
    people::{ContactDetails, Function, Language, Name},
};

use super::{
    courses::{DIVISIONS, DIVISIONS_OF_LEVEL, TEAMS},
    dice::Dice,
    names::{CHANCES, ORIGINS, Origin, STREETS, VILLAGES},
    script::Writer,
};

/// Somebody grown up.
pub(super) struct Grown {
    /// Who.
    pub(super) id: PersonId,
    /// Their names.
    pub(super) name: Name,
    /// The language they are written to.
    pub(super) language: Language,
    /// How to reach them.
    pub(super) details: ContactDetails,
}

/// Somebody who works in the school.
pub(super) struct Staff {
    /// Who.
    pub(super) person: Grown,
    /// As what.
    pub(super) function: Function,
}

/// Somebody who answers for the students of a household.
pub(super) struct Guardian {
    /// Who.
    pub(super) person: Grown,
    /// As what.
    pub(super) terms: Terms,
    /// The judgment that takes their rights away, if there is one.
    pub(super) judgment: Option<String>,
}

/// A student.
pub(super) struct Student {
    /// Who.
    pub(super) id: StudentId,
    /// Their names.
    pub(super) name: Name,
    /// When they were born.
    pub(super) birth_date: NaiveDate,
    /// Their national number: invented.
    pub(super) ine: String,
    /// The number of their division.
    pub(super) division: usize,
    /// The number of their household.
    pub(super) household: usize,
    /// Whether their second language is German, otherwise Spanish.
    pub(super) german: bool,
    /// Whether they learn Latin.
    pub(super) latin: bool,
}

/// All people of the school.
pub(super) struct People {
    /// Teachers first, team by team, then the others.
    pub(super) staff: Vec<Staff>,
    /// The guardians of each household, the first to call first.
    pub(super) households: Vec<Vec<Guardian>>,
    /// All students.
    pub(super) students: Vec<Student>,
}

/// What a household is like.
#[derive(Clone, Copy)]
enum Shape {
    Together,
    TwoHomes,
    MotherAlone,
    FatherAlone,
    TwoMothers,
    /// In the care of the département, in a foster family.
    Ward,
    /// A father without the exercise of authority.
    Surveillance,
    /// A father whom a judgment keeps away.
    Restricted,
}

const SHAPES: [(usize, Shape); 8] = [
    (560, Shape::Together),
    (200, Shape::TwoHomes),
    (130, Shape::MotherAlone),
    (30, Shape::FatherAlone),
    (22, Shape::TwoMothers),
    (10, Shape::Ward),
    (30, Shape::Surveillance),
    (18, Shape::Restricted),
];

const OTHER_STAFF: [(Function, usize); 7] = [
    (Function::Head, 2),
    (Function::Cpe, 2),
    (Function::Assistant, 6),
    (Function::Nurse, 1),
    (Function::SocialWorker, 1),
    (Function::Librarian, 1),
    (Function::Administration, 5),
];

impl People {
    /// Throws the people of a school whose year begins in `year`.
    pub(super) fn throw(writer: &Writer, seed: u64, year: i32) -> Self {
        let mut throw = Throw { writer, dice: Dice::at_table(seed, 1), grown: 0 };
        let staff = throw.staff();
        let (mut households, mut students) = (Vec::new(), Vec::new());
        let mut seats = throw.seats();
        while let Some(seat) = seats.pop() {
            let n = households.len();
            let origin = throw.origin(n);
            let family = *throw.dice.one_of(origin.families);
            let mut siblings = vec![seat];
            if throw.dice.in_thousand(130) {
                let level = |seat: usize| seat / DIVISIONS_OF_LEVEL;
                let other = seats.iter().rposition(|other| level(*other) != level(seat));
                siblings.extend(other.map(|at| seats.remove(at)));
            }
            for division in siblings {
                let id = StudentId(writer.id("student", students.len()));
                students.push(throw.student(id, (origin, family), (division, n), year));
            }
            households.push(throw.household(n, origin, family));
        }
        Self { staff, households, students }
    }

    /// The first of the staff with a function.
    ///
    /// # Errors
    /// When nobody has it.
    pub(super) fn first(&self, function: Function) -> anyhow::Result<PersonId> {
        let found = self.staff.iter().find(|staff| staff.function == function);
        Ok(found.with_context(|| format!("nobody is {function:?}"))?.person.id)
    }

    /// The guardian of a student who is called first.
    pub(super) fn guardian_of(&self, student: &Student) -> &Guardian {
        &self.households[student.household][0]
    }
}

struct Throw<'a> {
    writer: &'a Writer,
    dice: Dice,
    grown: usize,
}

impl Throw<'_> {
    fn staff(&mut self) -> Vec<Staff> {
        let teachers: usize = TEAMS.iter().map(|(_, size)| size).sum();
        let others =
            OTHER_STAFF.iter().flat_map(|(function, n)| std::iter::repeat_n(*function, *n));
        let functions = std::iter::repeat_n(Function::Teacher, teachers).chain(others);
        functions
            .map(|function| {
                let family = *self.dice.one_of(ORIGINS[0].families);
                let woman = self.dice.in_thousand(600);
                let mut person = self.grown(&ORIGINS[0], family, woman);
                let at = mail_name(&person.name);
                person.details = ContactDetails {
                    mail: Some(format!("{at}@tilleuls.example")),
                    ..ContactDetails::default()
                };
                Staff { person, function }
            })
            .collect()
    }

    /// The division of every student to come, shuffled.
    fn seats(&mut self) -> Vec<usize> {
        let mut seats = Vec::new();
        for division in 0..DIVISIONS {
            let size = 28 + self.dice.below(5);
            seats.extend(std::iter::repeat_n(division, size));
        }
        self.dice.shuffle(&mut seats);
        seats
    }

    /// The first households have every origin once, so that no language is left to chance.
    fn origin(&mut self, household: usize) -> &'static Origin {
        let thrown = self.dice.weighed(&CHANCES);
        &ORIGINS[if household < ORIGINS.len() { household } else { thrown }]
    }

    fn student(
        &mut self,
        id: StudentId,
        (origin, family): (&Origin, &str),
        (division, household): (usize, usize),
        year: i32,
    ) -> Student {
        let girl = self.dice.in_thousand(500);
        let given = *self.dice.one_of(if girl { origin.girls } else { origin.boys });
        let level = i32::try_from(division / DIVISIONS_OF_LEVEL).unwrap_or_default();
        let born = NaiveDate::from_ymd_opt(year - 11 - level, 1, 1).unwrap_or_default();
        let day = self.dice.below(365) as u64;
        let number = self.dice.below(1_000_000_000);
        Student {
            id,
            name: named(given, family, None),
            birth_date: born + Days::new(day),
            ine: format!("{number:09}ZZ"),
            division,
            household,
            german: self.dice.in_thousand(600),
            latin: level > 0 && self.dice.in_thousand(150),
        }
    }

    /// The households after the first have every shape once.
    fn household(&mut self, n: usize, origin: &'static Origin, family: &str) -> Vec<Guardian> {
        let thrown = self.dice.weighed(&SHAPES);
        let shape =
            n.checked_sub(ORIGINS.len()).and_then(|n| SHAPES.get(n)).map_or(thrown, |s| s.1);
        let mut guardians = match shape {
            Shape::Ward => self.foster_family(),
            Shape::Together
            | Shape::TwoHomes
            | Shape::MotherAlone
            | Shape::FatherAlone
            | Shape::TwoMothers
            | Shape::Surveillance
            | Shape::Restricted => self.parents(shape, origin, family),
        };
        if self.dice.in_thousand(60) {
            let terms = terms(Link::Ascendant, Authority::Contact, Home::Elsewhere);
            let person = self.grown(origin, family, true);
            guardians.push(Guardian { person, terms, judgment: None });
        }
        for (guardian, order) in guardians.iter_mut().zip(1..) {
            guardian.terms.contact_order = order;
        }
        guardians
    }

    fn parents(&mut self, shape: Shape, origin: &'static Origin, family: &str) -> Vec<Guardian> {
        use {Authority as A, Home as H, Link as L};
        let second: Option<(Link, Authority, Home)> = match shape {
            Shape::Together => Some((L::Father, A::Exercised, H::First)),
            Shape::TwoHomes => Some((L::Father, A::Exercised, H::Second)),
            Shape::TwoMothers => Some((L::Mother, A::Exercised, H::First)),
            Shape::Surveillance => Some((L::Father, A::SurveillanceOnly, H::Elsewhere)),
            Shape::Restricted => Some((L::Father, A::Exercised, H::Elsewhere)),
            Shape::MotherAlone | Shape::FatherAlone | Shape::Ward => None,
        };
        let link = if matches!(shape, Shape::FatherAlone) { L::Father } else { L::Mother };
        let mut parents = vec![(link, A::Exercised, H::First)];
        parents.extend(second);
        let mut guardians: Vec<Guardian> = Vec::new();
        for (link, authority, home) in parents {
            let woman = link == L::Mother;
            let born = if woman { *self.dice.one_of(origin.families) } else { family };
            let mut person = self.grown(origin, born, woman);
            if woman && born != family && matches!(shape, Shape::Together) {
                person.name.usage = Some(family.to_owned());
            }
            if home == H::First
                && let Some(first) = guardians.first()
            {
                person.details.address.clone_from(&first.person.details.address);
            }
            let restricted = woman || !matches!(shape, Shape::Restricted);
            let judgment = (!restricted).then(|| format!("JAF 26/{:05}", self.dice.below(100_000)));
            guardians.push(Guardian { person, terms: terms(link, authority, home), judgment });
        }
        guardians
    }

    fn foster_family(&mut self) -> Vec<Guardian> {
        let family = *self.dice.one_of(ORIGINS[0].families);
        let carer = self.grown(&ORIGINS[0], family, true);
        let family = *self.dice.one_of(ORIGINS[0].families);
        let educator = self.grown(&ORIGINS[0], family, false);
        let carer_terms = terms(Link::FosterCarer, Authority::InCharge, Home::First);
        let welfare_terms = terms(Link::ChildWelfare, Authority::Exercised, Home::Elsewhere);
        vec![
            Guardian { person: educator, terms: welfare_terms, judgment: None },
            Guardian { person: carer, terms: carer_terms, judgment: None },
        ]
    }

    fn grown(&mut self, origin: &Origin, family: &str, woman: bool) -> Grown {
        let given = *self.dice.one_of(if woman { origin.women } else { origin.men });
        let name = named(given, family, None);
        let n = self.grown;
        self.grown += 1;
        let street = *self.dice.one_of(&STREETS);
        let village = *self.dice.one_of(&VILLAGES);
        let details = ContactDetails {
            mail: Some(format!("{}.{n}@famille.example", mail_name(&name))),
            // Numbers that the regulator (ARCEP) keeps for fiction.
            mobile: Some(format!("+33639980{:03}", n % 1_000)),
            telephone: None,
            address: Some(format!("{} {street}, {village}", 1 + self.dice.below(60))),
            accepts_sms: self.dice.in_thousand(850),
            prefers: None,
        };
        let id = PersonId(self.writer.id("grown", n));
        Grown { id, name, language: origin.language, details }
    }
}

fn terms(link: Link, authority: Authority, home: Home) -> Terms {
    Terms { link, authority, home, contact_order: 1 }
}

fn named(given: &str, family: &str, usage: Option<String>) -> Name {
    Name { family: family.to_owned(), given: given.to_owned(), usage }
}

/// A name as the first half of a mail address.
fn mail_name(name: &Name) -> String {
    let letters = format!("{}.{}", name.given, name.family).to_lowercase();
    letters.chars().map(plain).filter(|c| c.is_ascii_alphanumeric() || *c == '.').collect()
}

fn plain(letter: char) -> char {
    match letter {
        'à' | 'â' | 'ä' | 'ã' | 'á' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'î' | 'ï' | 'í' | 'ı' => 'i',
        'ô' | 'ö' | 'ó' | 'õ' => 'o',
        'ù' | 'û' | 'ü' | 'ú' => 'u',
        'ç' => 'c',
        'ş' => 's',
        'ğ' => 'g',
        other => other,
    }
}
