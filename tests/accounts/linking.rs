//! Identities that people link with their account themselves, and unlink.

use serde_json::json;

use super::{
    PASSWORD, activate,
    browser::{Browser, Page},
    ent::{Ent, come_back},
    invite,
};

#[tokio::test]
async fn a_linked_identity_is_unlinked_for_good_until_its_owner_asks_for_it_again() {
    let mut ent = Ent::open(json!({ "claim": "ine", "scheme": "ine" })).await;
    let lea = ent.student("Muller", "Léa").await;
    ent.number(&lea, "060123456AB").await;
    opens(&mut ent, &lea, PASSWORD).await;
    let known = json!({ "ine": "060123456AB" });
    let mut browser = ent.browser();
    ent.signs_in(&mut browser, known.clone()).await;
    let identities = "/api/v1/account/identities";
    let linked = json!([{ "provider": "ent", "linked": true },
        { "provider": "other", "linked": false }]);
    assert_eq!(browser.get(identities).await.json(), linked);

    let own = format!("{identities}/ent");
    let unlinked = browser.write("DELETE", &own).await;
    assert_eq!(unlinked.status, 200, "{}", unlinked.text);
    assert_eq!(browser.write("DELETE", &own).await.refusal(), "422 identity-not-linked");
    let page = ent.signs_in(&mut ent.browser(), known.clone()).await;
    assert_eq!(page.refusal(), "401 identity-unknown", "she did not want it any more");

    assert_eq!(link(&mut browser, &own, "brumes-du-84").await.refusal(), "403 wrong-password");
    let sent = link(&mut browser, &own, PASSWORD).await.json()["location"].clone();
    let begun = Page::sent_to(sent.as_str().unwrap());
    ent.hostile.gives(ent.signer.signs("ES256", &ent.claims(&begun, json!({}))));
    let session = browser.cookie("__Host-preau");
    assert_eq!(come_back(&mut browser, &begun).await.next(), "https://preau.test/api/v1/account");
    assert_eq!(browser.cookie("__Host-preau"), session, "she was signed in, and still is");
    let mut second = ent.browser();
    ent.signs_in(&mut second, json!({})).await;
    assert_eq!(ent.signed_in(&second), Some(lea));
}

#[tokio::test]
async fn a_password_set_anew_by_a_code_unlinks_what_was_linked() {
    let mut ent = Ent::open(json!({ "claim": "ine", "scheme": "ine" })).await;
    let lea = ent.student("Muller", "Léa").await;
    ent.number(&lea, "060123456AB").await;
    opens(&mut ent, &lea, PASSWORD).await;
    let known = json!({ "ine": "060123456AB" });
    ent.signs_in(&mut ent.browser(), known.clone()).await.next();
    opens(&mut ent, &lea, "soirs-du-bord-de-Moder").await;
    let page = ent.signs_in(&mut ent.browser(), known).await;
    assert_eq!(page.refusal(), "401 identity-unknown");
}

#[tokio::test]
async fn an_identity_is_linked_with_one_person_and_by_that_person() {
    let mut ent = Ent::open(json!({ "claim": "ine", "scheme": "ine" })).await;
    let (lea, max) = (ent.student("Muller", "Léa").await, ent.student("Roth", "Max").await);
    ent.number(&lea, "060123456AB").await;
    ent.number(&max, "060123457CD").await;
    opens(&mut ent, &lea, PASSWORD).await;
    opens(&mut ent, &max, PASSWORD).await;
    let (mut of_lea, mut of_max) = (ent.browser(), ent.browser());
    ent.signs_in(&mut of_lea, json!({ "ine": "060123456AB" })).await;
    let of_max_at_the_ent = json!({ "sub": "max-at-the-ent", "ine": "060123457CD" });
    ent.signs_in(&mut of_max, of_max_at_the_ent).await;
    let head = ent.school.head().await;
    let begin = async |browser: &mut Browser| {
        let sent = link(browser, "/api/v1/account/identities/other", PASSWORD).await;
        Page::sent_to(sent.json()["location"].as_str().unwrap())
    };
    let says = |begun: &Page, subject: &str| {
        let claims = ent.claims(begun, json!({ "sub": subject }));
        ent.hostile.gives(ent.signer.signs("ES256", &claims));
    };

    let begun = begin(&mut of_max).await;
    says(&begun, "one-of-the-other");
    come_back(&mut of_max, &begun).await.next();
    assert_eq!(ent.school.head().await, head + 1);
    let begun = begin(&mut of_lea).await;
    says(&begun, "one-of-the-other");
    let refusal = come_back(&mut of_lea, &begun).await.refusal();
    assert_eq!(refusal, "422 identity-taken", "it is Max's");

    let begun = begin(&mut of_lea).await;
    says(&begun, "another-of-the-other");
    of_lea.set_cookie("__Host-preau", &of_max.cookie("__Host-preau").unwrap());
    let refusal = come_back(&mut of_lea, &begun).await.refusal();
    assert_eq!(refusal, "401 sign-in-lost", "another is signed in now");
    assert_eq!(ent.school.head().await, head + 1);

    let foreign = [("sec-fetch-site", "cross-site")];
    let page = of_max.send("POST", "/api/v1/account/identities/ent", &foreign, String::new()).await;
    assert_eq!(page.refusal(), "403 cross-site");
    let page = ent.browser().write("POST", "/api/v1/account/identities/ent").await;
    assert_eq!(page.refusal(), "401 not-signed-in");
}

#[tokio::test]
async fn a_mail_names_nobody_who_signs_in_already_or_is_of_two_schools() {
    let mut ent = Ent::open(json!({ "claim": "email" })).await;
    let (lea, max) = (ent.student("Muller", "Léa").await, ent.student("Roth", "Max").await);
    opens(&mut ent, &lea, PASSWORD).await;
    let other = "/schools/0670002B";
    let opened = json!({ "name": "Lycée des Ormes", "time_zone": "Europe/Paris",
        "department": "67" });
    ent.school.send_to("PUT", other, Some(opened), &[]).await.ok();
    let learns = json!({ "person": max, "from": "2026-09-01" });
    let students = format!("{other}/students");
    ent.school.send_to("POST", &students, Some(learns), &[]).await.ok();
    for (person, mail) in [(&lea, "lea@example.org"), (&max, "max@example.org")] {
        ent.mail(person, mail).await;
        let said = json!({ "email": mail, "email_verified": true });
        let page = ent.signs_in(&mut ent.browser(), said).await;
        assert_eq!(page.refusal(), "401 identity-unknown", "{mail}");
    }
}

/// Opens an account, or sets its password anew, with a code of the school.
async fn opens(ent: &mut Ent, person: &str, password: &str) {
    let invited = invite(&mut ent.school, person).await;
    let opened = activate(&mut ent.school, &invited, password).await;
    assert_eq!(opened.status, "204 No Content");
}

/// Asks from a page of ours to be linked.
async fn link(browser: &mut Browser, url: &str, password: &str) -> Page {
    let password = json!({ "password": password }).to_string();
    browser.send("POST", url, &[("sec-fetch-site", "same-origin")], password).await
}
