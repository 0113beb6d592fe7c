//! The last week of August: the school opens in Préau, and everybody and everything is entered.

use anyhow::{Context, anyhow};
use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use domain::{
    PersonId, SchoolYear,
    classes::ClassCommand,
    families::FamilyCommand,
    people::{Function, Language, PersonCommand},
    schools::{SchoolCommand, SchoolSheet},
    timetable::{CoursePlan, Meeting, TimetableCommand},
};

use super::{
    World, calendar,
    courses::{CourseOfSchool, Programme},
    people::{Grown, Guardian, People, Student},
    reasons,
    script::{Ask, Writer},
};

/// What the school decides once, for the year that begins in `first`.
///
/// # Errors
/// When the time zone's name is none.
pub(super) fn school(first: i32, year: SchoolYear) -> anyhow::Result<Vec<SchoolCommand>> {
    let time_zone = "Europe/Paris".parse().map_err(|wrong| anyhow!("{wrong}"))?;
    let plan = calendar::plan(first);
    let from = plan.first_day;
    Ok(vec![
        SchoolCommand::OpenSchool {
            name: "Collège des Tilleuls".to_owned(),
            time_zone,
            department: "67".to_owned(),
        },
        SchoolCommand::PlanSchoolYear { year, plan },
        SchoolCommand::SetHolidays { year, holidays: calendar::holidays(first) },
        SchoolCommand::SetBellSchedule { from, schedule: calendar::bells() },
        SchoolCommand::ListReasons { reasons: reasons::list() },
        SchoolCommand::GiveTelephone { telephone: "03 88 00 00 00".to_owned() },
    ])
}

/// The plan of each course of the programme, for the whole year.
pub(super) fn plans(
    people: &People,
    programme: &Programme,
    sheet: &SchoolSheet,
    (year, meetings): (SchoolYear, Vec<Vec<Meeting>>),
) -> anyhow::Result<Vec<CoursePlan>> {
    let days = sheet.years.get(&year).context("the year is planned")?;
    let plan = |(course, meetings): (&CourseOfSchool, Vec<Meeting>)| CoursePlan {
        class: programme.classes[course.class].id,
        subject: course.subject.to_owned(),
        teachers: vec![people.staff[course.teacher].person.id],
        first_day: days.first_day,
        last_day: days.last_day,
        meetings,
    };
    Ok(programme.courses.iter().zip(meetings).map(plan).collect())
}

/// Writes the scenes of that week.
pub(super) fn write(world: &World, writer: &mut Writer) -> anyhow::Result<()> {
    let people = &world.people;
    let actor = people.first(Function::Administration)?;
    let plan = &world.sheet.years[&world.year];
    let at = |days_before, time| {
        let day = plan.first_day - Days::new(days_before);
        world.sheet.instant(day, calendar::time(time))
    };
    for command in school(plan.first_day.year(), world.year)? {
        writer.ask(at(8, (10, 0)), at(8, (10, 0)), world.head, Ask::School(command));
    }
    let mut entry = Entry { world, writer, actor, at: at(7, (9, 0)) };
    entry.staff();
    entry.at = at(6, (9, 0));
    people.students.iter().for_each(|student| entry.student(student));
    entry.at = at(6, (14, 0));
    people.households.iter().flatten().for_each(|guardian| entry.grown(&guardian.person));
    entry.at = at(5, (9, 0));
    people.students.iter().for_each(|student| entry.family(student));
    entry.at = at(4, (9, 0));
    entry.classes();
    entry.at = at(4, (15, 0));
    entry.timetable();
    Ok(())
}

/// Who enters what, and when.
struct Entry<'a> {
    world: &'a World,
    writer: &'a mut Writer,
    actor: PersonId,
    at: DateTime<Utc>,
}

impl Entry<'_> {
    fn ask(&mut self, ask: Ask) {
        self.writer.ask(self.at, self.at, self.actor, ask);
    }

    fn staff(&mut self) {
        let (school, from) = (self.writer.school(), self.first_day());
        for staff in &self.world.people.staff {
            self.grown(&staff.person);
            let function = staff.function;
            let appoint = PersonCommand::AppointStaff { school, function, from };
            self.ask(Ask::Person(staff.person.id, appoint));
        }
    }

    fn grown(&mut self, person: &Grown) {
        let Grown { id, name, language, details } = person;
        let (name, details) = (name.clone(), details.clone());
        let language = *language;
        let register = PersonCommand::RegisterPerson { name, birth_date: None, language };
        self.ask(Ask::Person(*id, register));
        self.ask(Ask::Person(*id, PersonCommand::GiveContactDetails { details }));
    }

    fn student(&mut self, student: &Student) {
        let (id, name) = (student.id.person(), student.name.clone());
        let (birth_date, language) = (Some(student.birth_date), Language::French);
        let register = PersonCommand::RegisterPerson { name, birth_date, language };
        self.ask(Ask::Person(id, register));
        let (school, from) = (self.writer.school(), self.first_day());
        let enrol = PersonCommand::EnrolStudent { school, ine: Some(student.ine.clone()), from };
        self.ask(Ask::Person(id, enrol));
    }

    fn family(&mut self, student: &Student) {
        let (id, from) = (student.id, self.first_day());
        let world = self.world;
        for Guardian { person, terms, judgment } in &world.people.households[student.household] {
            let (student, guardian, terms) = (id, person.id, *terms);
            let record = FamilyCommand::RecordGuardianship { student, guardian, terms, from };
            self.ask(Ask::Family(id, record));
            if let Some(document) = judgment.clone() {
                let restrict = FamilyCommand::RestrictGuardianship { guardian, from, document };
                self.ask(Ask::Family(id, restrict));
            }
        }
    }

    fn classes(&mut self) {
        let (year, from) = (self.world.year, self.first_day());
        let programme = &self.world.programme;
        for class in &programme.classes {
            let (name, kind) = (class.name.clone(), class.kind);
            self.ask(Ask::Class(class.id, ClassCommand::FormClass { name, kind, year }));
            for student in class.students.iter().copied() {
                self.ask(Ask::Class(class.id, ClassCommand::JoinClass { student, from }));
            }
        }
        for course in &programme.courses {
            let teacher = self.world.people.staff[course.teacher].person.id;
            let subject = course.subject.to_owned();
            let assign = ClassCommand::AssignTeacher { teacher, subject, from };
            self.ask(Ask::Class(programme.classes[course.class].id, assign));
        }
    }

    fn timetable(&mut self) {
        for (course, plan) in self.world.programme.courses.iter().zip(&self.world.plans) {
            let plan = plan.clone();
            self.ask(Ask::Timetable(course.id, TimetableCommand::ScheduleCourse { plan }));
        }
    }

    fn first_day(&self) -> NaiveDate {
        self.world.sheet.years[&self.world.year].first_day
    }
}
