//! The rows that a question brings, as facts.

use chrono::NaiveDate;
use domain::{
    PersonId, SchoolYear, Uai,
    access::{Dated, Span, StudentFacts, Tie},
    families::Authority,
    people::Function,
    schools::SchoolSheet,
};

use super::{Known, Thing, is_told};
use crate::{
    accounts::{AccountRow, MandateRow},
    classes::{MemberRow, Stay, TeacherRow},
    families::GuardianRow,
    people::{EnrolmentRow, Part},
    read,
    schools::SchoolRow,
    timetable::CourseRow,
};

/// A row of the question: what it is, its document, a second one that bounds it, and the school year
/// of its class.
pub(super) type Found = (String, String, Option<String>, Option<u16>);

/// All that was found, as facts.
pub(super) fn gather(
    actor: Option<PersonId>,
    school: Uai,
    thing: Thing,
    found: &[Found],
) -> sqlx::Result<Known> {
    let mut known = Known::default();
    known.facts.school = Some(school);
    known.facts.own = actor.is_some() && thing.subject() == actor;
    if let Some((_, row, ..)) = found.iter().find(|(kind, ..)| kind == "school") {
        known.is_open(read(row)?);
    }
    let mut guardian_of = Vec::new();
    for (kind, row, bound, year) in found {
        let bound = bound.as_deref();
        let year = of_year(known.sheet.as_ref(), *year);
        match kind.as_str() {
            "school" => {}
            "post" => known.works_or_learns(&read(row)?),
            "account" => known.is_mandated(school, read(row)?),
            "answers" => {
                let guardian: GuardianRow = read(row)?;
                known.facts.answers.extend(answers(&guardian, bound)?);
                guardian_of.push(guardian);
            }
            "taught" => {
                let taught: TeacherRow = read(row)?;
                let times = taught.subjects.iter().map(|taught| stay(taught.stay)).collect();
                known.facts.teaches.extend(within_all(&bounded(times, bound)?, year));
            }
            "given" => {
                let course: CourseRow = read(row)?;
                let times = actor.map(|actor| given(&course, actor)).unwrap_or_default();
                known.facts.teaches.extend(bounded(times, bound)?);
            }
            "member" => {
                let member: MemberRow = read(row)?;
                let stays: Vec<Span> = member.stays.into_iter().map(stay).collect();
                known.facts.in_class.extend(within_all(&stays, year));
            }
            "child" => {
                let stays = child_in_class(&read(row)?, bound)?;
                known.facts.in_class.extend(within_all(&stays, year));
            }
            _ => known.is_thing(school, (kind, row), bound)?,
        }
    }
    known.of_school |= known.enrolment.is_some();
    known.is_of_school(thing, &guardian_of);
    Ok(known)
}

impl Known {
    fn is_open(&mut self, school: SchoolRow) {
        self.facts.staff_need_second_factor = school.sheet.settings.second_factor_for_staff;
        self.sheet = Some(school.sheet);
    }

    fn works_or_learns(&mut self, enrolled: &EnrolmentRow) {
        let span = span(enrolled.from, enrolled.until);
        match (enrolled.part, enrolled.function) {
            (Part::Student, _) => self.facts.learns.push(span),
            (Part::Staff, Some(what)) => self.facts.posts.push(Dated { what, span }),
            (Part::Staff, None) => {}
        }
    }

    fn is_mandated(&mut self, school: Uai, account: AccountRow) {
        let here = account.mandates.into_iter();
        let here = here.filter(|given| given.school.is_none_or(|given| given == school));
        let dated =
            |given: MandateRow| Dated { what: given.mandate, span: span(given.from, given.until) };
        self.facts.mandates.extend(here.map(dated));
    }

    /// What is known of the thing, whoever asks.
    fn is_thing(
        &mut self,
        school: Uai,
        (kind, row): (&str, &str),
        bound: Option<&str>,
    ) -> sqlx::Result<()> {
        let mut tie = |what, spans: Vec<Span>| {
            self.facts.ties.extend(spans.into_iter().map(|span| Dated { what, span }));
        };
        match kind {
            "enrolment" => self.enrolment = Some(read(row)?),
            "person" => self.person = Some(read(row)?),
            "registered" => self.of_school |= *row == *school.as_str(),
            "guardian" => {
                tie(Tie::Answers, answers(&read(row)?, bound)?);
                self.of_school = true;
            }
            "elsewhere" => {
                let EnrolmentRow { part, function, from, until, .. } = read(row)?;
                let what = match (part, function) {
                    (Part::Student, _) => Tie::LearnsElsewhere,
                    (Part::Staff, Some(Function::Teacher)) => Tie::TeachesElsewhere,
                    (Part::Staff, _) => Tie::WorksElsewhere,
                };
                tie(what, vec![span(from, until)]);
            }
            "guardian elsewhere" => tie(Tie::AnswersElsewhere, answers(&read(row)?, bound)?),
            "mandated" => {
                let account: AccountRow = read(row)?;
                self.facts.opened = account.is_opened();
                for given in account.mandates {
                    let here = given.school == Some(school);
                    let what = if here { Tie::MandatedHere } else { Tie::MandatedElsewhere };
                    tie(what, vec![span(given.from, given.until)]);
                }
            }
            "class" => self.class = Some(read(row)?),
            "course" => self.course = Some(read(row)?),
            _ => {}
        }
        Ok(())
    }

    /// What the person is in the school that the thing is about.
    fn is_of_school(&mut self, thing: Thing, guardian_of: &[GuardianRow]) {
        let Some(enrolled) = &self.enrolment else { return };
        match enrolled.part {
            Part::Student => {
                self.facts.student = Some(self.student(enrolled, thing, guardian_of));
            }
            Part::Staff => {
                let span = span(enrolled.from, enrolled.until);
                self.facts.ties.push(Dated { what: Tie::Works, span });
            }
        }
    }

    fn student(
        &self,
        enrolled: &EnrolmentRow,
        thing: Thing,
        guardian_of: &[GuardianRow],
    ) -> StudentFacts {
        let subject = thing.subject();
        let own = guardian_of.iter().filter(|row| Some(row.student.person()) == subject);
        StudentFacts {
            enrolled: span(enrolled.from, enrolled.until),
            birth_date: self.person.as_ref().and_then(|person| person.birth_date),
            links: own.clone().flat_map(links).collect(),
            restrictions: own.flat_map(restrictions).collect(),
        }
    }
}

/// The times that a guardian answers for a student of the school, whose enrolment bounds them.
fn answers(guardian: &GuardianRow, enrolled: Option<&str>) -> sqlx::Result<Vec<Span>> {
    let Some(enrolled) = enrolled else { return Ok(Vec::new()) };
    let EnrolmentRow { from, until, .. } = read(enrolled)?;
    let times: Vec<Span> = links(guardian).map(|link| link.span).collect();
    Ok(without(within_all(&times, span(from, until)), &restrictions(guardian)))
}

/// The days on which somebody gives lessons of a course: all of it, or as a substitute.
fn given(course: &CourseRow, teacher: PersonId) -> Vec<Span> {
    let sheet = &course.sheet;
    let own = sheet.teachers.contains(&teacher);
    let all = own.then_some(Span { from: sheet.first_day, until: Some(sheet.last_day) });
    let replaces = sheet.changes.iter().filter(|change| change.teacher == Some(teacher));
    let days = replaces.map(|change| change.moved_to.unwrap_or(change.planned).date);
    all.into_iter().chain(days.map(|day| span(day, Some(day)))).collect()
}

/// The days until the last of a class's year: nobody tells that it is over, for it goes without saying.
/// A year that the school has not planned lasts until the last day of August; what is of no class is
/// not bounded so.
fn of_year(sheet: Option<&SchoolSheet>, year: Option<u16>) -> Span {
    let last_day = year.and_then(|year| {
        let planned = sheet.and_then(|sheet| sheet.years.get(&SchoolYear(year)));
        let august = NaiveDate::from_ymd_opt(i32::from(year) + 1, 8, 31);
        planned.map(|plan| plan.last_day).or(august)
    });
    span(NaiveDate::MIN, last_day)
}

/// These times, while the student whose membership bounds them is in the class.
fn bounded(times: Vec<Span>, member: Option<&str>) -> sqlx::Result<Vec<Span>> {
    let Some(member) = member else { return Ok(times) };
    let member: MemberRow = read(member)?;
    Ok(member.stays.iter().flat_map(|of| within_all(&times, stay(*of))).collect())
}

/// The times that a student is in a class while the guardian is told of their days.
fn child_in_class(member: &MemberRow, guardian: Option<&str>) -> sqlx::Result<Vec<Span>> {
    let Some(guardian) = guardian else { return Ok(Vec::new()) };
    let guardian: GuardianRow = read(guardian)?;
    let told = links(&guardian).filter(|link| is_told(link.what)).map(|link| link.span);
    let told = without(told.collect(), &restrictions(&guardian));
    Ok(member.stays.iter().flat_map(|of| within_all(&told, stay(*of))).collect())
}

fn links(guardian: &GuardianRow) -> impl Iterator<Item = Dated<Authority>> {
    let links = guardian.links.iter();
    links.map(|link| Dated { what: link.terms.authority, span: span(link.from, link.until) })
}

/// The times without rights, their last day included.
fn restrictions(guardian: &GuardianRow) -> Vec<Span> {
    let last_day = |until: NaiveDate| until.pred_opt().unwrap_or(until);
    let times = guardian.restrictions.iter();
    times.map(|times| span(times.from, times.until.map(last_day))).collect()
}

fn within_all(times: &[Span], bound: Span) -> Vec<Span> {
    times.iter().filter_map(|times| common(*times, bound)).collect()
}

/// What is left of these times beside the holes.
fn without(times: Vec<Span>, holes: &[Span]) -> Vec<Span> {
    let beside = |left: Vec<Span>, hole: &Span| {
        left.into_iter().flat_map(|times| beside(times, *hole)).collect()
    };
    holes.iter().fold(times, beside)
}

fn stay(stay: Stay) -> Span {
    span(stay.from, stay.until)
}

fn span(from: NaiveDate, until: Option<NaiveDate>) -> Span {
    Span { from, until }
}

/// The days that two times share.
fn common(one: Span, other: Span) -> Option<Span> {
    let until = one.until.into_iter().chain(other.until).min();
    let from = one.from.max(other.from);
    until.is_none_or(|until| from <= until).then_some(Span { from, until })
}

/// The days of a time before a hole, and after it.
fn beside(times: Span, hole: Span) -> impl Iterator<Item = Span> {
    let before = hole.from.pred_opt().map(|until| span(NaiveDate::MIN, Some(until)));
    let after = hole.until.and_then(|until| until.succ_opt()).map(|from| span(from, None));
    before.into_iter().chain(after).filter_map(move |side| common(times, side))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_judgment_leaves_the_days_before_it_and_those_after() {
        let year = days("2026-09-01", Some("2027-07-02"));
        let judgment = days("2026-11-20", Some("2026-12-18"));
        let left = [days("2026-09-01", Some("2026-11-19")), days("2026-12-19", Some("2027-07-02"))];
        assert_eq!(without(vec![year], &[judgment]), left);
        let for_good = days("2026-11-20", None);
        assert_eq!(without(vec![year], &[judgment, for_good]), left[..1]);
        assert_eq!(without(vec![year], &[days("2026-08-31", None)]), []);
        assert_eq!(without(vec![year], &[days("2027-07-03", None)]), [year]);
    }

    #[test]
    fn times_that_do_not_meet_share_no_day() {
        let autumn = days("2026-09-01", Some("2026-11-19"));
        assert_eq!(common(autumn, days("2026-11-20", None)), None);
        let day = days("2026-11-19", Some("2026-11-19"));
        assert_eq!(common(autumn, days("2026-11-19", None)), Some(day));
    }

    fn days(from: &str, until: Option<&str>) -> Span {
        span(from.parse().unwrap(), until.map(|day| day.parse().unwrap()))
    }
}
