//! `EDT_STS` (`emp_sts_…`): the weekly timetable that a timetable program hands back to STS.
//!
//! Times of day are local, of the form 0830. An alternation is a list of weeks, each named by a day
//! in it; it becomes the list of their Mondays.

use std::collections::BTreeSet;

use chrono::{NaiveDate, Timelike, Weekday};

use super::{
    feed::{Alternation, ClassKey, DayHours, Kind, Place, StaffKey, Timetable, WeeklyLesson},
    fields::Fields,
    heading::Heading,
    notes::Pad,
    problem::{Record, RecordFault, Warning},
    sts::{KEY, SERVICE, staff_key, subject_and_modality},
    xml::{Broken, Element, Xml},
};

/// The elements that are records.
pub(super) const RECORDS: [&str; 6] =
    ["PARAMETRES", "HORAIRE", "ALTERNANCE", "SALLE_COURS", "DIVISION", "GROUPE"];

const LESSON: [&str; 5] = ["CODE_ALTERNANCE", "JOUR", "HEURE_DEBUT", "DUREE", "CODE_SALLE"];

/// A longer lesson is a mistake.
const LESSON_MAX_MINUTES: u32 = 12 * 60;

/// The weeks of one alternation: no school year has more.
const WEEKS_MAX: usize = 60;

/// The timetable of a file, as far as it is read.
#[derive(Debug, Default)]
pub(super) struct TimetableRead {
    timetable: Timetable,
}

/// What the lessons of one service have in common.
struct Taught<'s> {
    class: &'s ClassKey,
    subject: Box<str>,
    modality: Box<str>,
    together: bool,
    /// As a report calls them.
    number: Box<str>,
}

impl TimetableRead {
    /// Reads a record.
    pub(super) fn take(
        &mut self,
        xml: &mut Xml<'_>,
        element: &Element,
        pad: &mut Pad<'_>,
    ) -> Result<(), Broken> {
        match element.name.as_str() {
            "HORAIRE" => self.take_hours(xml, element, pad),
            "ALTERNANCE" => self.take_alternation(xml, element, pad),
            "SALLE_COURS" => {
                let mut fields = Fields::of(element, &["CODE"]);
                pad.weigh(element.line, fields.weight_bytes())?;
                self.timetable.rooms.extend(fields.code("CODE").ok().flatten());
                Ok(())
            }
            "DIVISION" => self.take_class(Kind::Division, xml, element, pad),
            "GROUPE" => self.take_class(Kind::Group, xml, element, pad),
            _ => Ok(()),
        }
    }

    fn take_hours(
        &mut self,
        xml: &mut Xml<'_>,
        element: &Element,
        pad: &mut Pad<'_>,
    ) -> Result<(), Broken> {
        let fields = Fields::read(xml, element, &["JOUR"], &["DEBUT_COURS", "FIN_COURS"])?;
        let number = fields.number(&["JOUR"]);
        let hours = pad.keep(Record::DayHours, &number, fields, |_, fields| {
            let (starts, ends) = (fields.time("DEBUT_COURS")?, fields.time("FIN_COURS")?);
            if ends <= starts {
                return Err(RecordFault::TimeImpossible { field: "FIN_COURS" });
            }
            Ok(DayHours { weekday: weekday(fields)?, starts, ends })
        })?;
        let Some(hours) = hours else { return Ok(()) };
        if self.timetable.hours.iter().any(|known| known.weekday == hours.weekday) {
            return pad.tell(Record::DayHours, &number, element.line, RecordFault::NumberTwice);
        }
        self.timetable.hours.push(hours);
        Ok(())
    }

    fn take_alternation(
        &mut self,
        xml: &mut Xml<'_>,
        element: &Element,
        pad: &mut Pad<'_>,
    ) -> Result<(), Broken> {
        let mut fields = Fields::of(element, &["CODE"]);
        let mut mondays = BTreeSet::new();
        let mut wrong = None;
        while let Some(child) = xml.next_in(element)? {
            if child.name != "SEMAINES" {
                fields.take(xml, &child, &["LIBELLE_COURT", "LIBELLE_LONG"])?;
                continue;
            }
            while let Some(week) = xml.find_in(&child, &["DATE_DEBUT_SEMAINE"])? {
                match monday(xml, &week)? {
                    Ok(monday) if mondays.len() < WEEKS_MAX => {
                        mondays.insert(monday);
                    }
                    Ok(_) => wrong = Some(RecordFault::FieldTooLong { field: "SEMAINES" }),
                    Err(fault) => wrong = Some(fault),
                }
            }
        }
        let number = fields.number(&["CODE"]);
        let alternation = pad.keep(Record::Alternation, &number, fields, |place, fields| {
            let code = fields.required_code("CODE")?;
            let long = fields.text("LIBELLE_LONG")?;
            let label = long.or(fields.text("LIBELLE_COURT")?).map(String::into_boxed_str);
            let label = label.unwrap_or(code.clone());
            wrong.map_or(Ok((code, Alternation { place, label, mondays })), Err)
        })?;
        let Some((code, alternation)) = alternation else { return Ok(()) };
        if self.timetable.alternations.contains_key(&code) {
            return pad.tell(Record::Alternation, &number, element.line, RecordFault::NumberTwice);
        }
        self.timetable.alternations.insert(code, alternation);
        Ok(())
    }

    fn take_class(
        &mut self,
        kind: Kind,
        xml: &mut Xml<'_>,
        element: &Element,
        pad: &mut Pad<'_>,
    ) -> Result<(), Broken> {
        let mut fields = Fields::of(element, &["CODE"]);
        let number = fields.number(&["CODE"]);
        let Ok(code) = fields.required_code("CODE") else {
            let fault = RecordFault::FieldMissing { field: "CODE" };
            return pad.refuse(Record::Class, &number, element.line, fault);
        };
        let class = ClassKey { kind, code };
        while let Some(service) = xml.find_in(element, &["SERVICE"])? {
            self.take_service(&class, xml, &service, pad)?;
        }
        Ok(())
    }

    fn take_service(
        &mut self,
        class: &ClassKey,
        xml: &mut Xml<'_>,
        element: &Element,
        pad: &mut Pad<'_>,
    ) -> Result<(), Broken> {
        let fields = Fields::of(element, &SERVICE);
        let number = format!("{}/{}", class.code, fields.number(&SERVICE[..1])).into_boxed_str();
        let service = pad.keep(Record::Service, &number, fields, |_, fields| {
            let (subject, modality) = subject_and_modality(fields)?;
            Ok(Taught { class, subject, modality, together: false, number: number.clone() })
        })?;
        let Some(mut service) = service else { return Ok(()) };
        let first = self.timetable.lessons.len();
        while let Some(found) = xml.find_in(element, &["CO_ENS", "ENSEIGNANT"])? {
            if found.name == "CO_ENS" {
                let mut fields = Fields::of(&found, &[]);
                fields.add("CO_ENS", &xml.text_of(&found)?);
                service.together = fields.flag("CO_ENS").ok().flatten().unwrap_or_default();
            } else {
                self.take_lessons(&service, xml, &found, pad)?;
            }
        }
        for lesson in &mut self.timetable.lessons[first..] {
            lesson.taught_together = service.together;
        }
        Ok(())
    }

    fn take_lessons(
        &mut self,
        service: &Taught<'_>,
        xml: &mut Xml<'_>,
        element: &Element,
        pad: &mut Pad<'_>,
    ) -> Result<(), Broken> {
        let fields = Fields::of(element, &KEY);
        let teacher =
            pad.keep(Record::Lesson, &service.number, fields, |_, fields| staff_key(fields))?;
        let Some(teacher) = teacher else { return Ok(()) };
        while let Some(found) = xml.find_in(element, &["COURS"])? {
            let fields = Fields::read(xml, &found, &[], &LESSON)?;
            let lesson = pad.keep(Record::Lesson, &service.number, fields, |place, fields| {
                lesson(place, fields, service, &teacher)
            })?;
            self.timetable.lessons.extend(lesson);
        }
        Ok(())
    }

    /// The timetable, when all is read.
    pub(super) fn finish(self, heading: &Heading, pad: &mut Pad<'_>) -> Result<Timetable, Broken> {
        let Timetable { alternations, hours, rooms, lessons: read } = self.timetable;
        for (code, Alternation { place, mondays, .. }) in &alternations {
            if !mondays.iter().all(|monday| heading.touches(*monday)) {
                pad.tell(Record::Alternation, code, place.line, Warning::WeekOutsideYear)?;
            }
        }
        let mut lessons = Vec::with_capacity(read.len());
        for lesson in read {
            let number = format!("{}/{}", lesson.class.code, lesson.subject);
            if alternations.contains_key(&lesson.alternation) {
                lessons.push(lesson);
            } else if pad.is_refused(Record::Alternation, &lesson.alternation) {
                pad.leave_out(Record::Lesson, &number);
            } else {
                let line = lesson.place.line;
                pad.refuse(Record::Lesson, &number, line, RecordFault::AlternationUnknown)?;
            }
        }
        Ok(Timetable { alternations, hours, rooms, lessons })
    }
}

/// The Monday of the week that a day lies in.
fn monday(xml: &mut Xml<'_>, element: &Element) -> Result<Result<NaiveDate, RecordFault>, Broken> {
    const FIELD: &str = "DATE_DEBUT_SEMAINE";
    let mut fields = Fields::of(element, &[]);
    fields.add(FIELD, &xml.text_of(element)?);
    let day =
        fields.date(FIELD).and_then(|day| day.ok_or(RecordFault::FieldMissing { field: FIELD }));
    Ok(day.map(|day| day.week(Weekday::Mon).first_day()))
}

fn lesson(
    place: Place,
    fields: &mut Fields,
    service: &Taught<'_>,
    teacher: &StaffKey,
) -> Result<WeeklyLesson, RecordFault> {
    let starts = fields.time("HEURE_DEBUT")?;
    let minutes = fields.time("DUREE")?.num_seconds_from_midnight() / 60;
    let ends = starts.num_seconds_from_midnight() / 60 + minutes;
    if minutes == 0 || minutes > LESSON_MAX_MINUTES || ends > 24 * 60 {
        return Err(RecordFault::TimeImpossible { field: "DUREE" });
    }
    Ok(WeeklyLesson {
        place,
        class: service.class.clone(),
        subject: service.subject.clone(),
        modality: service.modality.clone(),
        teacher: teacher.clone(),
        alternation: fields.required_code("CODE_ALTERNANCE")?,
        weekday: weekday(fields)?,
        starts,
        duration_minutes: u16::try_from(minutes).unwrap_or(u16::MAX),
        room: fields.code("CODE_SALLE")?,
        taught_together: service.together,
    })
}

/// A day of the week: 1 is Monday.
fn weekday(fields: &mut Fields) -> Result<Weekday, RecordFault> {
    let unknown = RecordFault::CodeUnknown { field: "JOUR" };
    let number: u8 = fields.required_code("JOUR")?.parse().map_err(|_| unknown)?;
    Weekday::try_from(number.wrapping_sub(1)).map_err(|_| unknown)
}
