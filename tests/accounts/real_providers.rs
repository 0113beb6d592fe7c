//! Sign-ins through providers that are not ours: `oidc-provider` of npm and `django-mama-cas` of Python's
//! index, started here on ports of this machine.
//!
//! `./test` installs them and says where by `PREAU_TEST_OIDC` and `PREAU_TEST_CAS`; without these, the
//! tests say so and pass.

use std::{ffi::OsString, io::Write, process::Stdio};

use chrono::Utc;
use domain::{
    access::WhyRefused,
    people::{Identifier, Scheme},
};
use reqwest::Url;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStdout, Command},
};

use super::{
    browser::{Browser, Page},
    ent::{identify, preau, refusals, signed_in},
};
use crate::scene::Scene;

const CALLBACK: &str = "/api/v1/sign-in/oidc/ent/callback";
const LEA: &str = "lea-at-the-ent";

#[tokio::test]
async fn lea_signs_in_through_a_real_openid_provider() {
    let client = json!({ "client_id": "preau / tests", "client_secret": "a secret: with, signs/",
        "redirect_uris": [format!("https://preau.test{CALLBACK}")],
        "accounts": { LEA: { "ine": "060123456AB", "email": "lea@example.org" }, "max": {} } });
    let Some(real) = Real::start("PREAU_TEST_OIDC", "node", "oidc/provider.mjs", &client).await
    else {
        return;
    };
    let (school, lea) = school_of_lea().await;
    // The provider's clock cannot be set.
    school.clock.set(Utc::now());
    let ent = json!({ "name": "ent", "protocol": "oidc", "url": real.url,
        "client_id": "preau / tests", "client_secret": "a secret: with, signs/", "scopes": ["ine"],
        "links_by": { "claim": "ine", "scheme": "ine" } });
    let router = preau(&school, vec![ent]);

    let mut browser = Browser::new(router.clone());
    let page = through_the_provider(&mut browser, LEA).await;
    assert_eq!(page.next(), "https://preau.test/api/v1/account");
    assert_eq!(signed_in(&school, &browser), Some(lea.clone()));
    let head = school.head().await;
    school.node.reach(head).await.unwrap();

    let mut second = Browser::new(router.clone());
    through_the_provider(&mut second, LEA).await;
    assert_eq!(signed_in(&school, &second), Some(lea), "by the link");

    let mut stranger = Browser::new(router.clone());
    let page = through_the_provider(&mut stranger, "max").await;
    assert_eq!(page.refusal(), "401 identity-unknown");

    let mut thief = Browser::new(router);
    let begun = thief.get("/api/v1/sign-in/oidc/ent").await;
    let (errand, state) = (thief.cookie("__Host-preau-sign-in"), begun.next_query("state"));
    let code = page.url.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let replayed = format!("{CALLBACK}?code={code}&state={state}");
    assert!(errand.is_some());
    assert_eq!(thief.get(&replayed).await.refusal(), "401 identity-refused", "a used code");
    assert_eq!(signed_in(&school, &thief), None);
}

#[tokio::test]
async fn lea_signs_in_through_a_real_cas_server() {
    let users = json!({
        "lea.muller": { "password": "x", "attributes": { "ine": "060123456AB" } },
        "max.roth": { "password": "x", "attributes": { "ine": "069999999ZZ" } } });
    let Some(real) = Real::start("PREAU_TEST_CAS", "python3", "cas/server.py", &users).await else {
        return;
    };
    let (school, lea) = school_of_lea().await;
    let ent = json!({ "name": "ent", "protocol": "cas", "url": real.url,
        "links_by": { "claim": "ine", "scheme": "ine" } });
    let router = preau(&school, vec![ent]);
    let go = "/api/v1/sign-in/cas/ent";

    let mut browser = Browser::new(router.clone());
    let login = browser.get(go).await.next();
    let back = at_the_cas_server(&mut browser, &login, "lea.muller").await;
    let page = browser.get(&back).await;
    assert_eq!(page.next(), "https://preau.test/api/v1/account");
    assert_eq!(signed_in(&school, &browser), Some(lea.clone()));
    school.node.reach(school.head().await).await.unwrap();

    let mut second = Browser::new(router.clone());
    let login = second.get(go).await.next();
    let back = at_the_cas_server(&mut second, &login, "lea.muller").await;
    let errand = second.cookie("__Host-preau-sign-in").unwrap();
    second.get(&back).await;
    assert_eq!(signed_in(&school, &second), Some(lea), "by the link");
    let mut thief = Browser::new(router.clone());
    thief.set_cookie("__Host-preau-sign-in", &errand);
    assert_eq!(thief.get(&back).await.refusal(), "401 identity-refused", "a ticket is used once");

    let mut stranger = Browser::new(router.clone());
    let login = stranger.get(go).await.next();
    let back = at_the_cas_server(&mut stranger, &login, "max.roth").await;
    assert_eq!(stranger.get(&back).await.refusal(), "401 identity-unknown");

    let mut stolen = Browser::new(router);
    let login = stolen.get(go).await.next();
    let elsewhere =
        Url::parse(&login).unwrap().join("login?service=https://other.example/").unwrap();
    let ticket = at_the_cas_server(&mut stolen, elsewhere.as_str(), "lea.muller").await;
    let ticket = query(&Url::parse(&ticket).unwrap(), "ticket");
    let service = Url::parse(&query(&Url::parse(&login).unwrap(), "service")).unwrap();
    let page = stolen.get(&format!("{service}&ticket={ticket}")).await;
    assert_eq!(page.refusal(), "401 identity-refused", "a ticket for another service");
    let refused = [WhyRefused::IdentityRefused; 3];
    assert_eq!(refusals(&school).await, refused);
}

/// A provider in a process of its own, which ends with this.
struct Real {
    url: String,
    _process: Child,
    /// What it goes on to say: nobody reads it, but it would not survive being cut off.
    _words: BufReader<ChildStdout>,
}

impl Real {
    /// Starts a script of the tests, if the packages that it needs are where `variable` says.
    async fn start(variable: &str, program: &str, script: &str, given: &Value) -> Option<Self> {
        let Some(folder): Option<OsString> = std::env::var_os(variable) else {
            let told = writeln!(std::io::stderr(), "{variable} is not set: {script} is not tried");
            told.unwrap();
            return None;
        };
        let script = format!("{}/{script}", env!("CARGO_MANIFEST_DIR"));
        let mut process = Command::new(program)
            .arg(script)
            .args([folder, given.to_string().into()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut url = String::new();
        let mut words = BufReader::new(process.stdout.take().unwrap());
        words.read_line(&mut url).await.unwrap();
        assert!(url.starts_with("http://127.0.0.1:"), "{program} did not start: {url}");
        Some(Self { url: url.trim().to_owned(), _process: process, _words: words })
    }
}

async fn school_of_lea() -> (Scene, String) {
    let mut school = Scene::school().await;
    let lea = school.person("Muller", "Léa", "students").await;
    let ine = Identifier { scheme: Scheme::Ine, school: None, value: "060123456AB".to_owned() };
    identify(&school, &lea, ine).await;
    (school, lea)
}

/// Goes to the OpenID provider, says there who is there, and comes back; the last page is ours.
async fn through_the_provider(browser: &mut Browser, account: &str) -> Page {
    let mut url = browser.get("/api/v1/sign-in/oidc/ent").await.next();
    while !url.starts_with("https://preau.test") {
        url = browser.send("GET", &url, &[("sign-in-as", account)], String::new()).await.next();
    }
    browser.get(&url).await
}

/// Fills the CAS server's form in; where it sends the browser then.
async fn at_the_cas_server(browser: &mut Browser, login: &str, user: &str) -> String {
    let form = browser.get(login).await;
    let action = login.split('?').next().unwrap();
    let token = form.text.split("csrfmiddlewaretoken").nth(1);
    let token = token.and_then(|rest| rest.split('"').nth(2)).unwrap_or_default();
    let service = query(&Url::parse(login).unwrap(), "service");
    let mut filled = Url::parse(action).unwrap();
    filled
        .query_pairs_mut()
        .append_pair("service", &service)
        .append_pair("username", user)
        .append_pair("password", "x")
        .append_pair("csrfmiddlewaretoken", token);
    let body = filled.query().unwrap().to_owned();
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    browser.send("POST", login, &kind, body).await.next()
}

fn query(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned()
}
