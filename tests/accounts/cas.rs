//! Signing in through a CAS server that lies, or does not answer. A real one is in
//! [`super::real_providers`].

use std::sync::{Arc, Mutex};

use axum::{Router, extract::State, http::Uri};
use domain::{
    access::WhyRefused,
    people::{Identifier, Scheme},
};
use serde_json::json;
use tokio::net::TcpListener;

use super::{
    browser::{Browser, Page},
    ent::{identify, preau, refusals, signed_in},
};
use crate::scene::{SCHOOL, Scene};

const GO: &str = "/api/v1/sign-in/cas/ent";

#[tokio::test]
async fn a_teacher_whom_the_cas_server_names_by_their_number_in_the_school_signs_in() {
    let cas = Cas::open().await;
    let mut browser = cas.browser();
    let begun = browser.get(GO).await;
    let service = begun.next_query("service");
    let state = service.split("state=").nth(1).unwrap().to_owned();
    assert_eq!(service, format!("https://preau.test{GO}/callback?state={state}"));
    assert!(begun.next().starts_with(&format!("{}/cas/login?service=", cas.url)));

    cas.says(&success("anne.weber", "<cas:sts>4321</cas:sts><cas:uai>0670001A</cas:uai>"));
    let page = come_back(&mut browser, &begun).await;
    assert_eq!(page.next(), "https://preau.test/api/v1/account");
    assert_eq!(cas.signed_in(&browser), Some(cas.weber.clone()));
    let asked = cas.told.lock().unwrap().asked.clone();
    let asked: Vec<String> =
        asked.iter().map(|url| url.to_string().replace(&state, "STATE")).collect();
    insta::assert_json_snapshot!(asked, @r#"
    [
      "/cas/p3/serviceValidate?service=https%3A%2F%2Fpreau.test%2Fapi%2Fv1%2Fsign-in%2Fcas%2Fent%2Fcallback%3Fstate%3DSTATE&ticket=ST-1-abc&format=XML"
    ]
    "#);
}

#[tokio::test]
async fn the_answer_of_a_cas_server_is_read_whole_or_not_at_all() {
    let cas = Cas::open().await;
    let said = "<cas:sts>4321</cas:sts><cas:uai>0670001A</cas:uai>";
    let honest = success("anne.weber", said);
    let deep = format!("{}{}", "<cas:a>".repeat(9), "</cas:a>".repeat(9));
    let bomb = format!("<!DOCTYPE x [<!ENTITY a \"{}\">]>{honest}", "anne".repeat(9));
    let refused = "401 identity-refused";
    let outage = "503 provider-unreachable";
    for (answer, outcome, why) in [
        (failure("INVALID_TICKET"), refused, "the server knows no such ticket"),
        (honest.replace("</cas:user>", "</cas:user><cas:proxies/>"), refused, "got by a proxy"),
        (bomb, outage, "a document type"),
        (honest.replace("anne", "&anne;"), outage, "an entity"),
        (honest.replace("anne", "an<!-- -->ne"), outage, "a comment in a name"),
        (honest.replace("anne", "an<?x?>ne"), outage, "an instruction in a name"),
        (honest.replace("<cas:user>", "<cas:user>max</cas:user><cas:user>"), outage, "two names"),
        (honest.replace("anne.weber", ""), refused, "nobody"),
        (honest.replace("http://www.yale.edu/tp/cas", "urn:other"), outage, "another namespace"),
        (honest.replace("<cas:user>", &format!("{deep}<cas:user>")), outage, "too deep"),
        (honest[..honest.len() - 4].to_owned(), outage, "cut short"),
        (honest.replace("cas:user>", "cas:name>"), outage, "no name"),
        (format!("{honest}{}", " ".repeat(300_000)), outage, "too long"),
        ("yes\nanne.weber\n".to_owned(), outage, "an older protocol"),
        (String::new(), outage, "nothing"),
    ] {
        cas.says(&answer);
        let mut browser = cas.browser();
        let begun = browser.get(GO).await;
        assert_eq!(come_back(&mut browser, &begun).await.refusal(), outcome, "{why}");
        assert_eq!(cas.signed_in(&browser), None, "{why}");
    }
    let notes = refusals(&cas.school).await;
    assert_eq!(notes, [WhyRefused::IdentityRefused; 3]);
}

#[tokio::test]
async fn a_number_of_another_school_is_another_number() {
    let cas = Cas::open().await;
    for said in [
        "<cas:sts>4321</cas:sts><cas:uai>0670002B</cas:uai>",
        "<cas:sts>4321</cas:sts>",
        "<cas:sts>4321</cas:sts><cas:sts>9</cas:sts><cas:uai>0670001A</cas:uai>",
        "<other:sts xmlns:other=\"urn:other\">4321</other:sts><cas:uai>0670001A</cas:uai>",
    ] {
        cas.says(&success("anne.weber", said));
        let mut browser = cas.browser();
        let begun = browser.get(GO).await;
        assert_eq!(come_back(&mut browser, &begun).await.refusal(), "401 identity-unknown");
    }
}

#[tokio::test]
async fn a_ticket_is_shown_only_by_the_browser_that_went_for_it() {
    let cas = Cas::open().await;
    cas.says(&success("anne.weber", "<cas:sts>4321</cas:sts><cas:uai>0670001A</cas:uai>"));
    let begun = cas.browser().get(GO).await;
    let mut victim = cas.browser();
    assert_eq!(come_back(&mut victim, &begun).await.refusal(), "401 sign-in-lost");
    victim.get(GO).await;
    assert_eq!(come_back(&mut victim, &begun).await.refusal(), "401 sign-in-lost");
    assert_eq!(cas.told.lock().unwrap().asked.len(), 0, "the server was not asked");
}

#[tokio::test]
async fn a_cas_server_that_is_not_there_is_an_outage() {
    let school = Scene::school().await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let ent = json!({ "name": "ent", "protocol": "cas", "url": format!("http://{closed}") });
    let mut browser = Browser::new(preau(&school, vec![ent]));
    let begun = browser.get(GO).await;
    assert_eq!(come_back(&mut browser, &begun).await.refusal(), "503 provider-unreachable");
}

/// A school, and a CAS server that answers what it is told.
struct Cas {
    school: Scene,
    weber: String,
    url: String,
    told: Arc<Mutex<Told>>,
    router: Router,
}

#[derive(Default)]
struct Told {
    answer: String,
    asked: Vec<Uri>,
}

impl Cas {
    async fn open() -> Self {
        let mut school = Scene::school().await;
        let weber = school.person("Weber", "Anne", "staff").await;
        let school_of = Some(SCHOOL.parse().unwrap());
        let (scheme, value) = (Scheme::StsEpp, "4321".to_owned());
        identify(&school, &weber, Identifier { scheme, school: school_of, value }).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let told = Arc::<Mutex<Told>>::default();
        let server = Router::new().fallback(answer).with_state(Arc::clone(&told));
        tokio::spawn(axum::serve(listener, server).into_future());
        let ent = json!({ "name": "ent", "protocol": "cas", "url": format!("{url}/cas"),
            "links_by": { "claim": "sts", "scheme": "sts-epp", "school_claim": "uai" } });
        let router = preau(&school, vec![ent]);
        Self { school, weber, url, told, router }
    }

    fn browser(&self) -> Browser {
        Browser::new(self.router.clone())
    }

    fn says(&self, answer: &str) {
        answer.clone_into(&mut self.told.lock().unwrap().answer);
    }

    fn signed_in(&self, browser: &Browser) -> Option<String> {
        signed_in(&self.school, browser)
    }
}

async fn answer(State(told): State<Arc<Mutex<Told>>>, uri: Uri) -> String {
    let mut told = told.lock().unwrap();
    told.asked.push(uri);
    told.answer.clone()
}

async fn come_back(browser: &mut Browser, begun: &Page) -> Page {
    let service = begun.next_query("service");
    browser.get(&format!("{service}&ticket=ST-1-abc")).await
}

fn success(user: &str, attributes: &str) -> String {
    format!(
        "<cas:serviceResponse xmlns:cas=\"http://www.yale.edu/tp/cas\">\
         <cas:authenticationSuccess><cas:user>{user}</cas:user>\
         <cas:attributes>{attributes}</cas:attributes>\
         </cas:authenticationSuccess></cas:serviceResponse>"
    )
}

fn failure(code: &str) -> String {
    format!(
        "<cas:serviceResponse xmlns:cas=\"http://www.yale.edu/tp/cas\">\
         <cas:authenticationFailure code=\"{code}\">no</cas:authenticationFailure>\
         </cas:serviceResponse>"
    )
}
