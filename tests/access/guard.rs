//! What each of those who sign in sees and does over HTTP, and from which midnight on.

use domain::{
    AccountId, PersonId,
    access::{Action, Entry, Rule, What},
    accounts::Mandate,
};
use serde_json::{Value, json};

use super::house::{House, NOTHING, OTHER};
use crate::scene::{Answer, SCHOOL};

const LATE_ON_FRIDAY: &str = "2026-11-20T22:59:59Z";
const MIDNIGHT: &str = "2026-11-20T23:00:00Z";

#[tokio::test]
async fn a_guardian_reads_of_the_own_child_and_of_no_other() {
    let mut house = House::open().await;
    let file = house.asks("léa's mother", "/students/{léa}/attendance").await.ok();
    assert_eq!(file.as_array().unwrap().len(), 1);
    house.asks("léa's mother", "/people/{léa}").await.ok();
    house.asks("léa's mother", "/classes/{6e A}/lessons?from=2026-11-20").await.ok();
    house.asks("léa's mother", "/students/{léa}/lessons?from=2026-11-20").await.ok();

    for path in ["/students/{tom}/attendance", "/students/{zoé}/lessons?from=2026-11-20"] {
        assert_eq!(house.asks("léa's mother", path).await.refusal(), "404 unknown-student");
    }
    for (path, refusal) in [
        ("/people/{léa's father}", "404 unknown-person"),
        ("/classes/{6e B}", "404 unknown-class"),
        ("/classes/{6e A}", "403 forbidden"),
        ("/students", "403 forbidden"),
        ("/absences?from=2026-11-20", "403 forbidden"),
        ("/students/{léa}/history", "403 forbidden"),
    ] {
        assert_eq!(house.asks("léa's mother", path).await.refusal(), refusal, "{path}");
    }
}

#[tokio::test]
async fn two_homes_are_told_the_same_and_nothing_of_each_other() {
    let mut house = House::open().await;
    let mother = house.asks("léa's mother", "/students/{léa}/attendance").await.ok();
    let father = house.asks("léa's father", "/students/{léa}/attendance").await.ok();
    assert_eq!(mother, father);

    let ids = |answer: Value| -> Vec<Value> {
        answer.as_array().unwrap().iter().map(|row| row["guardian"].clone()).collect()
    };
    let own = json!(house.id("léa's father"));
    let seen = house.asks("léa's father", "/students/{léa}/guardians").await.ok();
    assert_eq!(seen[0]["person"]["details"]["address"], "at léa's father's");
    assert_eq!(ids(seen), [own]);
    let all = house.asks("cpe", "/students/{léa}/guardians").await.ok();
    assert_eq!(ids(all).len(), 3);
}

#[tokio::test]
async fn a_class_is_over_with_its_year_for_those_who_taught_it_and_were_in_it() {
    let mut house = House::open().await;
    let teaches = json!({ "subject": "Latin", "from": "2026-09-01" });
    house.office("PUT", "/classes/{6e B}/teachers/{anna}", teaches).await;
    house.asks("anna", "/people/{zoé}").await.ok();
    house.asks("zoé", "/classes/{6e B}/lessons?from=2026-11-20").await.ok();
    house.asks("zoé's mother", "/classes/{6e B}/lessons?from=2026-11-20").await.ok();
    house.scene.now("2027-09-15T10:00:00Z");
    house.forget_sessions();
    assert_eq!(house.asks("anna", "/people/{zoé}").await.refusal(), "404 unknown-person");
    for name in ["zoé", "zoé's mother"] {
        let lessons = house.asks(name, "/classes/{6e B}/lessons?from=2026-11-20").await;
        assert_eq!(lessons.refusal(), "404 unknown-class", "{name}");
    }
}

#[tokio::test]
async fn a_guardian_speaks_for_themself_and_judges_nothing() {
    let mut house = House::open().await;
    let path = "/students/{léa}/attendance/2026/{léa's line}";
    let reason = format!("{path}/reason");
    let of = |by: &str| json!({ "reason": "illness", "given_by": by, "comment": "une angine" });
    let for_another = house.does("léa's mother", "PUT", &reason, Some(of("{léa's father}"))).await;
    assert_eq!(for_another.refusal(), "404 unknown-person");
    let unnamed = json!({ "reason": "illness", "comment": "une angine" });
    house.does("léa's mother", "PUT", &reason, Some(unnamed)).await.ok();

    let own = house.asks("léa's mother", "/students/{léa}/attendance").await.ok();
    assert_eq!(own[0]["reason"]["person"], json!(house.id("léa's mother")));
    assert_eq!(own[0]["reason"]["comment"], "une angine");
    let other_home = house.asks("léa's father", "/students/{léa}/attendance").await.ok();
    assert_eq!(
        other_home[0]["reason"],
        json!({ "code": "illness", "list": 1, "given_by": "family" }),
        "the other home learns the reason, not what the first one wrote"
    );
    let judged = house.does("léa's mother", "POST", &format!("{path}/acceptance"), None).await;
    assert_eq!(judged.refusal(), "403 forbidden");
    assert_eq!(judged.body["detail"], "you may see this, but not do that with it: no-relation");
    house.does("cpe", "POST", &format!("{path}/acceptance"), None).await.ok();
}

#[tokio::test]
async fn a_reason_that_reveals_health_is_told_to_those_who_need_to_know() {
    let mut house = House::open().await;
    let path = "/students/{léa}/attendance/2026/{léa's line}/reason";
    house.office("PUT", path, json!({ "reason": "illness", "comment": "une angine" })).await;
    let mut told =
        async |who: &str, path: &str| house.asks(who, path).await.ok()[0]["reason"].clone();
    let neutral = json!({ "label": "Raison personnelle", "list": 1, "given_by": "office" });
    let day = "/absences?from=2026-11-20";
    assert_eq!(told("assistant", "/students/{léa}/attendance").await, neutral);
    assert_eq!(told("nurse", "/students/{léa}/attendance").await, neutral);
    let whole =
        json!({ "code": "illness", "list": 1, "given_by": "office", "comment": "une angine" });
    assert_eq!(told("cpe", "/students/{léa}/attendance").await, whole);
    assert_eq!(told("léa", "/students/{léa}/attendance").await, whole);
    for (who, seen) in [("assistant", &neutral), ("cpe", &whole)] {
        let of_day = house.asks(who, day).await.ok();
        let lines = of_day.as_array().unwrap().iter();
        let of_lea: Vec<_> = lines.filter(|line| line["line"] == house.id("léa's line")).collect();
        let [line] = of_lea[..] else { panic!("{who}: {of_day}") };
        assert_eq!(&line["reason"], seen, "{who}");
    }
}

#[tokio::test]
async fn a_judgment_takes_rights_away_at_local_midnight() {
    let mut house = House::open().await;
    house.office("POST", "/students/{léa}/guardians/{léa's father}/restriction", judgment()).await;
    house.scene.now(LATE_ON_FRIDAY);
    house.asks("léa's father", "/students/{léa}/attendance").await.ok();
    let seen = house.asks("léa's mother", "/students/{léa}/guardians").await.ok();
    assert!(!seen.to_string().contains("TJ Strasbourg"), "{seen}");

    house.scene.now(MIDNIGHT);
    let now = house.asks("léa's father", "/students/{léa}/attendance").await;
    assert_eq!(now.refusal(), "404 unknown-school");
    let friday = "/students/{léa}/attendance?as_of=2026-11-20T12:00:00Z";
    let path = format!("/schools/{SCHOOL}{}", house.path(friday));
    let token = house.scene.signed_in(house.id("léa's father"), false).await;
    let bearer = format!("Bearer {token}");
    let past = house.scene.send_to("GET", &path, None, &[("authorization", &bearer)]).await;
    assert_eq!(past.refusal(), "404 unknown-school", "a past day gives back no right");
    house.asks("léa's mother", "/students/{léa}/attendance").await.ok();
}

#[tokio::test]
async fn a_past_day_is_made_for_those_alone_who_may_be_told_of_it() {
    let mut house = House::open().await;
    let path = format!("/schools/{SCHOOL}/students?as_of=2026-11-20T12:00:00Z");
    for (who, expected, made) in [
        ("léa's mother", "403 forbidden", 0),
        ("yves", "404 unknown-school", 0),
        ("head", "200 OK", 1),
    ] {
        let token = house.scene.signed_in(house.id(who), false).await;
        let bearer = format!("Bearer {token}");
        let told = house.scene.send_to("GET", &path, None, &[("authorization", &bearer)]).await;
        let told = if made == 0 { told.refusal() } else { told.status };
        assert_eq!(told, expected, "{who}");
        let days = std::fs::read_dir(house.scene.node.scratch()).unwrap().count();
        assert_eq!(days, made, "{who}");
    }
}

#[tokio::test]
async fn on_the_eighteenth_birthday_the_student_speaks_and_the_parents_read() {
    let mut house = House::open().await;
    house.born("max", "2008-11-21").await;
    house.answers(SCHOOL, "max", "max's mother", ("mother", "exercised", "first")).await;
    let away = json!({ "student": "{max}", "from": "2026-11-23T07:00:00Z",
        "to": "2026-11-23T11:00:00Z", "reason": "illness" });
    house.scene.now(LATE_ON_FRIDAY);
    let minor = house.does("max", "POST", "/announcements", Some(away.clone())).await;
    assert_eq!(minor.refusal(), "403 forbidden");
    house.does("max's mother", "POST", "/announcements", Some(away)).await.ok();

    house.scene.now(MIDNIGHT);
    let later = json!({ "student": "{max}", "from": "2026-11-24T07:00:00Z",
        "to": "2026-11-24T11:00:00Z", "reason": "illness" });
    let parent = house.does("max's mother", "POST", "/announcements", Some(later.clone())).await;
    assert_eq!(parent.refusal(), "403 forbidden");
    house.does("max", "POST", "/announcements", Some(later)).await.ok();
    let file = house.asks("max's mother", "/students/{max}/attendance").await.ok();
    assert_eq!(file[1]["reason"]["label"], "Raison personnelle");
    assert_eq!(file[1]["reason"]["code"], Value::Null);
}

#[tokio::test]
async fn a_teacher_has_the_own_classes_a_week_before_and_after() {
    let mut house = House::open().await;
    let roll_call = "/courses/{maths A}/lessons/2026-11-20/1/roll-call";
    let sheet = house.asks("anna", roll_call).await.ok();
    assert_eq!(sheet["students"].as_array().unwrap().len(), 2);
    assert_eq!(house.asks("paul", roll_call).await.refusal(), "403 forbidden");
    let class = house.asks("anna", "/classes/{6e A}").await.ok();
    assert_eq!(class["students"][0]["person"]["details"], json!({ "accepts_sms": false }));

    let release = json!({ "subject": "Latin", "on": "2026-11-13" });
    house
        .office(
            "PUT",
            "/classes/{6e B}/teachers/{anna}",
            json!({ "subject": "Latin", "from": "2026-09-01" }),
        )
        .await;
    house.office("POST", "/classes/{6e B}/teachers/{anna}/release", release).await;
    house.scene.now(LATE_ON_FRIDAY);
    house.asks("anna", "/classes/{6e B}").await.ok();
    house.asks("anna", "/people/{zoé}").await.ok();
    house.scene.now(MIDNIGHT);
    assert_eq!(house.asks("anna", "/classes/{6e B}").await.refusal(), "403 forbidden");
    assert_eq!(house.asks("anna", "/people/{zoé}").await.refusal(), "404 unknown-person");
    assert_eq!(house.asks("anna", "/people/{tom's mother}").await.refusal(), "404 unknown-person");
    let file = house.asks("anna", "/students/{tom}/attendance").await;
    assert_eq!(file.refusal(), "403 forbidden");
}

#[tokio::test]
async fn a_substitute_calls_the_roll_of_the_lesson_they_give() {
    let mut house = House::open().await;
    let lesson = "/courses/{maths A}/lessons/2026-11-27/1";
    let roll_call = format!("{lesson}/roll-call");
    assert_eq!(house.asks("paul", &roll_call).await.refusal(), "403 forbidden");
    house.office("PATCH", lesson, json!({ "change": "replace", "teacher": "{paul}" })).await;
    house.asks("paul", &roll_call).await.ok();
}

#[tokio::test]
async fn what_a_family_was_told_is_in_a_students_history_for_this_school_only() {
    let mut house = House::open().await;
    let enrolment = json!({ "person": house.id("léa"), "from": "2026-09-01" });
    house.post(OTHER, "/students", enrolment).await.ok();
    house.mandates("auditor", Mandate::Auditor, "2026-12-31").await;
    house.works(OTHER, "the other head", "head").await;
    let kinds = |history: &Value, of: &str| -> Vec<String> {
        let of_stream = |event: &&Value| event["stream"].as_str().unwrap().starts_with(of);
        let events = history.as_array().unwrap().iter().filter(of_stream);
        events.map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
    };
    let whole = house.asks("head", "/students/{léa}/history").await.ok();
    assert_eq!(kinds(&whole, "alert-"), ["AlertRaised"]);
    let traces = house.asks("auditor", "/students/{léa}/history").await.ok();
    assert_eq!(kinds(&traces, "alert-"), ["AlertRaised"]);
    assert!(traces.as_array().unwrap().iter().all(|event| event["content"].is_null()));
    let there = house.path(&format!("/schools/{OTHER}/students/{{léa}}/history"));
    let there = house.does_anywhere("the other head", "GET", &there, None).await.ok();
    assert!(kinds(&there, "person-").len() > 1, "{there}");
    assert_eq!(kinds(&there, "alert-"), [""; 0], "nor of its file");
    assert_eq!(kinds(&there, "attendance-"), [""; 0]);
}

#[tokio::test]
async fn an_auditor_sees_that_things_happened_until_the_mandate_ends() {
    let mut house = House::open().await;
    house.mandates("auditor", Mandate::Auditor, "2026-11-20").await;
    house.office("POST", "/students/{léa}/guardians/{léa's father}/restriction", judgment()).await;
    house.asks("anna", "/people/{léa}").await.ok();
    house.scene.now(LATE_ON_FRIDAY);
    let history = house.asks("auditor", "/students/{léa}/history").await.ok();
    assert!(history[0]["kind"].is_string(), "{history}");
    assert!(history.as_array().unwrap().iter().all(|event| event["content"].is_null()));
    let told = history.to_string();
    assert!(told.contains("GuardianshipRecorded") && !told.contains("GuardianshipRestricted"));
    let whole = house.asks("head", "/students/{léa}/history").await.ok();
    assert!(whole.to_string().contains("GuardianshipRestricted"));
    let log = house.asks("auditor", "/access-log?from=2026-11-20&person={léa}").await.ok();
    let (anna, rule) = (house.id("anna").to_owned(), "teacher-of-class");
    let account = domain::AccountId::of(domain::PersonId(anna.parse().unwrap()));
    let read = |entry: &&Value| entry["account"] == json!(account) && entry["rule"] == rule;
    assert_eq!(log["entries"].as_array().unwrap().iter().filter(read).count(), 1, "{log}");
    assert_eq!(house.asks("auditor", "/people/{léa}").await.refusal(), "404 unknown-person");
    assert_eq!(house.asks("head", "/access-log?from=2026-11-20").await.refusal(), "403 forbidden");

    house.scene.now(MIDNIGHT);
    let ended = house.asks("auditor", "/students/{léa}/history").await;
    assert_eq!(ended.refusal(), "401 not-signed-in", "no tie is left, and the account is closed");
}

#[tokio::test]
async fn an_auditor_is_told_nothing_of_what_is_done_in_another_school() {
    let mut house = House::open().await;
    house.mandates("auditor", Mandate::Auditor, "2026-12-18").await;
    let of = |name: &str| AccountId::of(PersonId(house.id(name).parse().unwrap()));
    let (yves, nobody) = (of("yves"), AccountId::of(PersonId(NOTHING.parse().unwrap())));
    let (at, account) = (house.scene.clock.now(), Some(yves));
    let what = What::Read {
        school: OTHER.parse().unwrap(),
        subject: None,
        action: Action::ListStudents,
        rule: Rule::Head,
    };
    for _ in 0..3 {
        let entries = (0..300).map(|_| Entry { at, account, what: what.clone() }).collect();
        house.scene.node.access().record(entries).await.unwrap();
    }
    let busy = house.asks("auditor", &format!("/access-log?from=2026-11-20&account={yves}")).await;
    let path = format!("/access-log?from=2026-11-20&account={nobody}");
    assert_eq!(busy.whole(), house.asks("auditor", &path).await.whole());
    let (mut all, mut cursor) = (Vec::new(), 0);
    loop {
        let path = format!("/access-log?from=2026-11-20&cursor={cursor}");
        let page = house.asks("auditor", &path).await.ok();
        all.extend(page["entries"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_u64() else { break };
        cursor = next;
    }
    assert!(all.iter().all(|entry| entry["school"] == SCHOOL), "{all:?}");
    assert!(all.iter().any(|entry| entry["action"] == "read-access-log"), "their own reads");
}

#[tokio::test]
async fn an_administrator_sets_the_school_up_and_sees_no_student() {
    let mut house = House::open().await;
    house.mandates("admin", Mandate::Administrator, "2027-07-02").await;
    let setting = json!({ "lateness-max-minutes": 15 });
    house.does("admin", "POST", "/settings", Some(setting)).await.ok();
    let staff = house.asks("admin", "/staff").await.ok();
    assert_eq!(staff[0]["details"], json!({ "accepts_sms": false }));
    for (path, refusal) in [
        ("/students", "403 forbidden"),
        ("/absences?from=2026-11-20", "403 forbidden"),
        ("/students/{léa}/attendance", "404 unknown-student"),
        ("/people/{léa}", "404 unknown-person"),
    ] {
        assert_eq!(house.asks("admin", path).await.refusal(), refusal, "{path}");
    }
}

#[tokio::test]
async fn staff_sign_in_with_a_second_factor_where_the_school_says_so() {
    let mut house = House::open().await;
    house.office("POST", "/settings", json!({ "second-factor-for-staff": true })).await;
    for path in ["/students", "/people/{léa}", "/people/{nora}"] {
        let first = house.asks("cpe", path).await;
        assert_eq!(first.refusal(), "403 forbidden", "{path}");
        assert!(first.body["detail"].as_str().unwrap().ends_with("second-factor-first"));
    }
    house.asks("léa's mother", "/people/{léa}").await.ok();
    let token = house.scene.signed_in(house.id("cpe"), true).await;
    let path = format!("/schools/{SCHOOL}/students");
    house.scene.send_as(&token, "GET", &path, None).await.ok();
}

#[tokio::test]
async fn a_person_is_known_to_the_school_that_registered_them_and_to_those_they_belong_to() {
    let mut house = House::open().await;
    let name = json!({ "family": "Garnier", "given": "Personne" });
    house.does("head", "PUT", "/people/{nobody}/name", Some(name.clone())).await.ok();
    house.does("head", "PUT", "/people/{zoé's mother}/name", Some(name.clone())).await.ok();
    let stranger = house.does("head", "PUT", "/people/{nora}/name", Some(name)).await;
    assert_eq!(stranger.refusal(), "404 unknown-person");
    let enrolled = json!({ "person": "{nora}", "from": "2026-11-23" });
    let taken_in = house.does("head", "POST", "/students", Some(enrolled)).await;
    assert_eq!(taken_in.refusal(), "404 unknown-person");
    let everywhere = house.scene.get(&house.path("/people/{nora}")).await;
    assert_eq!(
        everywhere.refusal(),
        "404 unknown-person",
        "a token of the region no more than others"
    );
}

#[tokio::test]
async fn everybody_has_the_schools_they_have_to_do_with() {
    let mut house = House::open().await;
    let schools = |answer: Answer| -> Vec<String> {
        let rows = answer.ok();
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row["school"].as_str().unwrap().to_owned()).collect()
    };
    house.mandates("auditor", Mandate::Auditor, "2026-11-20").await;
    for (who, theirs) in [
        ("auditor", vec![SCHOOL]),
        ("léa", vec![SCHOOL]),
        ("léa's aunt", vec![SCHOOL]),
        ("yves", vec![OTHER]),
    ] {
        assert_eq!(
            schools(house.does_anywhere(who, "GET", "/schools", None).await),
            theirs,
            "{who}"
        );
    }
    house.office("POST", "/students/{léa}/guardians/{léa's father}/restriction", judgment()).await;
    house.scene.now(MIDNIGHT);
    let restricted = house.does_anywhere("léa's father", "GET", "/schools", None).await;
    assert_eq!(schools(restricted), [""; 0]);
    let ended = house.does_anywhere("auditor", "GET", "/schools", None).await;
    assert_eq!(ended.refusal(), "401 not-signed-in");
    let all = house.scene.send_to("GET", "/schools", None, &[]).await;
    assert_eq!(schools(all), [SCHOOL, OTHER]);
    assert_eq!(house.asks("léa's aunt", "").await.ok()["name"], "Collège des Tilleuls");
    assert_eq!(house.asks("nobody", "").await.refusal(), "401 not-signed-in");
    let path = format!("/schools/{OTHER}");
    let opened = json!({ "name": "Lycée", "time_zone": "Europe/Paris", "department": "67" });
    let again = house.does_anywhere("head", "PUT", &path, Some(opened)).await;
    assert_eq!(again.refusal(), "404 unknown-school");
}

#[tokio::test]
async fn of_a_student_of_two_schools_each_judges_its_own_lines_and_none_hands_out_the_account() {
    let mut house = House::open().await;
    let invitation = "/people/{léa}/activation-code";
    house.does("cpe", "POST", invitation, None).await.ok();
    let students = format!("/schools/{OTHER}/students");
    let learns = json!({ "person": house.id("léa"), "from": "2026-11-20" });
    house.scene.send_to("POST", &students, Some(learns), &[]).await.ok();

    let line = house.path("/students/{léa}/attendance/2026/{léa's line}");
    let theirs = format!("/schools/{OTHER}{line}/acceptance");
    let judged = house.does_anywhere("the other cpe", "POST", &theirs, None).await;
    assert_eq!(judged.refusal(), "404 unknown-line");
    for who in ["léa", "léa's mother"] {
        let invitation = format!("/people/{{{who}}}/activation-code");
        let here = house.does("cpe", "POST", &invitation, None).await;
        assert_eq!(here.refusal(), "403 forbidden", "{who}");
        let there = house.path(&format!("/schools/{OTHER}{invitation}"));
        let there = house.does_anywhere("the other cpe", "POST", &there, None).await;
        assert_eq!(there.refusal(), "403 forbidden", "{who}");
    }
}

#[tokio::test]
async fn a_national_number_names_the_one_who_had_it_first() {
    let mut house = House::open().await;
    let enrolled = |who: &str| json!({ "person": who, "ine": "1234567890A", "from": "2026-09-01" });
    let first = house.id("nobody").to_owned();
    house.office("POST", "/students", enrolled(&first)).await;
    let second = enrolled(house.id("tom's mother"));
    assert_eq!(house.scene.refused("POST", "/students", second).await, "422 number-taken");
}

fn judgment() -> Value {
    json!({ "from": "2026-11-21", "document": "TJ Strasbourg 26/114" })
}
