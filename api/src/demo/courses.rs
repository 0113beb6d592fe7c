//! What is taught to whom in the demo school: divisions, groups, teams and weekly lessons.
//!
//! Twenty-six lessons a week, as in the national programme: halves of an hour become lessons of
//! week A or B. When they take place is found in [`super::timetable`].

use domain::{ClassId, CourseId, StudentId, classes::ClassKind, timetable::Weeks};

use super::{people::People, script::Writer};

/// Divisions of the school.
pub(super) const DIVISIONS: usize = LEVELS.len() * DIVISIONS_OF_LEVEL;

/// Divisions of each level.
pub(super) const DIVISIONS_OF_LEVEL: usize = 5;

/// The teams and how many teachers each has; the staff begins with them, in this order.
pub(super) const TEAMS: [(&str, usize); 13] = [
    ("Français", 6),
    ("Mathématiques", 5),
    ("Histoire-géographie", 4),
    ("Anglais", 4),
    ("Allemand", 3),
    ("Espagnol", 2),
    ("Latin", 1),
    ("SVT", 2),
    ("Physique-chimie", 2),
    ("Technologie", 2),
    ("Arts plastiques", 1),
    ("Éducation musicale", 1),
    (PE, 4),
];

/// Physical education, as the timetable writes it.
pub(super) const PE: &str = "EPS";

const LEVELS: [&str; 4] = ["6e", "5e", "4e", "3e"];

/// Groups of each second language in a level.
const GERMAN_GROUPS: usize = 3;
const SPANISH_GROUPS: usize = 2;

/// Subject, single lessons and double lessons of every week.
type Weekly = &'static [(&'static str, u8, u8)];

const FIRST_LEVEL: Weekly = &[
    (PE, 0, 2),
    ("Arts plastiques", 1, 0),
    ("Éducation musicale", 1, 0),
    ("SVT", 1, 0),
    ("Physique-chimie", 1, 0),
    ("Français", 4, 0),
    ("Mathématiques", 4, 0),
    ("Anglais", 4, 0),
    ("Histoire-géographie", 3, 0),
    (SUPPORT, 1, 0),
];

const OTHER_LEVELS: Weekly = &[
    (PE, 1, 1),
    ("Arts plastiques", 1, 0),
    ("Éducation musicale", 1, 0),
    ("SVT", 1, 0),
    ("Physique-chimie", 1, 0),
    ("Technologie", 1, 0),
    ("Français", 4, 0),
    ("Mathématiques", 3, 0),
    ("Anglais", 3, 0),
    ("Histoire-géographie", 3, 0),
];

/// One of week A, the other of week B, in the same place.
const ALTERNATING: [[&str; 2]; 2] = [["Français", "Mathématiques"], ["SVT", "Physique-chimie"]];

/// Given by the teacher of French.
const SUPPORT: &str = "Accompagnement";

/// A division or a group.
pub(super) struct ClassOfSchool {
    /// Which.
    pub(super) id: ClassId,
    /// As people say it.
    pub(super) name: String,
    /// Division or group.
    pub(super) kind: ClassKind,
    /// The number of its level.
    pub(super) level: usize,
    /// Who is in it.
    pub(super) students: Vec<StudentId>,
}

/// A course, without its times.
pub(super) struct CourseOfSchool {
    /// Which.
    pub(super) id: CourseId,
    /// The number of its class.
    pub(super) class: usize,
    /// What.
    pub(super) subject: &'static str,
    /// The number of its teacher among the staff.
    pub(super) teacher: usize,
    /// Where.
    pub(super) room: String,
}

/// Lessons that share a place in the week.
pub(super) struct Block {
    /// The numbers of the courses, and their weeks.
    pub(super) courses: Vec<(usize, Weeks)>,
    /// The first division that is not free meanwhile.
    pub(super) first_division: usize,
    /// How many divisions from there on are not free.
    pub(super) divisions: usize,
    /// Lessons in a row.
    pub(super) length: u8,
}

/// All that is taught.
pub(super) struct Programme {
    /// The divisions, then the groups.
    pub(super) classes: Vec<ClassOfSchool>,
    /// All courses.
    pub(super) courses: Vec<CourseOfSchool>,
    /// What is to be placed in the week, the least movable first.
    pub(super) blocks: Vec<Block>,
}

impl Programme {
    /// The programme for these people.
    pub(super) fn of(writer: &Writer, people: &People) -> Self {
        let mut programme = Self { classes: vec![], courses: vec![], blocks: vec![] };
        for division in 0..DIVISIONS {
            let letter = ["A", "B", "C", "D", "E"][division % DIVISIONS_OF_LEVEL];
            let level = division / DIVISIONS_OF_LEVEL;
            let students = people.students.iter().filter(|student| student.division == division);
            let students = students.map(|student| student.id).collect();
            let name = format!("{} {letter}", LEVELS[level]);
            programme.form(writer, (name, ClassKind::Division), level, students);
        }
        for level in 1..LEVELS.len() {
            programme.form_groups(writer, people, level);
        }
        for division in 0..DIVISIONS {
            programme.teach(writer, division);
        }
        // What binds most people, and double lessons, find no place once the rest is placed.
        programme.blocks.sort_by_key(|block| std::cmp::Reverse((block.divisions, block.length)));
        programme
    }

    /// The groups of a level: all learn their second language at once, and Latin at once.
    fn form_groups(&mut self, writer: &Writer, people: &People, level: usize) {
        let of_level = || {
            let at = |division: usize| division / DIVISIONS_OF_LEVEL == level;
            people.students.iter().filter(move |student| at(student.division))
        };
        let first_division = level * DIVISIONS_OF_LEVEL;
        let mut at_once = Vec::new();
        for (language, groups, german) in
            [("Allemand", GERMAN_GROUPS, true), ("Espagnol", SPANISH_GROUPS, false)]
        {
            for group in 0..groups {
                let learners = of_level().filter(|student| student.german == german);
                let students = learners.skip(group).step_by(groups).map(|s| s.id).collect();
                let name = format!("{} {language} {}", LEVELS[level], group + 1);
                let class = self.form(writer, (name, ClassKind::Group), level, students);
                let room = home_room(first_division + at_once.len());
                at_once.push(self.course(writer, class, language, (group, room)));
            }
        }
        let learners = of_level().filter(|student| student.latin).map(|student| student.id);
        let name = format!("{} Latin", LEVELS[level]);
        let class = self.form(writer, (name, ClassKind::Group), level, learners.collect());
        let latin = self.course(writer, class, "Latin", (0, "Salle 30".to_owned()));
        let divisions = DIVISIONS_OF_LEVEL;
        let mut whole_level = |courses| {
            self.blocks.push(Block { courses, first_division, divisions, length: 1 });
        };
        for weeks in [Weeks::Every, Weeks::Every, Weeks::A] {
            whole_level(at_once.iter().map(|course| (*course, weeks.clone())).collect());
        }
        for _ in 0..2 {
            whole_level(vec![(latin, Weeks::Every)]);
        }
    }

    /// The courses of a division.
    fn teach(&mut self, writer: &Writer, division: usize) {
        let first_level = division < DIVISIONS_OF_LEVEL;
        let weekly = if first_level { FIRST_LEVEL } else { OTHER_LEVELS };
        let first_course = self.courses.len();
        for (subject, singles, doubles) in weekly {
            let room = room_of(subject, division);
            let course = self.course(writer, division, subject, (division, room));
            for _ in 0..*doubles {
                self.block(division, vec![(course, Weeks::Every)], 2);
            }
            for _ in 0..*singles {
                self.block(division, vec![(course, Weeks::Every)], 1);
            }
            if *subject == "Technologie" {
                self.block(division, vec![(course, Weeks::B)], 1);
            }
        }
        for pair in ALTERNATING {
            let courses = (first_course..).zip(&self.courses[first_course..]);
            let of_pair = courses.filter(|(_, course)| pair.contains(&course.subject));
            let week = |subject| if subject == pair[0] { Weeks::A } else { Weeks::B };
            let courses = of_pair.map(|(n, course)| (n, week(course.subject))).collect();
            self.block(division, courses, 1);
        }
    }

    fn block(&mut self, first_division: usize, courses: Vec<(usize, Weeks)>, length: u8) {
        self.blocks.push(Block { courses, first_division, divisions: 1, length });
    }

    fn form(
        &mut self,
        writer: &Writer,
        (name, kind): (String, ClassKind),
        level: usize,
        students: Vec<StudentId>,
    ) -> usize {
        let n = self.classes.len();
        let id = ClassId(writer.id("class", n));
        self.classes.push(ClassOfSchool { id, name, kind, level, students });
        n
    }

    /// A course given by the teacher whose turn it is in the team.
    fn course(
        &mut self,
        writer: &Writer,
        class: usize,
        subject: &'static str,
        (turn, room): (usize, String),
    ) -> usize {
        let n = self.courses.len();
        let id = CourseId(writer.id("course", n));
        let teacher = teacher(subject, turn);
        self.courses.push(CourseOfSchool { id, class, subject, teacher, room });
        n
    }
}

/// The number among the staff of the teacher whose turn it is in a team.
fn teacher(subject: &str, turn: usize) -> usize {
    let team = if subject == SUPPORT { "Français" } else { subject };
    let mut first = 0;
    for (name, size) in TEAMS {
        if name == team {
            return first + turn % size;
        }
        first += size;
    }
    first
}

/// A room that a team has to itself, one for each of its teachers; otherwise the division's own.
fn room_of(subject: &str, division: usize) -> String {
    let own: &[&str] = match subject {
        PE => &["Gymnase", "Stade", "Salle de danse", "Plateau sportif"],
        "SVT" => &["Labo SVT 1", "Labo SVT 2"],
        "Physique-chimie" => &["Labo PC 1", "Labo PC 2"],
        "Technologie" => &["Atelier 1", "Atelier 2"],
        "Arts plastiques" => &["Salle d'arts"],
        "Éducation musicale" => &["Salle de musique"],
        _ => return home_room(division),
    };
    own[division % own.len()].to_owned()
}

fn home_room(division: usize) -> String {
    format!("Salle {}{:02}", 1 + division / 10, 1 + division % 10)
}
