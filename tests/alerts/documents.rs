//! What a family shows beside a reason: a certificate, a summons.

use std::convert::Infallible;

use axum::{body::Body, http::Request};
use domain::{
    Category, Dossier, PersonId, SchoolYear, Subject, attendance::documents::DOCUMENT_MAX_BYTES,
};
use futures_util::{Stream, StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::task::yield_now;

use super::{links::link_of, tilleuls::Tilleuls};
use crate::scene::{Answer, SCHOOL};

/// What every PDF begins with.
const PDF: &[u8] = b"%PDF-1.7\n";

/// Larger than what an engine takes at once.
const LARGE: usize = 1_300_000;

#[tokio::test]
async fn a_certificate_is_shown_to_those_who_judge_the_reason_as_it_was_sent() {
    let mut family = Family::new().await;
    let certificate = of_length(PDF, LARGE);
    family.shows(&certificate).await;
    for path in family.documents().await {
        let shown = family.school.scene.get(&path).await;
        assert_eq!(shown.status, "200 OK");
        assert!(shown.bytes == certificate, "other bytes came back");
        assert_eq!(shown.header("content-type"), "application/pdf");
        assert_eq!(
            shown.header("content-disposition"),
            "attachment; filename=\"justificatif.pdf\""
        );
        assert_eq!(shown.header("x-content-type-options"), "nosniff");
        assert_eq!(shown.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn the_same_form_sent_twice_keeps_one_document() {
    let mut family = Family::new().await;
    let photo = of_length(&[0xFF, 0xD8, 0xFF, 0xE1], 70_000);
    family.shows(&photo).await;
    let head = family.school.scene.head().await;
    family.shows(&photo).await;
    assert_eq!(family.school.scene.head().await, head);
}

#[tokio::test]
async fn a_document_is_taken_by_its_content_and_whatever_is_not_taken_loses_nothing() {
    let mut family = Family::new().await;
    let head = family.school.scene.head().await;
    for wrong in [&b"<html><script>alert(1)</script>"[..], b"GIF89a", b"MZ\x90", b"PK\x03\x04"] {
        let page = family.gives(wrong).await;
        assert_eq!(page.status, "422 Unprocessable Entity");
        assert!(page.text().contains("Ce document ne peut pas être lu"), "{}", page.text());
        assert!(page.text().contains("de la fièvre") && page.text().contains("selected"));
    }
    assert_eq!(family.school.scene.head().await, head);
    let png = of_length(b"\x89PNG\r\n\x1a\n", 5_000);
    family.shows(&png).await;
    let path = family.documents().await.remove(0);
    let shown = family.school.scene.get(&path).await;
    assert_eq!(shown.header("content-type"), "image/png");
}

#[tokio::test]
async fn a_document_of_ten_mebibytes_is_kept_and_a_larger_one_is_told() {
    let mut family = Family::new().await;
    let head = family.school.scene.head().await;
    for length in [DOCUMENT_MAX_BYTES + 1, 5 * DOCUMENT_MAX_BYTES] {
        let page = family.gives(&of_length(PDF, length)).await;
        assert_eq!(page.status, "422 Unprocessable Entity");
        assert!(page.text().contains("trop lourd\u{a0}: 10 Mo au plus"), "{}", page.text());
    }
    assert_eq!(family.school.scene.head().await, head);
    let largest = of_length(PDF, DOCUMENT_MAX_BYTES);
    family.shows(&largest).await;
    let path = family.documents().await.remove(0);
    assert!(family.school.scene.get(&path).await.bytes == largest, "other bytes came back");
}

#[tokio::test]
async fn who_does_not_judge_reasons_sees_no_document_and_not_that_there_is_one() {
    let mut family = Family::new().await;
    family.shows(&of_length(PDF, 5_000)).await;
    let house = format!("/schools/{SCHOOL}");
    let path = house.clone() + &family.documents().await.remove(0);
    let file = format!("{house}/students/{}/attendance", family.school.lea);
    for (function, status) in [("assistant", "403 forbidden"), ("nurse", "403 forbidden")] {
        let (_, token) = family.school.colleague("Paul", function).await;
        let refused = family.school.scene.send_as(&token, "GET", &path, None).await;
        assert_eq!(refused.refusal(), status, "{function}");
        let lines = family.school.scene.send_as(&token, "GET", &file, None).await.ok();
        assert!(lines[0]["reason"].is_object(), "{lines}");
        assert!(lines[0]["reason"]["document"].is_null(), "{lines}");
    }
    let (_, cpe) = family.school.colleague("Jeanne", "cpe").await;
    let shown = family.school.scene.send_as(&cpe, "GET", &path, None).await;
    assert_eq!(shown.status, "200 OK");
}

#[tokio::test]
async fn a_document_is_destroyed_with_the_attendance_file() {
    let mut family = Family::new().await;
    family.shows(&of_length(PDF, 5_000)).await;
    let path = family.documents().await.remove(0);
    let dossier = Dossier {
        subject: Subject::Person(PersonId(family.school.lea.parse().unwrap())),
        category: Category::Attendance,
        year: SchoolYear(2026),
    };
    family.school.scene.node.journal().erase(dossier).await.unwrap();
    let erased = family.school.scene.get(&path).await;
    assert_eq!(erased.refusal(), "410 document-erased");
}

#[tokio::test]
async fn a_line_without_a_document_has_none_to_show() {
    let mut family = Family::new().await;
    family.shows(b"").await;
    let lines = family.lines().await;
    let line = lines[0]["line"].as_str().unwrap();
    let path = format!("/students/{}/attendance/2026/{line}/document", family.school.lea);
    assert_eq!(family.school.scene.get(&path).await.refusal(), "404 no-document");
}

#[tokio::test]
async fn nobody_finds_a_certificate_in_the_files_of_the_log() {
    let mut family = Family::new().await;
    let secret = "ordonnance du docteur Knock";
    family.shows(&[PDF, secret.repeat(4_000).as_bytes()].concat()).await;
    family.documents().await;
    let folder = family.school.scene.stop().await;
    for text in [secret, "b3Jkb25uYW5jZSBkdSBkb2N0ZXVyIEtub2Nr"] {
        assert!(!crate::sealing::holds(folder.path(), text), "a document lies there in clear");
    }
}

/// A mother who was told that her daughter is away from two lessons.
struct Family {
    school: Tilleuls,
    link: String,
}

impl Family {
    async fn new() -> Self {
        let mut school = Tilleuls::new().await;
        let lea = school.lea.clone();
        let details = json!({ "mail": "sophie@example.org", "accepts_sms": false });
        school.guardian("Sophie", ("fr", "first"), &[&lea], details).await;
        school.roll(1, &[&lea]).await;
        school.roll(2, &[&lea]).await;
        school.at("2026-11-20T07:10:00Z").await;
        let link = link_of(&school.sent()[0]);
        Self { school, link }
    }

    /// Gives a reason, and a document if it has bytes: all of it is taken.
    async fn shows(&mut self, document: &[u8]) {
        let answer = self.gives(document).await;
        assert_eq!(answer.status, "303 See Other", "{}", answer.text());
    }

    /// The same, whatever comes of it.
    async fn gives(&mut self, document: &[u8]) -> Answer {
        self.school.settled().await;
        let absence = format!("{SCHOOL}-{}-2026-11-20-morning", self.school.lea);
        let mut form = Vec::new();
        for (name, said) in [
            ("absence", absence.as_str()),
            ("key", "a-tap"),
            ("reason", "illness"),
            ("comment", "de la fièvre"),
        ] {
            let part = format!("form-data; name=\"{name}\"\r\n\r\n{said}\r\n");
            form.extend(format!("--parts\r\ncontent-disposition: {part}").into_bytes());
        }
        // What a browser sends of a photo says a name and a type: neither is believed.
        let part =
            "form-data; name=\"document\"; filename=\"a.pdf\"\r\ncontent-type: application/pdf";
        form.extend(format!("--parts\r\ncontent-disposition: {part}\r\n\r\n").into_bytes());
        form.extend_from_slice(document);
        form.extend_from_slice(b"\r\n--parts--\r\n");
        let request = Request::post(format!("{}/reasons", self.link))
            .header("content-type", "multipart/form-data; boundary=parts")
            .body(Body::from_stream(pieces(&form)));
        let answer = self.school.scene.raw(request.unwrap()).await;
        self.school.settled().await;
        answer
    }

    async fn lines(&mut self) -> Vec<Value> {
        let path = format!("/students/{}/attendance", self.school.lea);
        let file = self.school.scene.get(&path).await.ok();
        file.as_array().unwrap().clone()
    }

    /// Where the documents of the two lines are.
    async fn documents(&mut self) -> Vec<String> {
        let lines = self.lines().await;
        assert_eq!(lines.len(), 2);
        let lea = &self.school.lea;
        let path = |line: &Value| {
            assert!(line["reason"]["document"].is_string(), "{line}");
            let line = line["line"].as_str().unwrap();
            format!("/students/{lea}/attendance/2026/{line}/document")
        };
        lines.iter().map(path).collect()
    }
}

/// A body as it comes from a network: the server need not have all of it to answer.
fn pieces(form: &[u8]) -> impl Stream<Item = Result<Vec<u8>, Infallible>> + use<> {
    let pieces: Vec<Vec<u8>> = form.chunks(16 * 1024).map(<[u8]>::to_vec).collect();
    stream::iter(pieces).enumerate().then(async |(n, piece)| {
        if n > 0 {
            yield_now().await;
        }
        Ok(piece)
    })
}

/// A file that begins like this, and is so long.
fn of_length(begin: &[u8], length: usize) -> Vec<u8> {
    let mut bytes = begin.to_vec();
    bytes.extend((begin.len()..length).map(|n| (n % 251) as u8));
    bytes
}
