//! A school whose families sign in through an ENT, and the ENT itself.

use api::{App, Provider, Providers, Source, Tokens, router};
use axum::Router;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    AccountId, PersonId, Uai,
    access::{What, WhyRefused},
    accounts::{Account, AccountCommand, Channel},
    people::{Identifier, Person, PersonCommand, Scheme},
};
use replay::{
    Act,
    access::{About, Asked, Noted, TokenHash},
    new_command_id,
};
use serde_json::{Value, json};

use super::{
    browser::{Browser, PUBLIC, Page},
    hostile::{CLIENT, CLIENT_SECRET, Hostile, Signer},
};
use crate::scene::{SCHOOL, Scene};

/// A school and its ENT.
pub(super) struct Ent {
    /// The school.
    pub(super) school: Scene,
    /// The ENT.
    pub(super) hostile: Hostile,
    /// The key that the ENT signs with.
    pub(super) signer: Signer,
    router: Router,
}

impl Ent {
    /// A school whose settings link by this, on Friday 20 November 2026 at eight in the morning.
    pub(super) async fn open(links_by: Value) -> Self {
        let school = Scene::school().await;
        let signer = Signer::ec("ent-1");
        let hostile = Hostile::start(&signer).await;
        let mut ent = json!({ "name": "ent", "protocol": "oidc", "url": hostile.url,
            "client_id": CLIENT, "client_secret": CLIENT_SECRET, "scopes": ["email"],
            "second_factor": { "claim": "amr", "value": "mfa" } });
        if !links_by.is_null() {
            ent["links_by"] = links_by;
        }
        let other = json!({ "name": "other", "protocol": "oidc", "url": hostile.url,
            "client_id": CLIENT });
        let router = preau(&school, vec![ent, other]);
        Self { school, hostile, signer, router }
    }

    /// A browser that never was here.
    pub(super) fn browser(&self) -> Browser {
        Browser::new(self.router.clone())
    }

    /// Somebody who learns in the school.
    pub(super) async fn student(&mut self, family: &str, given: &str) -> String {
        self.school.person(family, given, "students").await
    }

    /// Notes a student's national number, as a file of the nation would.
    pub(super) async fn number(&self, student: &str, ine: &str) {
        let identifier = Identifier { scheme: Scheme::Ine, school: None, value: ine.to_owned() };
        identify(&self.school, student, identifier).await;
    }

    /// Notes a mail address.
    pub(super) async fn mail(&mut self, person: &str, mail: &str) {
        let path = format!("/people/{person}/contact-details");
        self.school.put(&path, json!({ "mail": mail })).await.ok();
        self.caught_up().await;
    }

    /// Notes that an account takes a second factor.
    pub(super) async fn second_factor(&self, person: &str) {
        let person: PersonId = person.parse().unwrap();
        let code = AccountCommand::IssueActivationCode {
            expires_at: self.school.clock.now() + TimeDelta::days(1),
            channel: Channel::Letter,
        };
        let open = AccountCommand::UseActivationCode { at: self.school.clock.now() };
        for command in [code, open, AccountCommand::EnrolSecondFactor] {
            let act = act(&self.school);
            let done = self.school.node.journal().execute::<Account>(person, command, &act).await;
            done.unwrap();
        }
        self.caught_up().await;
    }

    /// Waits until the tables have everything.
    pub(super) async fn caught_up(&self) {
        self.school.node.reach(self.school.head().await).await.unwrap();
    }

    /// What an honest token says after this beginning, with these words beside or in place.
    pub(super) fn claims(&self, begun: &Page, said: Value) -> Value {
        let now = self.school.clock.now().timestamp();
        let honest = json!({ "iss": self.hostile.url, "aud": CLIENT, "sub": "lea-at-the-ent",
            "iat": now, "exp": now + 300, "nonce": begun.next_query("nonce") });
        with(&honest, said)
    }

    /// Signs in: the ENT says this of whoever is there.
    pub(super) async fn signs_in(&self, browser: &mut Browser, said: Value) -> Page {
        let begun = browser.get("/api/v1/sign-in/oidc/ent").await;
        let claims = self.claims(&begun, said);
        self.hostile.gives(self.signer.signs("ES256", &claims));
        come_back(browser, &begun).await
    }

    /// Who is signed in on this browser.
    pub(super) fn signed_in(&self, browser: &Browser) -> Option<String> {
        signed_in(&self.school, browser)
    }

    /// Why sign-ins were refused so far.
    pub(super) async fn refusals(&self) -> Vec<WhyRefused> {
        refusals(&self.school).await
    }
}

/// Préau with these providers.
pub(super) fn preau(school: &Scene, providers: Vec<Value>) -> Router {
    let provider = |provider| serde_json::from_value::<Provider>(provider).unwrap();
    let providers = providers.into_iter().map(provider).collect();
    let providers = Providers::new(Some(PUBLIC.parse().unwrap()), providers).unwrap();
    let source = Source::Live(school.node.clone());
    router(App::new(source, Tokens::default()).with_providers(providers))
}

/// Comes back from a provider with a code.
pub(super) async fn come_back(browser: &mut Browser, begun: &Page) -> Page {
    let (state, back) = (begun.next_query("state"), begun.next_query("redirect_uri"));
    browser.get(&format!("{back}?code=code&state={state}")).await
}

/// Who is signed in on this browser.
pub(super) fn signed_in(school: &Scene, browser: &Browser) -> Option<String> {
    let token = TokenHash::of(&browser.cookie("__Host-preau")?);
    let session = school.node.access().session(&token, school.clock.now());
    session.map(|session| session.person.to_string())
}

/// Why sign-ins were refused so far.
pub(super) async fn refusals(school: &Scene) -> Vec<WhyRefused> {
    let (from, until) = (school.clock.now() - TimeDelta::days(1), school.clock.now());
    let until = until + TimeDelta::days(1);
    let asked = Asked { about: About::All, from, until, after: 0, max: 1_000 };
    let found = school.node.access().entries(&asked).await.unwrap();
    let why = |noted: &Noted| {
        if let What::SignInRefused { why } = noted.entry.what { Some(why) } else { None }
    };
    found.entries.iter().filter_map(why).collect()
}

/// Notes a number that a person is known by.
pub(super) async fn identify(school: &Scene, person: &str, identifier: Identifier) {
    let person: PersonId = person.parse().unwrap();
    let identify = PersonCommand::IdentifyPerson { identifier };
    let journal = school.node.journal();
    let done = journal.execute::<Person>(person, identify, &act(school)).await.unwrap();
    school.node.reach(done.position).await.unwrap();
}

fn act(school: &Scene) -> Act {
    let command = new_command_id();
    Act::new(SCHOOL.parse::<Uai>().unwrap(), AccountId::PREAU, command, school.clock.now())
}

/// A document with these words in place of its own; null takes one away.
pub(super) fn with(document: &Value, changes: Value) -> Value {
    let (mut document, Value::Object(changes)) = (document.clone(), changes) else {
        return document.clone();
    };
    for (name, value) in changes {
        if value.is_null() {
            document.as_object_mut().unwrap().remove(&name);
        } else {
            document[name] = value;
        }
    }
    document
}

/// An instant as tokens have it.
pub(super) fn at(instant: &str) -> i64 {
    instant.parse::<DateTime<Utc>>().unwrap().timestamp()
}
