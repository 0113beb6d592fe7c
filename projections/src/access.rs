//! What the tables know of a caller and of the thing that is asked: the facts of a decision.
//!
//! One question brings all of them, with the thing itself and the school's sheet, so that a handler
//! need not ask again. What follows from the facts is decided in `domain::access`, and nowhere else:
//! here nobody looks at the day. A thing of another school is not found, and a person is of a school
//! who learns, works or answers for a student there, or did, or was registered by it.

mod facts;

use domain::{
    ClassId, CourseId, PersonId, StudentId, Uai, access::Facts, families::Authority,
    schools::SchoolSheet,
};
use sqlx::SqlitePool;
use uuid::Uuid;

use crate::{
    classes::ClassRow,
    people::{EnrolmentRow, PersonRow},
    timetable::CourseRow,
};

/// What is asked about, in a school.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// The school itself.
    School,
    /// Somebody, whatever they are there.
    Person(PersonId),
    /// A student.
    Student(StudentId),
    /// A member of staff.
    Staff(PersonId),
    /// A class or a group.
    Class(ClassId),
    /// A course, and its lessons.
    Course(CourseId),
}

/// What the tables know.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// What the school has decided; none if it is not open.
    pub sheet: Option<SchoolSheet>,
    /// What a decision rests on.
    pub facts: Facts,
    /// Who the person is that the thing is about, unless their identity was erased.
    pub person: Option<PersonRow>,
    /// What that person is or was in the school.
    pub enrolment: Option<EnrolmentRow>,
    /// Whether that person is or was of the school in any way.
    pub of_school: bool,
    /// The class; that of the course.
    pub class: Option<ClassRow>,
    /// The course.
    pub course: Option<CourseRow>,
}

/// What is known of `actor`, none for a program, and of a thing of a school.
///
/// # Errors
/// When the read model cannot be read.
pub async fn known(
    db: &SqlitePool,
    actor: Option<PersonId>,
    school: Uai,
    thing: Thing,
) -> sqlx::Result<Known> {
    let question = sqlx::query_as(thing.question())
        .bind(actor.map(|actor| actor.to_string()).unwrap_or_default())
        .bind(school.to_string())
        .bind(thing.id().to_string());
    let found: Vec<facts::Found> = question.fetch_all(db).await?;
    facts::gather(actor, school, thing, &found)
}

/// The schools that somebody may have to do with, in their order: those where they, or students they
/// answer for, learn or work or did, and those they have a mandate for. Whether they still have is
/// for a decision to say.
///
/// # Errors
/// When the read model cannot be read.
pub async fn schools_of(db: &SqlitePool, actor: PersonId) -> sqlx::Result<Vec<Uai>> {
    let question = "select school from enrolment where person = ?1
        union select e.school from guardian g cross join enrolment e on e.person = g.student
            where g.guardian = ?1
        union select s.school from account a, json_each(a.row, '$.mandates') m
            cross join school s on m.value ->> 'school' is null or m.value ->> 'school' = s.school
            where a.person = ?1
        order by 1";
    let found: Vec<String> =
        sqlx::query_scalar(question).bind(actor.to_string()).fetch_all(db).await?;
    let school = |text: &String| text.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)));
    found.iter().map(school).collect()
}

/// Who asks and what they are in the school; then what each kind of thing adds. Each row stands with a
/// second one that bounds it, and with the school year that does.
macro_rules! question {
    ($($part:expr),*) => {
        concat!(
            "select 'school', row, null, null from school where school = ?2
            union all select 'post', row, null, null from enrolment where school = ?2 and person = ?1
            union all select 'account', row, null, null from account where person = ?1
            union all select 'answers', g.row, e.row, null from guardian g
                cross join enrolment e on e.school = ?2 and e.person = g.student
                where g.guardian = ?1 and e.part = 'student'"
            $(, $part)*
        )
    };
}

/// A person in the school, and the classes that the actor teaches them in.
macro_rules! person {
    () => {
        " union all select 'enrolment', row, null, null from enrolment
            where school = ?2 and person = ?3
        union all select 'person', row, null, null from person where person = ?3
        union all select 'taught', t.row, m.row, k.row ->> '$.year' from class_teacher t
            cross join class k on k.class = t.class and k.school = ?2
            cross join class_member m on m.class = t.class and m.student = ?3
            where t.teacher = ?1
        union all select 'given', c.row, m.row, null from course_teacher t
            cross join course c on c.course = t.course and c.school = ?2
            cross join class_member m on m.class = c.class and m.student = ?3
            where t.teacher = ?1"
    };
}

/// A class, who teaches it among the actor's, and who of the actor's is in it.
macro_rules! class {
    ($class:literal) => {
        concat!(
            " union all select 'class', row, null, null from class where school = ?2 and class = ",
            $class,
            " union all select 'taught', t.row, null, k.row ->> '$.year' from class_teacher t
                cross join class k on k.class = t.class where t.teacher = ?1 and t.class = ",
            $class,
            " union all select 'given', c.row, null, null from course_teacher t
                cross join course c on c.course = t.course where t.teacher = ?1 and c.class = ",
            $class,
            " union all select 'member', m.row, null, k.row ->> '$.year' from class_member m
                cross join class k on k.class = m.class where m.student = ?1 and m.class = ",
            $class,
            " union all select 'child', m.row, g.row, k.row ->> '$.year' from guardian g
                cross join class_member m on m.student = g.student
                cross join class k on k.class = m.class
                where g.guardian = ?1 and m.class = ",
            $class
        )
    };
}

impl Thing {
    fn question(self) -> &'static str {
        match self {
            Self::School => question!(),
            Self::Student(_) | Self::Staff(_) => question!(person!()),
            Self::Person(_) => question!(
                person!(),
                " union all select 'registered', school, null, null from registration
                    where person = ?3
                union all select 'guardian', g.row, e.row, null from guardian g
                    cross join enrolment e on e.school = ?2 and e.person = g.student
                    where g.guardian = ?3 and e.part = 'student'
                union all select 'elsewhere', row, null, null from enrolment
                    where person = ?3 and school <> ?2
                union all select 'guardian elsewhere', g.row, e.row, null from guardian g
                    cross join enrolment e on e.person = g.student and e.school <> ?2
                    where g.guardian = ?3 and e.part = 'student'
                union all select 'mandated', row, null, null from account where person = ?3"
            ),
            Self::Class(_) => question!(class!("?3")),
            Self::Course(_) => question!(
                " union all select 'course', row, null, null from course
                    where school = ?2 and course = ?3",
                class!("(select class from course where school = ?2 and course = ?3)")
            ),
        }
    }

    fn id(self) -> Uuid {
        match self {
            Self::School => Uuid::nil(),
            Self::Person(person) | Self::Staff(person) => person.0,
            Self::Student(student) => student.0,
            Self::Class(class) => class.0,
            Self::Course(course) => course.0,
        }
    }

    /// Whom it is about, if it is somebody.
    pub fn subject(self) -> Option<PersonId> {
        match self {
            Self::Person(person) | Self::Staff(person) => Some(person),
            Self::Student(student) => Some(student.person()),
            Self::School | Self::Class(_) | Self::Course(_) => None,
        }
    }
}

impl Known {
    /// Whether the thing is of the school.
    pub fn has(&self, thing: Thing) -> bool {
        let part = |part| self.enrolment.as_ref().is_some_and(|enrolled| enrolled.part == part);
        match thing {
            Thing::School => self.sheet.is_some(),
            Thing::Person(_) => self.of_school && self.person.is_some(),
            Thing::Student(_) => part(crate::people::Part::Student),
            Thing::Staff(_) => part(crate::people::Part::Staff),
            Thing::Class(_) => self.class.is_some(),
            Thing::Course(_) => self.course.is_some(),
        }
    }
}

/// Whether somebody with this authority is told what is daily in a student's life: a person in
/// charge and a contact are called in emergencies, and that is all.
fn is_told(authority: Authority) -> bool {
    match authority {
        Authority::Exercised | Authority::SurveillanceOnly => true,
        Authority::InCharge | Authority::Contact => false,
    }
}
