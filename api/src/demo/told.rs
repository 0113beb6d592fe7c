//! What whoever starts the demo is told: a lesson left to call, and lines to paste that call it.

use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};
use domain::{AccountId, ClassId, CourseId, StudentId, Uai, people::Name, timetable::Place};

/// What the demo left for its visitor.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The school.
    pub school: Uai,
    /// The account of the CPE, who runs school life: whom the visitor acts for.
    pub account: AccountId,
    /// The course of a lesson whose roll is not called yet.
    pub course: CourseId,
    /// Where that lesson is planned.
    pub planned: Place,
    /// Its subject.
    pub subject: String,
    /// Its class, of more than twenty students.
    pub class: ClassId,
    /// As people say it.
    pub class_name: String,
    /// Who teaches it.
    pub teacher: Name,
    /// Two of its students, there all day.
    pub absent: [(StudentId, Name); 2],
    /// The guardian of the first who is called first.
    pub guardian: Name,
    /// The evening of the school day before that lesson.
    pub evening_before: DateTime<Utc>,
}

/// Lines for a shell, ready to paste in this order: a roll call from the list of classes to a
/// student's file as it was the evening before. `address` is host and port; messages to families are
/// files of `outbox`.
pub fn try_this(told: &Told, address: &str, token: &str, outbox: &Path) -> String {
    let Told { school, course, class_name, subject, .. } = told;
    let Place { date, slot } = told.planned;
    let [(first, first_name), (second, second_name)] = &told.absent;
    let [first_name, second_name] = [first_name, second_name].map(Name::in_full);
    let (teacher, guardian) = (told.teacher.in_full(), told.guardian.in_full());
    let as_of = told.evening_before.to_rfc3339_opts(SecondsFormat::Secs, true);
    let outbox = outbox.display();
    let position = r#"sed -n 's/.*"position":\([0-9]*\).*/\1/p'"#;
    format!(
        r#"# Les classes du collège
A='Authorization: Bearer {token}'
S='http://{address}/api/v1/schools/{school}'
curl -sS -w '\n' -H "$A" "$S/classes"

# La feuille d'appel : {subject}, {class_name}, avec {teacher}
L="$S/courses/{course}/lessons/{date}/{slot}/roll-call"
curl -sS -w '\n' -H "$A" "$L"

# Les messages aux familles de ces deux semaines
O='{outbox}'
N=$(ls "$O" | wc -l)

# Faire l'appel : {first_name} et {second_name} manquent
P=$(curl -sS -X PUT -H "$A" -H 'Content-Type: application/json' -H 'Idempotency-Key: "demo-1"' \
  -d '{{"absent":["{first}","{second}"],"late":[]}}' "$L" | {position})

# Les deux absences sont dans les deux dossiers
curl -sS -w '\n' -H "$A" "$S/students/{first}/attendance?min_position=$P"
curl -sS -w '\n' -H "$A" "$S/students/{second}/attendance?min_position=$P"

# Quelques secondes plus tard, un message par responsable ; le lien s'ouvre sans compte
until [ "$(ls "$O" | wc -l)" -gt "$N" ]; do sleep 0.2; done
M="$O/$(ls "$O" | tail -n 1)"
sed 's/^/# /' "$M"
curl -sS "$(grep -o 'http://[^ ]*' "$M")" | sed -n 's:.*<h2>\(.*\)</h2>.*:"\1":p'

# Corriger l'appel : {first_name} était là
P=$(curl -sS -X PATCH -H "$A" -H 'Content-Type: application/json' -H 'Idempotency-Key: "demo-2"' \
  -d '{{"marks":[{{"student":"{first}","mark":"present"}}]}}' "$L" | {position})

# Toute l'histoire : {first_name} (responsable : {guardian}) ; rien n'est effacé
curl -sS -w '\n' -H "$A" "$S/students/{first}/history?min_position=$P"

# Son dossier tel qu'on le voyait la veille au soir
curl -sS -w '\n' -H "$A" "$S/students/{first}/attendance?as_of={as_of}"
"#
    )
}
