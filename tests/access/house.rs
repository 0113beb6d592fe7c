//! Two schools with families, classes and lessons, and everybody signed in: what the stories about
//! who may see what are told in.

use std::collections::BTreeMap;

use domain::{
    AccountId, PersonId,
    accounts::{Account, AccountCommand, Mandate},
};
use replay::{Act, new_command_id};
use serde_json::{Value, json};

use crate::scene::{Answer, SCHOOL, Scene, bells, reasons, year};

/// The other school.
pub(crate) const OTHER: &str = "0670002B";

/// An id that nothing has.
pub(crate) const NOTHING: &str = "00000000-0000-0000-0000-000000000404";

/// Two schools, and the ids of what is in them, by the names that the stories use.
pub(crate) struct House {
    /// The first school, and whoever talks to both.
    pub(crate) scene: Scene,
    ids: BTreeMap<&'static str, String>,
    tokens: BTreeMap<String, String>,
}

impl House {
    /// In the first school Léa, Tom (6e A) and Zoé (6e B) with their families and teachers; in the
    /// other Nora with hers. Léa's parents live apart; her aunt is to be called in emergencies.
    pub(crate) async fn open() -> Self {
        let scene = Scene::school().await;
        let mut house = Self { scene, ids: BTreeMap::new(), tokens: BTreeMap::new() };
        house.open_the_other_school().await;
        for (school, student, mother, class, teacher) in [
            (SCHOOL, "léa", "léa's mother", "6e A", "anna"),
            (SCHOOL, "tom", "tom's mother", "6e A", "anna"),
            (SCHOOL, "zoé", "zoé's mother", "6e B", "paul"),
            (OTHER, "nora", "nora's mother", "6e Z", "yves"),
        ] {
            house.learns(school, student).await;
            house.answers(school, student, mother, ("mother", "exercised", "first")).await;
            if !house.ids.contains_key(teacher) {
                house.works(school, teacher, "teacher").await;
                house.teaches(school, teacher, class).await;
            }
            let path = format!("/classes/{}/students/{}", house.id(class), house.id(student));
            house.put(school, &path, json!({ "from": "2026-09-01" })).await;
        }
        house.answers(SCHOOL, "léa", "léa's father", ("father", "exercised", "second")).await;
        house.answers(SCHOOL, "léa", "léa's aunt", ("other-family", "contact", "elsewhere")).await;
        for function in ["head", "cpe", "assistant", "nurse"] {
            house.works(SCHOOL, function, function).await;
        }
        house.works(OTHER, "the other cpe", "cpe").await;
        house.registers(SCHOOL, "nobody").await;
        house.missed_a_lesson("6e A", &["léa", "tom"]).await;
        let of_tom = house.does_anywhere("tom", "GET", "/account/sessions", None).await.ok();
        let session = of_tom[0]["session"].as_str().unwrap().to_owned();
        house.ids.insert("tom's session", session);
        house
    }

    /// The id of somebody or something.
    #[track_caller]
    pub(crate) fn id(&self, name: &str) -> &str {
        self.ids.get(name).unwrap_or_else(|| panic!("there is no {name}"))
    }

    /// An address with names in braces instead of ids.
    pub(crate) fn path(&self, path: &str) -> String {
        let named =
            |path: String, (name, id): (&&str, &String)| path.replace(&format!("{{{name}}}"), id);
        self.ids.iter().fold(path.to_owned(), named)
    }

    /// The same in a body.
    fn body(&self, body: &Value) -> Value {
        serde_json::from_str(&self.path(&body.to_string())).unwrap()
    }

    /// Asks something of the first school, as somebody.
    pub(crate) async fn asks(&mut self, name: &str, path: &str) -> Answer {
        self.does(name, "GET", path, None).await
    }

    /// Asks or writes something in the first school, as somebody.
    pub(crate) async fn does(
        &mut self,
        name: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let path = format!("/schools/{SCHOOL}{}", self.path(path));
        self.does_anywhere(name, method, &path, body.map(|body| self.body(&body))).await
    }

    /// The same, at any address below `/api/v1`.
    pub(crate) async fn does_anywhere(
        &mut self,
        name: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let token = self.token(name).await;
        self.scene.send_as(&token, method, path, body).await
    }

    /// The token of somebody who signs in.
    pub(crate) async fn token(&mut self, name: &str) -> String {
        if !self.tokens.contains_key(name) {
            let token = self.scene.signed_in(self.id(name), false).await;
            self.tokens.insert(name.to_owned(), token);
        }
        self.tokens[name].clone()
    }

    /// Whoever asks again signs in again.
    pub(crate) fn forget_sessions(&mut self) {
        self.tokens.clear();
    }

    /// The office writes something in the first school.
    pub(crate) async fn office(&mut self, method: &str, path: &str, body: Value) -> Value {
        let body = self.body(&body);
        self.scene.send(method, &self.path(path), Some(body), &[]).await.ok()
    }

    /// Gives somebody a mandate for the first school, for these days.
    pub(crate) async fn mandates(&mut self, name: &'static str, mandate: Mandate, until: &str) {
        self.mandates_in(SCHOOL, name, mandate, until).await;
    }

    /// The same, for a school.
    pub(crate) async fn mandates_in(
        &mut self,
        school: &str,
        name: &'static str,
        mandate: Mandate,
        until: &str,
    ) {
        self.registers(school, name).await;
        let person = PersonId(self.id(name).parse().unwrap());
        let command = AccountCommand::GiveMandate {
            mandate,
            school: Some(school.parse().unwrap()),
            from: "2026-11-16".parse().unwrap(),
            until: Some(until.parse().unwrap()),
            document: Some("2026-114".to_owned()),
        };
        let now = self.scene.node.journal().clock().now();
        let id = new_command_id();
        let act = Act::new(SCHOOL.parse().unwrap(), AccountId::PREAU, id, now);
        let done = self.scene.node.journal().execute::<Account>(person, command, &act).await;
        self.scene.node.reach(done.unwrap().position).await.unwrap();
    }

    /// Registers a student of the first school who is born on a day.
    pub(crate) async fn born(&mut self, name: &'static str, birth_date: &str) {
        let body = json!({ "name": { "family": "Roth", "given": name },
            "birth_date": birth_date });
        let id = self.scene.post("/people", body).await.id();
        let enrolment = json!({ "person": id, "from": "2026-09-01" });
        self.scene.post("/students", enrolment).await.ok();
        self.ids.insert(name, id);
    }

    /// Registers somebody who answers for a student, as what, with which authority, in which home.
    pub(crate) async fn answers(
        &mut self,
        school: &str,
        student: &str,
        guardian: &'static str,
        (link, authority, home): (&str, &str, &str),
    ) {
        self.registers(school, guardian).await;
        let path = format!("/students/{}/guardians/{}", self.id(student), self.id(guardian));
        let terms = json!({ "link": link, "authority": authority, "home": home,
            "contact_order": 1, "from": "2026-09-01" });
        self.put(school, &path, terms).await;
        let details =
            json!({ "mobile": format!("of {guardian}"), "address": format!("at {guardian}'s") });
        let path = format!("/people/{}/contact-details", self.id(guardian));
        self.put(school, &path, details).await;
    }

    async fn open_the_other_school(&mut self) {
        let opened = json!({ "name": "Lycée des Ormes", "time_zone": "Europe/Paris",
            "department": "67" });
        self.put(OTHER, "", opened).await;
        self.put(OTHER, "/years/2026", year()).await;
        self.put(OTHER, "/bell-schedules/2026-09-01", bells()).await;
        self.put(OTHER, "/reasons", reasons()).await;
    }

    pub(crate) async fn registers(&mut self, school: &str, name: &'static str) {
        let body = json!({ "name": { "family": "Garnier", "given": name } });
        let id = self.post(school, "/people", body).await.id();
        self.ids.insert(name, id);
    }

    pub(crate) async fn learns(&mut self, school: &str, name: &'static str) {
        self.registers(school, name).await;
        let enrolment = json!({ "person": self.id(name), "from": "2026-09-01" });
        self.post(school, "/students", enrolment).await.ok();
    }

    pub(crate) async fn works(&mut self, school: &str, name: &'static str, function: &str) {
        self.registers(school, name).await;
        let post = json!({ "person": self.id(name), "function": function, "from": "2026-09-01" });
        self.post(school, "/staff", post).await.ok();
    }

    /// A class of the teacher's, with a lesson on Fridays at eight.
    async fn teaches(&mut self, school: &str, teacher: &str, class: &'static str) {
        let form = json!({ "name": class, "kind": "division", "year": 2026 });
        let id = self.post(school, "/classes", form).await.id();
        let plan = json!({ "class": id, "subject": "Mathématiques",
            "teachers": [self.id(teacher)], "first_day": "2026-09-01", "last_day": "2027-07-02",
            "meetings": [{ "weekday": "Fri", "slot": 1, "room": "7" }] });
        self.ids.insert(class, id);
        let course = self.post(school, "/courses", plan).await.id();
        let name = match class {
            "6e A" => "maths A",
            "6e B" => "maths B",
            _ => "maths Z",
        };
        self.ids.insert(name, course);
    }

    async fn missed_a_lesson(&mut self, class: &str, students: &[&str]) {
        let course = self.id(&class.replace("6e", "maths")).to_owned();
        let absent: Vec<_> = students.iter().map(|student| self.id(student)).collect();
        let path = format!("/courses/{course}/lessons/2026-11-20/1/roll-call");
        let body = json!({ "absent": absent });
        self.put(SCHOOL, &path, body).await;
        for (student, line) in [("léa", "léa's line"), ("tom", "tom's line")] {
            let path = format!("/students/{}/attendance", self.id(student));
            let file = self.scene.get(&path).await.ok();
            self.ids.insert(line, file[0]["line"].as_str().unwrap().to_owned());
        }
    }

    pub(crate) async fn put(&mut self, school: &str, path: &str, body: Value) {
        let path = format!("/schools/{school}{path}");
        self.scene.send_to("PUT", &path, Some(body), &[]).await.ok();
    }

    pub(crate) async fn post(&mut self, school: &str, path: &str, body: Value) -> Answer {
        self.scene.send_to("POST", &format!("/schools/{school}{path}"), Some(body), &[]).await
    }
}
