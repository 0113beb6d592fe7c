//! A class of three on Friday 20 November, two of them of one family, and what is sent to the families.

use std::{fs, path::PathBuf};

use api::{
    App, Dispatcher,
    channels::{ChannelSettings, Channels},
};
use serde_json::{Value, json};

use crate::scene::{Scene, TELEPHONE};

/// The class.
pub(super) struct Tilleuls {
    pub(super) scene: Scene,
    pub(super) lea: String,
    pub(super) noe: String,
    pub(super) max: String,
    course: String,
    sending: Dispatcher,
}

impl Tilleuls {
    /// The class, of whose families nobody is known yet.
    pub(super) async fn new() -> Self {
        let mut scene = Scene::school().await;
        scene.put("/telephone", json!({ "telephone": TELEPHONE })).await.ok();
        let lea = scene.person("Muller", "Léa", "students").await;
        let noe = scene.person("Muller", "Noé", "students").await;
        let max = scene.person("Lemoine", "Max", "students").await;
        let teacher = scene.person("Zimmer", "Anne", "staff").await;
        let class = scene.class("5e A", &[&lea, &noe, &max]).await;
        let meetings = [("Fri", 1), ("Fri", 2), ("Fri", 5)];
        let course = scene.course(&class, &teacher, "Mathématiques", &meetings).await;
        let sending = dispatcher(&scene).await;
        Self { scene, lea, noe, max, course, sending }
    }

    /// Somebody who answers for students in a home, and is written to in a language.
    pub(super) async fn guardian(
        &mut self,
        given: &str,
        (language, home): (&str, &str),
        students: &[&str],
        details: Value,
    ) -> String {
        let name = json!({ "name": { "family": "Garnier", "given": given }, "language": language });
        answers_for(&mut self.scene, name, ("exercised", home), students, details).await
    }

    /// Somebody who works in the school as this; their token.
    pub(super) async fn colleague(&mut self, given: &str, function: &str) -> (String, String) {
        let name = json!({ "name": { "family": "Schmitt", "given": given } });
        let person = self.scene.post("/people", name).await.id();
        let post = json!({ "person": person, "function": function, "from": "2026-09-01" });
        self.scene.post("/staff", post).await.ok();
        let token = self.scene.signed_in(&person, false).await;
        (person, token)
    }

    /// The address of a lesson.
    pub(super) fn change(&self, slot: u8) -> String {
        format!("/courses/{}/lessons/2026-11-20/{slot}", self.course)
    }

    /// The address of its roll call.
    pub(super) fn lesson(&self, slot: u8) -> String {
        format!("{}/roll-call", self.change(slot))
    }

    /// Calls the roll of a lesson.
    pub(super) async fn roll(&mut self, slot: u8, absent: &[&str]) {
        let path = self.lesson(slot);
        self.scene.put(&path, json!({ "absent": absent, "late": [] })).await.ok();
        self.settled().await;
    }

    /// Corrects it: somebody was there.
    pub(super) async fn was_there(&mut self, slot: u8, student: &str) {
        let marks = json!({ "marks": [{ "student": student, "mark": "present" }] });
        let path = self.lesson(slot);
        self.scene.patch(&path, marks).await.ok();
        self.settled().await;
    }

    /// What follows is recorded before the clock goes on.
    pub(super) async fn settled(&self) {
        known(&self.scene).await;
    }

    /// The alerts of the day.
    pub(super) async fn alerts(&mut self) -> Value {
        self.scene.get("/alerts?date=2026-11-20").await.ok()
    }

    /// The board, as it stands at a time.
    pub(super) async fn board(&mut self, time: &str) -> Value {
        self.settled().await;
        self.scene.now(time);
        self.scene.get("/board").await.ok()
    }

    /// What the dispatcher is seen to do.
    pub(super) fn watched(&self) -> App {
        let (heartbeat, counters) = (self.sending.heartbeat(), self.sending.counters());
        self.scene.app().with_heartbeat(heartbeat).with_counters(counters)
    }

    /// Sets the clock, and lets whatever is due be sent.
    pub(super) async fn at(&mut self, time: &str) {
        self.settled().await;
        self.scene.now(time);
        self.sending.settle().await.unwrap();
    }

    /// The messages that were sent, whole, in the order of their time and recipient.
    pub(super) fn sent(&self) -> Vec<String> {
        let outbox = outbox(&self.scene);
        if !outbox.exists() {
            return Vec::new();
        }
        let files = fs::read_dir(outbox).unwrap().map(|file| file.unwrap().path());
        let mut files: Vec<(String, String)> = files
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap()[..20].to_owned();
                (name, fs::read_to_string(path).unwrap())
            })
            .collect();
        files.sort();
        files.into_iter().map(|(_, text)| text).collect()
    }

    /// The same school, whose dispatcher has died and was started again.
    pub(super) async fn restarted(self) -> Self {
        let scene = self.scene.restarted().await;
        let sending = dispatcher(&scene).await;
        Self { scene, sending, ..self }
    }
}

/// Waits until all that follows from what was written is written too, at the time that the clock shows.
pub(super) async fn known(scene: &Scene) {
    scene.node.reach(scene.head().await).await.unwrap();
}

/// Makes somebody known who answers for students, with an authority in a home.
pub(super) async fn answers_for(
    scene: &mut Scene,
    name: Value,
    (authority, home): (&str, &str),
    students: &[&str],
    details: Value,
) -> String {
    let guardian = scene.post("/people", name).await.id();
    scene.put(&format!("/people/{guardian}/contact-details"), details).await.ok();
    for student in students {
        let terms = json!({ "link": "mother", "authority": authority, "home": home,
            "contact_order": 1, "from": "2026-09-01" });
        let path = format!("/students/{student}/guardians/{guardian}");
        scene.put(&path, terms).await.ok();
    }
    guardian
}

/// A dispatcher beside the one there may be, that writes messages into a folder.
pub(super) async fn dispatcher(scene: &Scene) -> Dispatcher {
    dispatcher_by(scene, &ChannelSettings::of_folder("outbox")).await
}

/// A dispatcher that sends by these channels, which nothing was sent through yet.
pub(super) async fn dispatcher_by(scene: &Scene, settings: &ChannelSettings) -> Dispatcher {
    let clock = scene.node.journal().clock();
    let channels = Channels::new(settings, scene.folder.path(), clock).unwrap();
    let public_url = "https://preau.test".parse().unwrap();
    Dispatcher::new(scene.node.clone(), channels, &public_url).await.unwrap()
}

fn outbox(scene: &Scene) -> PathBuf {
    scene.folder.path().join("outbox")
}
