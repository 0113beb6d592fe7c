//! The page behind the link of a message.

use axum::{body::Body, http::Request};
use serde_json::json;

use super::tilleuls::{Tilleuls, answers_for};
use crate::scene::{Answer, SCHOOL};

#[tokio::test]
async fn a_parent_says_seen_and_gives_a_reason_that_the_school_accepts() {
    let mut school = Tilleuls::new().await;
    let lea = school.lea.clone();
    let details = json!({ "mail": "sophie@example.org", "accepts_sms": false });
    let mother = school.guardian("Sophie", ("fr", "first"), &[&lea], details).await;
    school.roll(1, &[&lea]).await;
    school.roll(2, &[&lea]).await;
    school.at("2026-11-20T07:10:00Z").await;
    let link = link_of(&school.sent()[0]);

    let page = get(&mut school, &link).await;
    assert_eq!(page.status, "200 OK");
    let text = page.text();
    assert!(text.contains("<bdi>Léa</bdi>") && text.contains("Collège des Tilleuls"), "{text}");
    assert!(text.contains("Maladie") && !text.contains("Infirmerie"), "{text}");
    assert!(!text.contains("Muller") && !text.contains("Math"), "{text}");
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(page.header("content-security-policy").contains("form-action 'self'"));

    let seen = post(&mut school, &format!("{link}/seen"), "").await;
    assert_eq!(seen.status, "303 See Other");
    assert_eq!(school.alerts().await[0]["seen_by"], json!([mother]));

    let form = form(&[
        ("absence", &format!("{SCHOOL}-{lea}-2026-11-20-morning")),
        ("key", "a-tap"),
        ("reason", "illness"),
        ("comment", "de la fièvre"),
    ]);
    let given = post(&mut school, &format!("{link}/reasons?lang=ar"), &form).await;
    assert_eq!(given.status, "303 See Other");
    assert!(given.header("location").ends_with("?lang=ar&thanks=true"));
    let file = school.scene.get(&format!("/students/{lea}/attendance")).await.ok();
    let lines = file.as_array().unwrap();
    assert_eq!(lines.len(), 2);
    for line in lines {
        assert_eq!(line["reason"]["given_by"], "family");
        assert_eq!(line["reason"]["person"], mother.as_str());
        assert!(line["receivable"].is_null(), "the school judges");
    }
    assert_eq!(school.alerts().await[0]["cancelled"], "explained");

    let half_days = format!("/students/{lea}/half-days?from=2026-11-20");
    let count = school.scene.get(&half_days).await.ok();
    assert_eq!(count["unjustified_percent"], 100);
    for line in lines {
        let line = line["line"].as_str().unwrap();
        let path = format!("/students/{lea}/attendance/2026/{line}/acceptance");
        school.scene.post(&path, serde_json::Value::Null).await.ok();
    }
    let count = school.scene.get(&half_days).await.ok();
    assert_eq!(count["unjustified_percent"], 0);
}

#[tokio::test]
async fn whoever_says_that_it_holds_until_the_half_day_ends_is_not_told_of_the_next_lesson() {
    for (rest, letters) in [("true", 1), ("", 2)] {
        let mut school = Tilleuls::new().await;
        let lea = school.lea.clone();
        let details = json!({ "mail": "sophie@example.org", "accepts_sms": false });
        school.guardian("Sophie", ("fr", "first"), &[&lea], details).await;
        school.roll(1, &[&lea]).await;
        school.at("2026-11-20T07:10:00Z").await;
        let reasons = format!("{}/reasons", link_of(&school.sent()[0]));
        let absence = format!("{SCHOOL}-{lea}-2026-11-20-morning");
        let said = [("absence", absence.as_str()), ("key", "1"), ("reason", "illness")];
        let form = form(&[said.as_slice(), &[("comment", ""), ("rest", rest)]].concat());
        for _ in 0..2 {
            let given = post(&mut school, &reasons, &form).await;
            assert!(given.header("location").ends_with("thanks=true"), "{}", given.text());
        }
        school.at("2026-11-20T08:00:00Z").await;
        school.roll(2, &[&lea]).await;
        school.at("2026-11-20T08:10:00Z").await;
        assert_eq!(school.sent().len(), letters, "rest: {rest}");
        school.roll(5, &[&lea]).await;
        school.at("2026-11-20T12:40:00Z").await;
        assert_eq!(school.sent().len(), letters + 1, "the afternoon is another matter");
    }
}

#[tokio::test]
async fn whoever_answers_second_is_not_thanked_for_what_is_not_taken_and_the_first_may_say_it_better()
 {
    let mut school = Tilleuls::new().await;
    let lea = school.lea.clone();
    let mut links = Vec::new();
    for (given, home) in [("Sophie", "first"), ("Karim", "second")] {
        let details = json!({ "mail": format!("{given}@example.org"), "accepts_sms": false });
        school.guardian(given, ("fr", home), &[&lea], details).await;
    }
    school.roll(1, &[&lea]).await;
    school.at("2026-11-20T07:10:00Z").await;
    links.extend(school.sent().iter().map(|letter| link_of(letter)));
    let absence = format!("{SCHOOL}-{lea}-2026-11-20-morning");
    let says = |key: &str, comment: &str| {
        form(&[("absence", &absence), ("key", key), ("reason", "illness"), ("comment", comment)])
    };
    for (link, key, comment, thanked, known) in [
        (0, "1", "de la fièvre", true, "de la fièvre"),
        (1, "2", "rien de grave", false, "de la fièvre"),
        (0, "3", "de la fièvre, médecin à 10 h", true, "de la fièvre, médecin à 10 h"),
    ] {
        let path = format!("{}/reasons", links[link]);
        let given = post(&mut school, &path, &says(key, comment)).await;
        assert_eq!(given.status, "303 See Other");
        assert_eq!(given.header("location").ends_with("thanks=true"), thanked, "{comment}");
        let file = school.scene.get(&format!("/students/{lea}/attendance")).await.ok();
        assert_eq!(file[0]["reason"]["comment"], known);
    }
    let file = school.scene.get(&format!("/students/{lea}/attendance")).await.ok();
    let line = file[0]["line"].as_str().unwrap();
    let path = format!("/students/{lea}/attendance/2026/{line}/acceptance");
    school.scene.post(&path, serde_json::Value::Null).await.ok();
    school.settled().await;
    let late = post(&mut school, &format!("{}/reasons", links[0]), &says("4", "un rhume")).await;
    assert!(!late.header("location").contains("thanks"), "what was accepted stays");
}

#[tokio::test]
async fn a_link_that_is_over_forged_or_taken_away_by_a_judgment_opens_one_and_the_same_page() {
    let mut school = Tilleuls::new().await;
    let lea = school.lea.clone();
    let details = json!({ "mail": "sophie@example.org", "accepts_sms": false });
    let mother = school.guardian("Sophie", ("fr", "first"), &[&lea], details).await;
    school.roll(1, &[&lea]).await;
    school.at("2026-11-20T07:10:00Z").await;
    let link = link_of(&school.sent()[0]);
    let other = if link.ends_with('A') { 'Q' } else { 'A' };
    let forged = format!("{}{other}", &link[..link.len() - 1]);
    let gone = get(&mut school, "/a/nothing").await;
    assert_eq!(gone.status, "404 Not Found");
    let forged = get(&mut school, &forged).await;
    assert_eq!(forged.text(), gone.text());
    let judgment = json!({ "from": "2026-11-20", "document": "JAF 26/2" });
    let path = format!("/students/{lea}/guardians/{mother}/restriction");
    school.scene.post(&path, judgment).await.ok();
    let restricted = get(&mut school, &link).await;
    assert_eq!(restricted.text(), gone.text());
    let restored = json!({ "from": "2026-11-20", "document": "JAF 26/3" });
    let path = format!("/students/{lea}/guardians/{mother}/restoration");
    school.scene.post(&path, restored).await.ok();
    assert_eq!(get(&mut school, &link).await.status, "200 OK");
    school.scene.now("2026-11-27T07:00:00Z");
    assert_eq!(get(&mut school, &link).await.text(), gone.text());
}

#[tokio::test]
async fn whoever_has_a_child_in_charge_says_seen_and_is_not_asked_why() {
    let mut school = Tilleuls::new().await;
    let (lea, noe) = (school.lea.clone(), school.noe.clone());
    school.guardian("Sophie", ("fr", "first"), &[&lea], json!({})).await;
    let adele = json!({ "mail": "adele@example.org", "accepts_sms": false });
    let other = school.guardian("Adèle", ("fr", "first"), &[&noe], adele).await;
    let name = json!({ "name": { "family": "Schmitt", "given": "Marc" } });
    let details = json!({ "mail": "marc@example.org", "accepts_sms": false });
    let both = [lea.as_str(), &noe];
    let carer = answers_for(&mut school.scene, name, ("in-charge", "first"), &both, details).await;
    let token = school.scene.signed_in(&carer, false).await;
    school.roll(1, &[&lea, &noe]).await;
    let list = format!("/schools/{SCHOOL}/students/{lea}/alerts");
    let untold = school.scene.send_as(&token, "GET", &list, None).await.ok();
    assert_eq!(untold, json!([]), "they are told when nobody else is reached");
    let acknowledgement = |student: &str| {
        format!("/schools/{SCHOOL}/students/{student}/alerts/2026-11-20/morning/acknowledgement")
    };
    let refused = school.scene.send_as(&token, "POST", &acknowledgement(&lea), None).await;
    assert_eq!(refused.refusal(), "404 no-such-alert");

    school.at("2026-11-20T07:10:00Z").await;
    let sent = school.sent();
    let to_carer: Vec<_> = sent.iter().filter(|said| said.contains("To: marc@")).collect();
    assert_eq!(to_carer.len(), 1, "{sent:#?}");
    let link = link_of(to_carer[0]);
    let page = get(&mut school, &link).await;
    assert_eq!(page.status, "200 OK");
    let text = page.text();
    assert!(text.contains("<bdi>Léa</bdi>") && text.contains("/seen"), "{text}");
    assert!(!text.contains("Noé") && !text.contains("/reasons"), "{text}");
    let seen = post(&mut school, &format!("{link}/seen"), "").await;
    assert_eq!(seen.status, "303 See Other");
    let told = school.scene.send_as(&token, "GET", &list, None).await.ok();
    assert_eq!(told[0]["seen_by"], json!([carer]));
    let own = school.scene.send_as(&token, "GET", "/account/alerts", None).await.ok();
    assert_eq!((own.as_array().unwrap().len(), &own[0]["student"]), (1, &json!(lea)));
    assert_eq!(own[0]["seen"], true);
    school.scene.send_as(&token, "POST", &acknowledgement(&lea), None).await.ok();
    let refused = school.scene.send_as(&token, "POST", &acknowledgement(&noe), None).await;
    assert_eq!(refused.refusal(), "404 no-such-alert", "{other} was reached");

    let form = form(&[
        ("absence", &format!("{SCHOOL}-{lea}-2026-11-20-morning")),
        ("key", "a-tap"),
        ("reason", "illness"),
        ("comment", ""),
    ]);
    let head = school.scene.head().await;
    let refused = post(&mut school, &format!("{link}/reasons"), &form).await;
    assert_eq!(refused.status, "404 Not Found");
    for path in ["attendance", "guardians"] {
        let path = format!("/schools/{SCHOOL}/students/{lea}/{path}");
        let refused = school.scene.send_as(&token, "GET", &path, None).await;
        assert_eq!(refused.refusal(), "404 unknown-student", "{path}");
    }
    assert_eq!(school.scene.head().await, head);

    let judgment = json!({ "from": "2026-11-20", "document": "JAF 26/5" });
    let path = format!("/students/{lea}/guardians/{carer}/restriction");
    school.scene.post(&path, judgment).await.ok();
    let gone = get(&mut school, "/a/nothing").await;
    assert_eq!(get(&mut school, &link).await.text(), gone.text());
    let own = school.scene.send_as(&token, "GET", "/account/alerts", None).await.ok();
    assert_eq!(own, json!([]));
}

#[tokio::test]
async fn the_parents_of_a_student_of_age_say_seen_and_the_student_says_why() {
    let mut school = Tilleuls::new().await;
    let awa = json!({ "name": { "family": "Diop", "given": "Awa" }, "birth_date": "2008-11-20" });
    let awa = school.scene.post("/people", awa).await.id();
    let enrolment = json!({ "person": awa, "from": "2026-09-01" });
    school.scene.post("/students", enrolment).await.ok();
    let own = json!({ "mail": "awa@example.org", "accepts_sms": false });
    school.scene.put(&format!("/people/{awa}/contact-details"), own).await.ok();
    let details = json!({ "mail": "sophie@example.org", "accepts_sms": false });
    let mother = school.guardian("Sophie", ("fr", "first"), &[&awa], details).await;
    let away = json!({ "student": awa, "from": "2026-11-20T08:00:00+01:00",
        "to": "2026-11-20T11:00:00+01:00" });
    school.scene.post("/absences", away).await.ok();
    school.at("2026-11-20T07:10:00Z").await;
    let sent = school.sent();
    let link_to = |who: &str| link_of(sent.iter().find(|said| said.contains(who)).unwrap());
    let (to_mother, to_awa) = (link_to("To: sophie@"), link_to("To: awa@"));

    let page = get(&mut school, &to_mother).await;
    assert!(page.text().contains("/seen") && !page.text().contains("/reasons"), "{}", page.text());
    let seen = post(&mut school, &format!("{to_mother}/seen"), "").await;
    assert_eq!(seen.status, "303 See Other");
    assert_eq!(school.alerts().await[0]["seen_by"], json!([mother]));
    let page = get(&mut school, &to_awa).await;
    assert!(page.text().contains("/reasons"), "{}", page.text());
}

#[tokio::test]
async fn a_form_without_a_reason_is_shown_again_with_what_was_typed() {
    let mut school = Tilleuls::new().await;
    let lea = school.lea.clone();
    let details = json!({ "mail": "sophie@example.org", "accepts_sms": false });
    school.guardian("Sophie", ("fr", "first"), &[&lea], details).await;
    school.roll(1, &[&lea]).await;
    school.at("2026-11-20T07:10:00Z").await;
    let link = link_of(&school.sent()[0]);
    let absence = format!("{SCHOOL}-{lea}-2026-11-20-morning");
    let typed = "<script>alert(1)</script>";
    let form =
        form(&[("absence", &absence), ("key", "1"), ("reason", "infirmary"), ("comment", typed)]);
    let head = school.scene.head().await;
    let page = post(&mut school, &format!("{link}/reasons"), &form).await;
    assert_eq!(page.status, "422 Unprocessable Entity");
    assert!(page.text().contains("&#60;script&#62;alert(1)"), "{}", page.text());
    assert_eq!(school.scene.head().await, head);
}

/// The path of the link in a message.
pub(super) fn link_of(message: &str) -> String {
    let begin = message.find("https://preau.test/a/").unwrap() + "https://preau.test".len();
    message[begin..].split_whitespace().next().unwrap().to_owned()
}

async fn get(school: &mut Tilleuls, path: &str) -> Answer {
    school.settled().await;
    school.scene.raw(Request::get(path).body(Body::empty()).unwrap()).await
}

async fn post(school: &mut Tilleuls, path: &str, form: &str) -> Answer {
    let request = Request::post(path)
        .header("content-type", "multipart/form-data; boundary=parts")
        .body(Body::from(form.to_owned()));
    school.scene.raw(request.unwrap()).await
}

fn form(fields: &[(&str, &str)]) -> String {
    let part = |(name, said): &(&str, &str)| {
        format!("--parts\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{said}\r\n")
    };
    fields.iter().map(part).collect::<String>() + "--parts--\r\n"
}
