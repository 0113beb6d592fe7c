//! The names that the people of the demo school are given, by where their families come from.
//!
//! Invented combinations of common names: nobody in particular is meant.

use domain::people::Language;

/// Where a family's names come from, and the language it is written to.
pub(super) struct Origin {
    /// The language that the guardians are written to.
    pub(super) language: Language,
    /// Family names.
    pub(super) families: &'static [&'static str],
    /// First names of grown-up women.
    pub(super) women: &'static [&'static str],
    /// First names of grown-up men.
    pub(super) men: &'static [&'static str],
    /// First names of girls.
    pub(super) girls: &'static [&'static str],
    /// First names of boys.
    pub(super) boys: &'static [&'static str],
}

/// Every language has one, in the order of the languages.
pub(super) const ORIGINS: [Origin; 8] = [
    LOCAL,
    Origin { language: Language::PlainFrench, ..LOCAL },
    Origin {
        language: Language::English,
        families: &["Walker", "Bennett", "Okafor", "Mensah", "Hughes", "Campbell"],
        women: &["Sarah", "Grace", "Emily", "Abena", "Fiona"],
        men: &["James", "Daniel", "Kwame", "Oliver", "Ian"],
        girls: &["Ella", "Ruby", "Amara", "Chloe"],
        boys: &["Noah", "Leo", "Kofi", "Harry"],
    },
    Origin {
        language: Language::German,
        families: &["Hoffmann", "Bauer", "Krüger", "Vogel", "Lehmann", "Seidel"],
        women: &["Katrin", "Heike", "Anja", "Steffi", "Birgit"],
        men: &["Jürgen", "Matthias", "Uwe", "Torsten", "Ralf"],
        girls: &["Mia", "Lena", "Johanna", "Frieda"],
        boys: &["Finn", "Jonas", "Emil", "Moritz"],
    },
    Origin {
        language: Language::Arabic,
        families: &["Benali", "Haddad", "Mansouri", "Cherif", "Amrani", "Bouzid", "El Idrissi"],
        women: &["Samira", "Fatiha", "Nadia", "Khadija", "Leïla"],
        men: &["Karim", "Rachid", "Mourad", "Youssef", "Hassan"],
        girls: &["Inès", "Yasmine", "Nour", "Sirine", "Lina"],
        boys: &["Adam", "Ilyès", "Rayan", "Amine", "Younes"],
    },
    Origin {
        language: Language::Turkish,
        families: &["Yılmaz", "Kaya", "Demir", "Çelik", "Şahin", "Aydın", "Koç", "Arslan"],
        women: &["Ayşe", "Fatma", "Elif", "Zeynep", "Hatice"],
        men: &["Mehmet", "Mustafa", "Ali", "Hüseyin", "İbrahim"],
        girls: &["Defne", "Melek", "Sena", "Ecrin", "Esma"],
        boys: &["Emir", "Yusuf", "Kerem", "Enes", "Eymen"],
    },
    Origin {
        language: Language::Portuguese,
        families: &["Ferreira", "Da Silva", "Pereira", "Lopes", "Gonçalves", "Marques"],
        women: &["Maria", "Ana", "Sandra", "Paula", "Cristina"],
        men: &["João", "Paulo", "Manuel", "Rui", "Nuno"],
        girls: &["Beatriz", "Leonor", "Matilde", "Sofia"],
        boys: &["Diogo", "Tiago", "Rafael", "Tomás"],
    },
    Origin {
        language: Language::Ukrainian,
        families: &["Kovalenko", "Chevtchenko", "Bondarenko", "Melnyk", "Tkatchenko"],
        women: &["Oksana", "Iryna", "Natalia", "Olena", "Halyna"],
        men: &["Andriy", "Serhiy", "Oleh", "Taras", "Vasyl"],
        girls: &["Daryna", "Sofiya", "Polina", "Zlata"],
        boys: &["Maksym", "Danylo", "Artem", "Nazar"],
    },
];

/// Chances of each origin, by its place in [`ORIGINS`].
pub(super) const CHANCES: [(usize, usize); 8] =
    [(800, 0), (30, 1), (12, 2), (22, 3), (45, 4), (52, 5), (24, 6), (15, 7)];

/// Invented streets.
pub(super) const STREETS: [&str; 12] = [
    "rue des Tilleuls",
    "rue du Moulin",
    "rue de l'Ill",
    "impasse des Cigognes",
    "rue des Houblons",
    "rue du Lavoir",
    "chemin des Vignes",
    "rue de la Gare",
    "place de la Fontaine",
    "rue des Tonneliers",
    "allée des Charmes",
    "rue du Château d'Eau",
];

/// Invented villages, with invented post codes.
pub(super) const VILLAGES: [&str; 5] = [
    "67998 Tillenheim",
    "67998 Niederbronsheim",
    "67998 Molswiller",
    "67998 Saint-Arbogast-le-Haut",
    "67998 Ostwillersheim",
];

const LOCAL: Origin = Origin {
    language: Language::French,
    families: &[
        "Muller",
        "Schmitt",
        "Meyer",
        "Klein",
        "Weber",
        "Schneider",
        "Fischer",
        "Wolff",
        "Keller",
        "Zimmermann",
        "Roth",
        "Jung",
        "Heitz",
        "Kieffer",
        "Metzger",
        "Lorentz",
        "Wendling",
        "Riedinger",
        "Hamm",
        "Kuntz",
        "Ehrhart",
        "Oberlé",
        "Fritsch",
        "Specht",
        "Gangloff",
        "Diebolt",
        "Martin",
        "Bernard",
        "Petit",
        "Robert",
        "Moreau",
        "Laurent",
        "Girard",
        "Roussel",
        "Fontaine",
        "Mercier",
        "Lambert",
        "Faure",
        "Chevalier",
        "Garnier",
        "Perrin",
        "Marchand",
        "Dumont",
        "Renard",
        "Barbier",
        "Colin",
        "Vidal",
        "Aubry",
        "Collet",
        "Humbert",
        "Jacquot",
        "Thiébaut",
        "Didier",
        "Claudel",
        "Antoine",
        "Schaeffer",
        "Sutter",
        "Vogt",
        "Walter",
        "Ziegler",
    ],
    women: &[
        "Nathalie",
        "Céline",
        "Aurélie",
        "Stéphanie",
        "Virginie",
        "Sandrine",
        "Émilie",
        "Caroline",
        "Delphine",
        "Laetitia",
        "Isabelle",
        "Sophie",
        "Véronique",
        "Audrey",
        "Marion",
        "Élodie",
        "Christelle",
        "Valérie",
        "Hélène",
        "Mathilde",
    ],
    men: &[
        "Nicolas",
        "Sébastien",
        "Christophe",
        "Frédéric",
        "Laurent",
        "Julien",
        "David",
        "Jérôme",
        "Guillaume",
        "Vincent",
        "Olivier",
        "Thomas",
        "Fabien",
        "Arnaud",
        "Régis",
        "Damien",
        "Grégory",
        "Mathieu",
        "Pascal",
        "Yannick",
    ],
    girls: &[
        "Emma", "Louise", "Jade", "Alice", "Chloé", "Léa", "Manon", "Camille", "Zoé", "Juliette",
        "Romane", "Clara", "Lucie", "Margaux", "Anaïs", "Capucine", "Élise", "Noémie", "Agathe",
        "Célia", "Maëlle", "Apolline", "Salomé", "Rose",
    ],
    boys: &[
        "Gabriel", "Raphaël", "Louis", "Arthur", "Jules", "Hugo", "Lucas", "Ethan", "Nathan",
        "Théo", "Maël", "Paul", "Sacha", "Gaspard", "Victor", "Martin", "Antoine", "Robin",
        "Baptiste", "Clément", "Simon", "Augustin", "Timéo", "Valentin",
    ],
};
