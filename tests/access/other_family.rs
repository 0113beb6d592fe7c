//! Whatever is of another family, class or school is answered, byte for byte, as if it did not exist:
//! for every operation of the description, in every place where it takes an id.
//!
//! What an operation takes in its body is told at the end: a new one that is not told there fails.

use domain::accounts::Mandate;
use serde_json::{Value, json};

use super::house::{House, NOTHING, OTHER};
use crate::scene::{SCHOOL, TELEPHONE, bells, reasons, year};

/// A school that was never opened.
const NOWHERE: &str = "0679999Z";

/// Operations that take no id of a thing: doors, and what is the caller's own.
const OF_NO_SCHOOL: [&str; 17] = [
    "activate",
    "change_password",
    "come_back",
    "enrol_second_factor",
    "follow_own_alerts",
    "go_to_provider",
    "link_identity",
    "list_identities",
    "list_own_alerts",
    "list_schools",
    "list_sessions",
    "offer_second_factor",
    "remove_second_factor",
    "show_account",
    "sign_in",
    "sign_out",
    "unlink_identity",
];

/// An operation, with names in braces where it takes ids.
pub(super) struct Operation {
    pub(super) method: String,
    pub(super) address: String,
    pub(super) body: Option<Value>,
}

/// What is in the places of a request that are not tried, and what must not be told apart from
/// nothing where one is.
pub(super) struct Asking {
    pub(super) own: Vec<(&'static str, &'static str)>,
    hidden: Vec<(&'static str, Vec<&'static str>)>,
}

#[tokio::test]
async fn another_family_is_as_one_that_does_not_exist() {
    let mut house = House::open().await;
    house.told_apart("léa's mother", &of_family()).await;
    house.told_apart("léa", &of_family()).await;
}

#[tokio::test]
async fn whoever_is_only_called_in_emergencies_knows_of_nothing() {
    let mut house = House::open().await;
    let mut asking = of_family();
    asking.also_hidden("student", "léa");
    asking.also_hidden("person", "léa");
    asking.also_hidden("class", "6e A");
    asking.also_hidden("course", "maths A");
    house.told_apart("léa's aunt", &asking).await;
}

#[tokio::test]
async fn a_school_that_somebody_has_no_business_with_is_as_one_that_is_not_open() {
    let mut house = House::open().await;
    let judgment = json!({ "from": "2026-09-02", "document": "TJ Strasbourg 26/114" });
    let path = "/students/{léa}/guardians/{léa's father}/restriction";
    house.office("POST", path, judgment).await;
    for who in ["léa's father", "nobody", "the other cpe"] {
        let asking = Asking { own: of_family().own, hidden: vec![("school", vec![SCHOOL])] };
        house.told_apart(who, &asking).await;
    }
}

#[tokio::test]
async fn another_class_and_its_families_are_hidden_from_a_teacher() {
    let mut house = House::open().await;
    let asking = Asking {
        own: of_family().own,
        hidden: vec![
            ("school", vec![OTHER]),
            ("student", vec!["zoé", "nora"]),
            ("person", vec!["zoé", "zoé's mother", "léa's mother", "nora", "yves"]),
            ("class", vec!["6e Z"]),
            ("course", vec!["maths Z"]),
            ("line", vec!["tom's line"]),
            ("staff", vec!["yves", "zoé"]),
            ("teacher", vec!["yves"]),
            ("guardian", vec!["zoé's mother", "nora's mother"]),
        ],
    };
    house.told_apart("anna", &asking).await;
}

#[tokio::test]
async fn another_school_is_hidden_from_those_who_may_most() {
    let mut house = House::open().await;
    let asking = Asking {
        own: of_family().own,
        hidden: vec![
            ("school", vec![OTHER]),
            ("student", vec!["nora"]),
            ("person", vec!["nora", "nora's mother", "yves"]),
            ("class", vec!["6e Z"]),
            ("course", vec!["maths Z"]),
            ("line", vec!["tom's line"]),
            ("staff", vec!["yves"]),
            ("teacher", vec!["yves"]),
            ("guardian", vec!["nora's mother"]),
        ],
    };
    for who in ["head", "cpe", "assistant", "nurse"] {
        house.told_apart(who, &asking).await;
    }
}

#[tokio::test]
async fn students_are_hidden_from_whoever_keeps_the_machines() {
    let mut house = House::open().await;
    house.mandates("admin", Mandate::Administrator, "2027-07-02").await;
    let asking = Asking {
        own: of_family().own,
        hidden: vec![
            ("student", vec!["léa", "tom", "nora"]),
            ("person", vec!["léa", "léa's mother", "nora", "yves"]),
            ("class", vec!["6e A", "6e Z"]),
            ("course", vec!["maths A", "maths Z"]),
        ],
    };
    house.told_apart("admin", &asking).await;
}

/// Léa's own, and what is hidden from her and her mother.
pub(super) fn of_family() -> Asking {
    let own = vec![
        ("school", SCHOOL),
        ("student", "léa"),
        ("person", "léa"),
        ("class", "6e A"),
        ("course", "maths A"),
        ("line", "léa's line"),
        ("staff", "anna"),
        ("teacher", "anna"),
        ("guardian", "léa's mother"),
    ];
    let hidden = vec![
        ("school", vec![OTHER]),
        ("student", vec!["tom", "zoé", "nora"]),
        ("person", vec!["tom", "tom's mother", "léa's father", "anna", "nora", "yves"]),
        ("class", vec!["6e B", "6e Z"]),
        ("course", vec!["maths B", "maths Z"]),
        ("line", vec!["tom's line"]),
        ("staff", vec!["anna", "paul", "yves"]),
        ("teacher", vec!["paul", "yves"]),
        ("guardian", vec!["tom's mother", "léa's father", "nora's mother"]),
        ("session", vec!["tom's session"]),
    ];
    Asking { own, hidden }
}

impl Asking {
    fn also_hidden(&mut self, place: &str, name: &'static str) {
        let kinds = self.hidden.iter_mut().filter(|(kind, _)| *kind == place);
        kinds.for_each(|(_, names)| names.push(name));
    }
}

impl House {
    /// Sends every operation with each hidden id in each place, and with one that nothing has.
    async fn told_apart(&mut self, who: &str, asking: &Asking) {
        self.scene.node.reach(self.scene.head().await).await.unwrap();
        let (head, mut compared) = (self.scene.head().await, 0);
        for operation in operations() {
            for (place, names) in &asking.hidden {
                if !operation.takes(place) {
                    continue;
                }
                let nothing = if *place == "school" { NOWHERE } else { NOTHING };
                let expected = self.try_place(who, &operation, asking, (place, nothing)).await;
                for name in names {
                    let id = if *place == "school" { *name } else { self.id(name) }.to_owned();
                    let answer = self.try_place(who, &operation, asking, (place, &id)).await;
                    let Operation { method, address, .. } = &operation;
                    assert_eq!(answer, expected, "{who}: {method} {address}, {place}: {name}");
                    let status = &answer[..3];
                    assert!(
                        ["401", "403", "404", "422"].contains(&status),
                        "{method} {address}: {answer}"
                    );
                    compared += 1;
                }
            }
        }
        assert!(compared > 50, "{who} tried {compared} places only");
        assert_eq!(self.scene.head().await, head, "{who} has written something");
    }

    async fn try_place(
        &mut self,
        who: &str,
        operation: &Operation,
        asking: &Asking,
        (place, id): (&str, &str),
    ) -> String {
        let fill = |text: String| {
            let text = text.replace(&format!("{{{place}}}"), id);
            asking.own.iter().fold(text, |text, (other, name)| {
                let own = if *other == "school" { *name } else { self.id(name) };
                text.replace(&format!("{{{other}}}"), own)
            })
        };
        let address = fill(operation.address.clone());
        let body = operation.body.as_ref().map(|body| fill(body.to_string()));
        let body = body.map(|body| serde_json::from_str(&body).unwrap());
        self.does_anywhere(who, &operation.method, &address, body).await.whole()
    }
}

impl Operation {
    fn takes(&self, place: &str) -> bool {
        let place = format!("{{{place}}}");
        let body = self.body.as_ref().map(Value::to_string).unwrap_or_default();
        self.address.contains(&place) || body.contains(&place)
    }
}

/// Every operation of the description that takes an id.
pub(super) fn operations() -> Vec<Operation> {
    let description = serde_json::to_value(api::description()).unwrap();
    let mut operations = Vec::new();
    for (template, methods) in description["paths"].as_object().unwrap() {
        for (method, told) in methods.as_object().unwrap() {
            let name = told["operationId"].as_str().unwrap();
            let address = template.replace("/api/v1", "").replace("{year}", "2026");
            let address = address.replace("{from}", "2026-11-20").replace("{date}", "2026-11-20");
            let address = format!("{}{}", address.replace("{slot}", "1"), question(name));
            let address = address.replace("{mandate}", "auditor").replace("{half}", "morning");
            let address = address.replace("{step}", "four-half-days");
            if address.contains("{school}") || address.contains("{session}") {
                let body = told["requestBody"].is_object().then(|| body(name));
                operations.push(Operation { method: method.to_uppercase(), address, body });
            } else {
                assert!(OF_NO_SCHOOL.contains(&name), "say here what {name} tells, and to whom");
            }
        }
    }
    assert!(operations.len() > 40, "the description lists its operations");
    operations
}

/// What an operation has to be asked with.
fn question(operation: &str) -> &'static str {
    match operation {
        "list_absences"
        | "show_calendar"
        | "count_half_days"
        | "list_lessons_of_class"
        | "list_lessons_of_student"
        | "list_lessons_of_teacher" => "?from=2026-11-20",
        "list_roll_calls" => "?date=2026-11-20",
        "show_access_log" => "?from=2026-11-20&person={person}",
        _ => "",
    }
}

/// What an operation takes.
fn body(operation: &str) -> Value {
    let (from, on) = (json!({ "from": "2026-11-20" }), json!({ "on": "2026-11-20" }));
    let away = json!({ "student": "{student}", "from": "2026-11-24T07:00:00Z",
        "to": "2026-11-24T11:00:00Z" });
    let name = json!({ "family": "Garnier", "given": "Personne" });
    match operation {
        "open" => json!({ "name": "Lycée", "time_zone": "Europe/Paris", "department": "67" }),
        "plan_year" => year(),
        "set_holidays" => json!([]),
        "set_bell_schedule" => bells(),
        "list_reasons" => reasons(),
        "give_telephone" => json!({ "telephone": TELEPHONE }),
        "choose_setting" => json!({ "lateness-max-minutes": 15 }),
        "register_person" => json!({ "name": name }),
        "rename_person" => name,
        "give_contact_details" => json!({ "mobile": "06 00 00 00 17" }),
        "choose_language" => json!("fr"),
        "enrol_student" => json!({ "person": "{person}", "from": "2026-11-20" }),
        "appoint_staff" => {
            json!({ "person": "{person}", "function": "assistant", "from": "2026-11-20" })
        }
        "leave_school" | "leave_class" | "end_course" | "end_guardianship" | "end_mandate" => on,
        "record_guardianship" => json!({ "link": "other", "authority": "contact",
            "home": "elsewhere", "contact_order": 3, "from": "2026-11-20" }),
        "restrict_guardianship" | "restore_guardianship" => {
            json!({ "from": "2026-11-20", "document": "TJ Strasbourg 26/115" })
        }
        "form_class" => json!({ "name": "6e C", "kind": "division", "year": 2026 }),
        "join_class" => from,
        "assign_teacher" => json!({ "subject": "Latin", "from": "2026-11-20" }),
        "release_teacher" => json!({ "subject": "Latin", "on": "2026-11-20" }),
        "schedule_course" => json!({ "class": "{class}", "subject": "Latin",
            "teachers": ["{teacher}"], "first_day": "2026-11-20", "last_day": "2027-07-02",
            "meetings": [{ "weekday": "Fri", "slot": 2, "room": "7" }] }),
        "reschedule_course" => json!([{ "weekday": "Fri", "slot": 1, "room": "8" }]),
        "change_lesson" => json!({ "change": "replace", "teacher": "{teacher}" }),
        "take_roll_call" => json!({ "absent": ["{student}"] }),
        "correct_roll_call" => json!({ "marks": [{ "student": "{student}", "mark": "absent" }] }),
        "record_absence" | "record_departure" => away,
        "announce_absence" => json!({ "student": "{student}", "given_by": "{guardian}",
            "from": "2026-11-24T07:00:00Z", "to": "2026-11-24T11:00:00Z", "reason": "illness" }),
        "grant_exemption" => json!({ "student": "{student}", "subject": "EPS", "attends": true,
            "first_day": "2026-11-20", "last_day": "2026-12-18" }),
        "give_reason" => json!({ "reason": "illness", "given_by": "{guardian}" }),
        "close_call" => json!({ "outcome": "reached" }),
        "note_measure" => json!({ "measure": "dialogue", "on": "2026-11-20" }),
        "note_contact" => json!({ "with": "{guardian}", "way": "telephone",
            "at": "2026-11-20T06:00:00Z", "outcome": "spoken" }),
        "close_follow_up" => json!({ "because": "attends-again" }),
        "give_mandate" => json!({ "mandate": "auditor", "from": "2026-11-20",
            "until": "2026-12-18", "document": "2026-115" }),
        // Files are looked at by whoever may bring them in only.
        "import_siecle" | "import_sts" => Value::Null,
        untold => panic!("say here what {untold} takes"),
    }
}
