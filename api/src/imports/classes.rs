//! Divisions and groups: which there are, and which of those known come from national files.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ClassId, classes::ClassCommand};

use super::{
    draft::{Draft, class_id},
    feed::{ClassKey, Kind},
    plan::{Ask, Origin},
    problem::Record,
    remarks::Remark,
};

/// Has every class formed that the files name, and gives each its id.
pub(super) fn compare(draft: &mut Draft<'_>) {
    let (school, year) = (draft.school(), draft.year());
    for (key, origin) in named(draft) {
        let mut known = draft.known.classes.iter();
        let known = known.find(|class| *class.name == *key.code && class.kind == key.kind.into());
        let class = match known {
            Some(class) => class.class,
            None => {
                let class = class_id(school, year, key.kind, &key.code);
                let (name, kind) = (key.code.to_string(), key.kind.into());
                let command = ClassCommand::FormClass { name, kind, year };
                draft.plan.ask(&origin, Ask::Class(class, command));
                draft.plan.tell(&origin, Remark::Added);
                class
            }
        };
        draft.classes.insert(key, class);
    }
}

/// Every class that some record names, with the first that does.
fn named(draft: &Draft<'_>) -> BTreeMap<ClassKey, Origin> {
    let feed = draft.feed;
    let mut named = BTreeMap::new();
    let listed = feed.structures.iter().flatten();
    let listed = listed.chain(feed.staffing.iter().flat_map(|staffing| &staffing.classes));
    let listed = listed.map(|class| (&class.key, class.place));
    let services = feed.staffing.iter().flat_map(|staffing| &staffing.services);
    let services = services.map(|service| (&service.class, service.place));
    let lessons = feed.timetable.iter().flat_map(|timetable| &timetable.lessons);
    let lessons = lessons.map(|lesson| (&lesson.class, lesson.place));
    let students = feed.all_students();
    let students = students
        .flat_map(|student| student.classes.iter().map(move |class| (class, student.place)));
    for (key, place) in listed.chain(services).chain(lessons).chain(students) {
        if !named.contains_key(key) {
            named.insert(key.clone(), draft.plan.origin(place, Record::Class, &key.code));
        }
    }
    named
}

/// The classes that national files made or name. A group that the school made for itself is not
/// theirs to empty.
pub(super) fn national(draft: &Draft<'_>) -> BTreeSet<ClassId> {
    let (school, year) = (draft.school(), draft.year());
    let made = draft.known.classes.iter().filter(|class| {
        let kinds = [Kind::Division, Kind::Group];
        kinds.iter().any(|kind| class_id(school, year, *kind, &class.name) == class.class)
    });
    made.map(|class| class.class).chain(draft.classes.values().copied()).collect()
}
