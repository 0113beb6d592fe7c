//! Files that somebody brings in who is not the head: whoever could write a line of them must not come
//! to see more by it.

use api::{App, Source, Token, Tokens, router};
use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use domain::{AccountId, access::Scope};
use replay::access::{About, Asked};
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

use crate::scene::{SCHOOL, Scene};

const IMPORTS: &str = "a-token-that-imports";
const OFFICE: AccountId = AccountId(Uuid::from_u128(3));
const BOUNDARY: &str = "preau-parts";

#[tokio::test]
async fn a_line_of_a_file_makes_nobody_a_head_unless_the_head_brings_it_in() {
    let mut desk = Desk::open().await;
    let teachers = [person(30, "Muller", "ENS"), person(31, "Torval", "ENS")];
    let brought = desk.brings(Some(Scope::Import), "sts", &staffing(&teachers)).await;
    assert_eq!(told(&brought, "refused"), [""; 0], "teachers come as the file says");

    let more = [person(30, "Muller", "ENS"), person(31, "Torval", "DIR")];
    let more = [&more[..], &[person(32, "Baquival", "EDU")]].concat();
    let brought = desk.brings(Some(Scope::Import), "sts", &staffing(&more)).await;
    assert_eq!(told(&brought, "refused"), ["left-to-the-head epp/31", "left-to-the-head epp/32"]);
    assert_eq!(told(&brought, "changed"), [""; 0]);
    assert_eq!(desk.posts().await, ["Muller teacher", "Torval teacher"]);

    let brought = desk.brings(None, "sts", &staffing(&more)).await;
    assert_eq!(told(&brought, "refused"), [""; 0]);
    assert_eq!(desk.posts().await, ["Baquival cpe", "Muller teacher", "Torval head"]);
    let again = desk.brings(Some(Scope::Import), "sts", &staffing(&more)).await;
    assert_eq!((told(&again, "refused"), &again["events_appended"]), (vec![], &json!(0)));
}

#[tokio::test]
async fn a_line_of_a_file_makes_no_colleague_a_guardian_unless_the_head_brings_it_in() {
    let mut desk = Desk::open().await;
    let brought = desk.brings(Some(Scope::Import), "siecle", &families(&[(1, 20), (2, 21)])).await;
    assert_eq!(told(&brought, "refused"), [""; 0], "families come as the file says");

    let ines = desk.guardian("Parent20").await;
    let post = json!({ "person": ines, "function": "administration", "from": "2026-09-01" });
    desk.scene.post("/staff", post).await.ok();
    let more = families(&[(1, 20), (2, 21), (2, 20)]);
    let brought = desk.brings(Some(Scope::Import), "siecle", &more).await;
    assert_eq!(told(&brought, "refused"), ["left-to-the-head 2/20"]);
    assert_eq!(told(&brought, "added"), [""; 0]);
    let brought = desk.brings(None, "siecle", &more).await;
    assert_eq!(told(&brought, "added"), ["added 2/20"]);
}

#[tokio::test]
async fn an_import_that_is_only_tried_is_written_down_as_a_read() {
    let mut desk = Desk::open().await;
    let files = staffing(&[person(30, "Muller", "ENS")]);
    desk.brings(Some(Scope::Import), "sts?dry_run=true", &files).await;
    let asked = Asked {
        about: About::Account(OFFICE),
        from: "2026-11-20T00:00:00Z".parse().unwrap(),
        until: "2026-11-21T00:00:00Z".parse().unwrap(),
        after: 0,
        max: 100,
    };
    let found = desk.scene.node.access().entries(&asked).await.unwrap().entries;
    let [read] = &found[..] else { panic!("{found:?}") };
    let read = serde_json::to_value(read).unwrap();
    assert_eq!((&read["what"], &read["action"]), (&json!("read"), &json!("import-files")));
}

/// Where files are brought in.
struct Desk {
    scene: Scene,
}

impl Desk {
    async fn open() -> Self {
        Self { scene: Scene::school().await }
    }

    /// Brings files in with a token of this scope; with the one that may all if none is named.
    async fn brings(&mut self, scope: Option<Scope>, how: &str, files: &[(&str, String)]) -> Value {
        let part = |(name, text): &(&str, String)| {
            format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; \
                 filename=\"{name}\"\r\nContent-Type: text/xml\r\n\r\n{text}\r\n"
            )
        };
        let body: String = files.iter().map(part).collect();
        let scopes = vec![scope.unwrap_or(Scope::Everything)];
        let token = Token { token: IMPORTS.to_owned(), account: OFFICE, scopes, school: None };
        let tokens = Tokens::new(vec![token]).unwrap();
        let program = router(App::new(Source::Live(self.scene.node.clone()), tokens));
        let request = Request::builder()
            .method("POST")
            .uri(format!("/api/v1/schools/{SCHOOL}/imports/{how}"))
            .header("authorization", format!("Bearer {IMPORTS}"))
            .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
            .body(Body::from(format!("{body}--{BOUNDARY}--\r\n")));
        let response = program.oneshot(request.unwrap()).await.unwrap();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let report: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(report["imported"], true, "{report}");
        self.scene.node.reach(self.scene.head().await).await.unwrap();
        report
    }

    /// Who works as what today.
    async fn posts(&mut self) -> Vec<String> {
        let staff = self.scene.get("/staff").await.ok();
        let post = |member: &Value| {
            let function = member["enrolment"]["function"].as_str().unwrap();
            format!("{} {function}", member["name"]["family"].as_str().unwrap())
        };
        let mut posts: Vec<_> = staff.as_array().unwrap().iter().map(post).collect();
        posts.sort();
        posts
    }

    /// The guardian of this name.
    async fn guardian(&mut self, family: &str) -> String {
        let students = self.scene.get("/students").await.ok();
        for student in students.as_array().unwrap() {
            let student = student["person"].as_str().unwrap();
            let guardians = self.scene.get(&format!("/students/{student}/guardians")).await.ok();
            for guardian in guardians.as_array().unwrap() {
                if guardian["person"]["name"]["family"] == family {
                    return guardian["guardian"].as_str().unwrap().to_owned();
                }
            }
        }
        panic!("nobody is called {family}")
    }
}

/// The codes of a section of a report, with the numbers of its records.
fn told(report: &Value, section: &str) -> Vec<String> {
    let told = report[section].as_array().unwrap().iter();
    let told = told.map(|told| (told["code"].as_str().unwrap(), told["number"].as_str()));
    told.map(|(code, number)| format!("{code} {}", number.unwrap_or_default())).collect()
}

/// An STS file of these people.
fn staffing(people: &[String]) -> [(&'static str, String); 1] {
    let file = format!(
        "<STS_EDT><PARAMETRES><UAJ CODE=\"{SCHOOL}\"><SIGLE>CLG</SIGLE></UAJ>\
         <ANNEE_SCOLAIRE ANNEE=\"2026\"><DATE_DEBUT>2026-09-01</DATE_DEBUT>\
         <DATE_FIN>2027-08-31</DATE_FIN></ANNEE_SCOLAIRE></PARAMETRES>\
         <DONNEES><INDIVIDUS>{}</INDIVIDUS></DONNEES></STS_EDT>",
        people.concat()
    );
    [("sts.xml", file)]
}

fn person(number: u32, family: &str, function: &str) -> String {
    format!(
        "<INDIVIDU ID=\"{number}\" TYPE=\"epp\"><SEXE>2</SEXE><CIVILITE>2</CIVILITE>\
         <NOM_USAGE>{family}</NOM_USAGE><NOM_PATRONYMIQUE>{family}</NOM_PATRONYMIQUE>\
         <PRENOM>Chloe</PRENOM><DATE_NAISSANCE>1980-01-20</DATE_NAISSANCE>\
         <FONCTION>{function}</FONCTION></INDIVIDU>"
    )
}

/// SIECLE files of two students, and those who answer for them.
fn families(links: &[(u32, u32)]) -> [(&'static str, String); 2] {
    let head = format!(
        "<PARAMETRES><UAJ>{SCHOOL}</UAJ><ANNEE_SCOLAIRE>2026</ANNEE_SCOLAIRE></PARAMETRES>"
    );
    let student = |number: u32| {
        format!(
            "<ELEVE ELEVE_ID=\"{number}\"><NOM_DE_FAMILLE>Torval{number}</NOM_DE_FAMILLE>\
             <PRENOM>Zoe</PRENOM><DATE_NAISS>17/07/2015</DATE_NAISS>\
             <DATE_ENTREE>01/09/2026</DATE_ENTREE><CODE_STATUT>ST</CODE_STATUT></ELEVE>"
        )
    };
    let parent = |number: u32| {
        format!(
            "<PERSONNE PERSONNE_ID=\"{number}\"><LC_CIVILITE>MME</LC_CIVILITE>\
             <NOM_DE_FAMILLE>Parent{number}</NOM_DE_FAMILLE><PRENOM>Ines</PRENOM></PERSONNE>"
        )
    };
    let link = |(student, parent): &(u32, u32)| {
        format!(
            "<RESPONSABLE_ELEVE><ELEVE_ID>{student}</ELEVE_ID><PERSONNE_ID>{parent}</PERSONNE_ID>\
             <NIVEAU_RESPONSABILITE>1</NIVEAU_RESPONSABILITE><CODE_PARENTE>10</CODE_PARENTE>\
             </RESPONSABLE_ELEVE>"
        )
    };
    let students = [student(1), student(2)].concat();
    let parents = [parent(20), parent(21)].concat();
    let links: String = links.iter().map(link).collect();
    [
        (
            "eleves.xml",
            format!(
                "<BEE_ELEVES>{head}<DONNEES><ELEVES>{students}</ELEVES></DONNEES></BEE_ELEVES>"
            ),
        ),
        (
            "responsables.xml",
            format!(
                "<BEE_RESPONSABLES>{head}<DONNEES><PERSONNES>{parents}</PERSONNES>\
                 <RESPONSABLES>{links}</RESPONSABLES></DONNEES></BEE_RESPONSABLES>"
            ),
        ),
    ]
}
