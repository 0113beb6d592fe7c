//! National files over HTTP, and how the report reads.

use axum::{body::Body, http::Request};
use domain::accounts::Mandate;
use serde_json::json;

use super::{Files, SCHOOL, siecle, sts, with_student};
use crate::{
    access::house::{House, OTHER as OTHER_HOUSE},
    scene::{Answer, SCHOOL as HOUSE, Scene, TOKEN},
};

const BOUNDARY: &str = "preau-parts";

#[tokio::test]
async fn a_school_is_brought_in_over_http_and_then_known() {
    let mut scene = Scene::empty().await;
    let opened = send(&mut scene, "sts", "", &sts()).await;
    assert_eq!(opened.status, "200 OK", "{}", opened.body);
    let position = opened.header("preau-position").to_owned();
    assert_eq!(opened.body["position"].to_string(), position);
    let filled = send(&mut scene, "siecle", "", &siecle()).await.ok();
    assert!(filled["events_appended"].as_u64().unwrap() > 2_000);
    let again = send(&mut scene, "siecle", "", &siecle()).await.ok();
    assert_eq!((&again["events_appended"], &again["added"]), (&json!(0), &json!([])));
    scene.stop().await;
}

#[tokio::test]
async fn a_report_says_file_line_record_and_what_to_do() {
    let mut scene = Scene::empty().await;
    let tried = send(&mut scene, "sts", "?dry_run=true", &sts()).await.ok();
    assert_eq!((&tried["dry_run"], &tried["events_appended"]), (&json!(true), &json!(0)));
    insta::assert_json_snapshot!(tried["added"].as_array().unwrap()[..4], @r#"
    [
      {
        "code": "school-opened",
        "detail": "l'établissement est ouvert dans Préau ; vérifiez son nom et son fuseau horaire."
      },
      {
        "code": "year-planned",
        "detail": "l'année scolaire est planifiée ; complétez les vacances, les périodes et la fin des cours."
      },
      {
        "code": "added",
        "detail": "ajouté.",
        "file": "sts_emp_0549998Z_2026.xml",
        "line": 1036,
        "number": "3A",
        "record": "class"
      },
      {
        "code": "added",
        "detail": "ajouté.",
        "file": "sts_emp_0549998Z_2026.xml",
        "line": 1115,
        "number": "3B",
        "record": "class"
      }
    ]
    "#);
    scene.stop().await;
}

#[tokio::test]
async fn an_import_that_is_refused_is_a_problem_with_its_report() {
    let mut scene = Scene::empty().await;
    let refused = send(&mut scene, "siecle", "", &siecle()).await;
    assert_eq!(refused.header("content-type"), "application/problem+json");
    insta::assert_json_snapshot!(refused.body, @r#"
    {
      "added": [],
      "changed": [],
      "code": "import-refused",
      "detail": "the files were not imported, and nothing of them was written",
      "dry_run": false,
      "events_appended": 0,
      "imported": false,
      "missing": [],
      "position": 0,
      "refused": [
        {
          "code": "school-not-open",
          "detail": "l'établissement n'est pas ouvert dans Préau ; importez d'abord le fichier STS, ou ouvrez l'établissement."
        }
      ],
      "school": "0549998Z",
      "status": 422,
      "type": "urn:preau:problem:import-refused",
      "warnings": [],
      "year": 2026
    }
    "#);
    let mut cut = sts();
    cut[0].1.truncate(2_000);
    assert_eq!(send(&mut scene, "sts", "", &cut).await.refusal(), "422 import-refused");
    assert_eq!(scene.head().await, 0);
    scene.stop().await;
}

#[tokio::test]
async fn what_is_too_large_or_no_files_is_refused() {
    let mut scene = Scene::empty().await;
    let large: Files = vec![("sts.xml".to_owned(), vec![b' '; 10 * 1024 * 1024 + 1])];
    assert_eq!(send(&mut scene, "sts", "", &large).await.refusal(), "413 import-too-large");
    let many: Files = (0..7).flat_map(|_| sts()).collect();
    assert_eq!(send(&mut scene, "sts", "", &many).await.refusal(), "413 import-too-large");
    let aaf = send(&mut scene, "aaf", "", &sts()).await;
    assert_eq!(aaf.refusal(), "404 no-such-address");
    let path = format!("/schools/{SCHOOL}/imports/sts");
    let json = scene.send_to("POST", &path, Some(json!({})), &[]).await;
    assert_eq!(json.refusal(), "400 malformed-body");
    scene.stop().await;
}

#[tokio::test]
async fn heads_and_administrators_of_a_school_bring_its_files_in_and_nobody_else() {
    let mut house = House::open().await;
    for (name, school) in [("administrator", HOUSE), ("elsewhere's administrator", OTHER_HOUSE)] {
        house.mandates_in(school, name, Mandate::Administrator, "2026-12-31").await;
    }
    let files = super::edited(&super::of_set(&["Nomenclature.xml"]), "", |text| {
        text.replace(SCHOOL, HOUSE)
    });
    for (name, answer) in [
        ("head", "200 OK"),
        ("administrator", "200 OK"),
        ("cpe", "403 Forbidden"),
        ("anna", "403 Forbidden"),
        ("léa's mother", "403 Forbidden"),
        ("elsewhere's administrator", "404 Not Found"),
        ("the other cpe", "404 Not Found"),
    ] {
        let token = house.token(name).await;
        let path = format!("{HOUSE}/imports/siecle?dry_run=true");
        let answered = send_as(&mut house.scene, &token, &path, &files).await;
        assert_eq!(answered.status, answer, "{name}: {}", answered.body);
    }
}

#[tokio::test]
async fn departures_are_confirmed_and_insisted_on_over_http_too() {
    let mut scene = Scene::empty().await;
    send(&mut scene, "sts", "", &sts()).await.ok();
    send(&mut scene, "siecle", "", &siecle()).await.ok();
    let without = |count: u32| {
        let numbers = (500_010..500_010 + count).map(|number| number.to_string());
        numbers.fold(siecle(), |files, number| super::without_student(&files, &number))
    };
    let codes = |report: &serde_json::Value| -> Vec<serde_json::Value> {
        report["missing"].as_array().unwrap().iter().map(|told| told["code"].clone()).collect()
    };
    let told = send(&mut scene, "siecle", "", &without(1)).await.ok();
    assert_eq!(codes(&told), ["missing"]);
    let confirmed = send(&mut scene, "siecle", "?confirm_departures=true", &without(1)).await.ok();
    assert_eq!(codes(&confirmed), ["let-go"]);
    let head = scene.head().await;
    let refused = send(&mut scene, "siecle", "?confirm_departures=true", &without(12)).await;
    assert_eq!(refused.refusal(), "422 import-refused");
    assert_eq!(
        (&refused.body["refused"][0]["code"], scene.head().await),
        (&json!("too-many-missing"), head)
    );
    let insisted =
        send(&mut scene, "siecle", "?confirm_departures=true&force=true", &without(12)).await.ok();
    assert_eq!(codes(&insisted).len(), 11);
    scene.stop().await;
}

#[tokio::test]
async fn a_report_reads_well_at_a_school_s_desk() {
    let office = super::Office::with_set().await;
    let files = with_student(&siecle(), "500000", |record| record.replace("NAUTORVILLE", "TORVAL"));
    let files = super::without_student(&files, "500001");
    let report = office.bring(api::imports::Base::Siecle, &files).await;
    insta::assert_snapshot!(report.to_string(), @r"
    Établissement 0549998Z, année 2026–2027
    Import fait : 1 événement.

    Ajoutés : 0

    Modifiés : 1 (élève 1)
      ElevesAvecAdresses.xml, ligne 11, élève 500000 : modifié (noms)

    Absents des fichiers : 1 (élève 1)
      élève 500001 : n'est plus dans les fichiers ; gardé. S'il n'y est plus à raison, relancez avec --confirm-departures.

    Refusés : 4 (lien élève/responsable 4)
      ResponsablesAvecAdresses.xml, ligne 5715, lien élève/responsable 500013/200026 : le lien dit « élève lui-même », mais la personne ne porte pas ses noms ; corrigez le lien ou les noms, puis exportez.
      ResponsablesAvecAdresses.xml, ligne 6715, lien élève/responsable 500063/200127 : le lien dit « élève lui-même », mais la personne ne porte pas ses noms ; corrigez le lien ou les noms, puis exportez.
      ResponsablesAvecAdresses.xml, ligne 7715, lien élève/responsable 500113/200228 : le lien dit « élève lui-même », mais la personne ne porte pas ses noms ; corrigez le lien ou les noms, puis exportez.
      ResponsablesAvecAdresses.xml, ligne 8715, lien élève/responsable 500163/200329 : le lien dit « élève lui-même », mais la personne ne porte pas ses noms ; corrigez le lien ou les noms, puis exportez.

    À vérifier : 7 (élève 5, lien élève/responsable 2)
      ElevesAvecAdresses.xml, ligne 7301, élève 500001 : l'élève n'est pas dans le fichier des élèves, ce qui est dit de lui n'est pas repris ; exportez les fichiers ensemble.
      ElevesAvecAdresses.xml, ligne 112, élève 500005 : aucun responsable ; complétez la fiche : personne ne serait prévenu d'une absence.
      ElevesAvecAdresses.xml, ligne 1363, élève 500055 : aucun responsable ; complétez la fiche : personne ne serait prévenu d'une absence.
      ElevesAvecAdresses.xml, ligne 2614, élève 500105 : aucun responsable ; complétez la fiche : personne ne serait prévenu d'une absence.
      ElevesAvecAdresses.xml, ligne 3865, élève 500155 : aucun responsable ; complétez la fiche : personne ne serait prévenu d'une absence.
      ResponsablesAvecAdresses.xml, ligne 5455, lien élève/responsable 500001/200001 : l'élève n'est pas dans le fichier des élèves, ce qui est dit de lui n'est pas repris ; exportez les fichiers ensemble.
      ResponsablesAvecAdresses.xml, ligne 5465, lien élève/responsable 500001/200002 : l'élève n'est pas dans le fichier des élèves, ce qui est dit de lui n'est pas repris ; exportez les fichiers ensemble.
    ");
    office.stop().await;
}

/// Sends files of the set's school.
async fn send(scene: &mut Scene, base: &str, query: &str, files: &Files) -> Answer {
    let path = format!("{SCHOOL}/imports/{base}{query}");
    send_as(scene, TOKEN, &path, files).await
}

/// Sends files to a school as a form in a browser does.
async fn send_as(scene: &mut Scene, token: &str, path: &str, files: &Files) -> Answer {
    let mut body = Vec::new();
    for (name, bytes) in files {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: text/xml\r\n\r\n"
        );
        body.extend(head.into_bytes());
        body.extend(bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
    let request = Request::builder()
        .method("POST")
        .uri(format!("/api/v1/schools/{path}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
        .body(Body::from(body));
    scene.raw(request.unwrap()).await
}
