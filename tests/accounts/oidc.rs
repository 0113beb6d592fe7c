//! Signing in through the ENT's OpenID provider: who is recognised, who is not, and what a provider
//! that lies, or does not answer, brings about.

use domain::access::WhyRefused;
use serde_json::{Value, json};

use super::{
    ent::{Ent, at, come_back, with},
    hostile::{CLIENT, CLIENT_SECRET, Signer, Way, signed_with_secret, text, unsigned},
};

const GO: &str = "/api/v1/sign-in/oidc/ent";

#[tokio::test]
async fn a_student_whom_the_ent_names_by_their_national_number_signs_in_and_stays_linked() {
    let mut ent = Ent::open(json!({ "claim": "ine", "scheme": "ine" })).await;
    let lea = ent.student("Muller", "Léa").await;
    ent.number(&lea, "060123456AB").await;
    let head = ent.school.head().await;

    let mut browser = ent.browser();
    let page = ent.signs_in(&mut browser, json!({ "ine": "060123456AB" })).await;
    assert_eq!(page.next(), "https://preau.test/api/v1/account");
    assert_eq!(ent.signed_in(&browser), Some(lea.clone()));
    assert_eq!(browser.cookie("__Host-preau-sign-in"), None, "the errand is done");
    assert_eq!(ent.school.head().await, head + 1, "the link");

    ent.caught_up().await;
    let mut another = ent.browser();
    ent.signs_in(&mut another, json!({})).await;
    assert_eq!(ent.signed_in(&another), Some(lea), "by the link alone");
    assert_eq!(ent.school.head().await, head + 1);
}

#[tokio::test]
async fn a_provider_may_tell_the_number_when_it_is_asked_once_more() {
    let mut ent = Ent::open(json!({ "claim": "ine", "scheme": "ine" })).await;
    let lea = ent.student("Muller", "Léa").await;
    ent.number(&lea, "060123456AB").await;
    let mut browser = ent.browser();
    ent.hostile.informs(json!({ "sub": "someone-else", "ine": "060123456AB" }));
    let page = ent.signs_in(&mut browser, json!({})).await;
    assert_eq!(page.refusal(), "401 identity-refused", "the user info is of somebody else");
    ent.hostile.informs(json!({ "sub": "lea-at-the-ent", "ine": "060123456AB" }));
    ent.signs_in(&mut browser, json!({})).await;
    assert_eq!(ent.signed_in(&browser), Some(lea));
}

#[tokio::test]
async fn whoever_is_not_recognised_is_sent_to_their_school() {
    let mut ent = Ent::open(json!({ "claim": "ine", "scheme": "ine" })).await;
    let lea = ent.student("Muller", "Léa").await;
    ent.number(&lea, "060123456AB").await;
    let head = ent.school.head().await;
    for claims in [json!({}), json!({ "ine": "069999999ZZ" }), json!({ "ine": "" })] {
        let mut browser = ent.browser();
        let page = ent.signs_in(&mut browser, claims).await;
        assert_eq!(page.refusal(), "401 identity-unknown");
        assert_eq!(ent.signed_in(&browser), None);
    }
    assert_eq!(ent.school.head().await, head);
    assert_eq!(ent.refusals().await, [WhyRefused::IdentityRefused; 3]);
}

#[tokio::test]
async fn nobody_signs_in_through_the_ent_once_their_account_is_closed() {
    let mut ent = Ent::open(json!({ "claim": "ine", "scheme": "ine" })).await;
    let lea = ent.student("Muller", "Léa").await;
    ent.number(&lea, "060123456AB").await;
    let mut browser = ent.browser();
    ent.signs_in(&mut browser, json!({ "ine": "060123456AB" })).await;
    let departure = format!("/people/{lea}/departure");
    ent.school.post(&departure, json!({ "on": "2026-11-20" })).await.ok();
    ent.caught_up().await;
    ent.school.now("2026-11-20T22:59:59Z");
    let mut late = ent.browser();
    ent.signs_in(&mut late, json!({ "ine": "060123456AB" })).await;
    assert_eq!(ent.signed_in(&late), Some(lea), "until midnight in Strasbourg");
    ent.school.now("2026-11-20T23:00:00Z");
    let page = ent.signs_in(&mut ent.browser(), json!({ "ine": "060123456AB" })).await;
    assert_eq!(page.refusal(), "401 identity-unknown");
    assert_eq!(ent.refusals().await, [WhyRefused::AccountClosed]);
}

#[tokio::test]
async fn a_verified_mail_recognises_the_one_person_of_a_family_who_has_it() {
    let mut ent = Ent::open(json!({ "claim": "email" })).await;
    let lea = ent.student("Muller", "Léa").await;
    let (max, eva) = (ent.student("Roth", "Max").await, ent.student("Roth", "Eva").await);
    let weber = ent.school.person("Weber", "Anne", "staff").await;
    for (person, mail) in [
        (&lea, "Lea@example.org"),
        (&max, "roth@example.org"),
        (&eva, "roth@example.org"),
        (&weber, "weber@example.org"),
    ] {
        ent.mail(person, mail).await;
    }
    let said = |mail: &str, verified: bool| json!({ "email": mail, "email_verified": verified });
    for (claims, why) in [
        (said("lea@example.org", false), "the ENT has not verified it"),
        (json!({ "email": "lea@example.org" }), "the ENT does not say"),
        (said("roth@example.org", true), "two have it"),
        (said("weber@example.org", true), "the office could give a colleague any address"),
        (said("nobody@example.org", true), "nobody has it"),
    ] {
        let page = ent.signs_in(&mut ent.browser(), claims).await;
        assert_eq!(page.refusal(), "401 identity-unknown", "{why}");
    }
    let mut browser = ent.browser();
    ent.signs_in(&mut browser, said("lea@example.org", true)).await;
    assert_eq!(ent.signed_in(&browser), Some(lea));
}

#[tokio::test]
async fn a_token_that_does_not_hold_opens_nothing() {
    let mut ent = Ent::open(json!({ "claim": "ine", "scheme": "ine" })).await;
    let lea = ent.student("Muller", "Léa").await;
    ent.number(&lea, "060123456AB").await;
    let head = ent.school.head().await;
    let (stranger, rsa) = (Signer::ec("ent-1"), Signer::rsa("ent-2"));
    ent.hostile.publishes(&[&ent.signer, &rsa]);

    let mut forgeries = forged_signatures(&stranger, &rsa);
    forgeries.extend(false_claims());
    for (why, forge) in &forgeries {
        let mut browser = ent.browser();
        let begun = browser.get(GO).await;
        let honest = ent.claims(&begun, json!({ "ine": "060123456AB" }));
        ent.hostile.gives(forge(&ent.signer, &honest));
        let page = come_back(&mut browser, &begun).await;
        assert!([401, 503].contains(&page.status), "{why}: {}", page.status);
        assert_eq!(ent.signed_in(&browser), None, "{why}");
    }
    assert_eq!(ent.school.head().await, head);
    let refusals = ent.refusals().await;
    assert!(refusals.iter().all(|why| *why == WhyRefused::IdentityRefused), "{refusals:?}");
    assert_eq!(refusals.len(), forgeries.len() - 2, "what is no token at all is an outage");
}

#[tokio::test]
async fn a_token_of_the_provider_opens_a_session_in_each_way_of_signing() {
    let mut ent = Ent::open(json!({ "claim": "ine", "scheme": "ine" })).await;
    let lea = ent.student("Muller", "Léa").await;
    ent.number(&lea, "060123456AB").await;
    let rsa = Signer::rsa("ent-2");
    ent.hostile.publishes(&[&ent.signer, &rsa]);
    for (signer, algorithm) in [(&ent.signer, "ES256"), (&rsa, "RS256"), (&rsa, "PS256")] {
        let mut browser = ent.browser();
        let begun = browser.get(GO).await;
        let claims = ent.claims(&begun, json!({ "ine": "060123456AB" }));
        ent.hostile.gives(signer.signs(algorithm, &claims));
        come_back(&mut browser, &begun).await;
        assert_eq!(ent.signed_in(&browser), Some(lea.clone()), "{algorithm}");
    }
}

#[tokio::test]
async fn a_provider_s_clock_may_be_a_minute_from_ours() {
    let mut ent = Ent::open(json!({ "claim": "ine", "scheme": "ine" })).await;
    let lea = ent.student("Muller", "Léa").await;
    ent.number(&lea, "060123456AB").await;
    for times in [
        json!({ "iat": at("2026-11-20T06:59:01Z"), "exp": at("2026-11-20T06:59:01Z") }),
        json!({ "iat": at("2026-11-20T07:00:59Z") }),
    ] {
        let mut browser = ent.browser();
        ent.signs_in(&mut browser, with(&times, json!({ "ine": "060123456AB" }))).await;
        assert_eq!(ent.signed_in(&browser), Some(lea.clone()), "{times}");
    }
}

#[tokio::test]
async fn a_provider_changes_its_keys_and_is_asked_for_them_once_a_minute_at_most() {
    let mut ent = Ent::open(json!({ "claim": "ine", "scheme": "ine" })).await;
    let lea = ent.student("Muller", "Léa").await;
    ent.number(&lea, "060123456AB").await;
    let new = Signer::ec("ent-2");
    let sign_in = async |ent: &Ent| {
        let mut browser = ent.browser();
        let begun = browser.get(GO).await;
        let claims = ent.claims(&begun, json!({ "ine": "060123456AB" }));
        ent.hostile.gives(new.signs("ES256", &claims));
        come_back(&mut browser, &begun).await;
        ent.signed_in(&browser)
    };
    for _ in 0..3 {
        assert_eq!(sign_in(&ent).await, None);
    }
    assert_eq!(ent.hostile.asked("/keys"), 1, "unknown keys do not make us a hammer");
    ent.hostile.publishes(&[&new]);
    assert_eq!(sign_in(&ent).await, None, "not yet a minute");
    ent.school.now("2026-11-20T07:01:00Z");
    assert_eq!(sign_in(&ent).await, Some(lea));
    assert_eq!(ent.hostile.asked("/keys"), 2);
}

#[tokio::test]
async fn only_the_browser_that_began_a_sign_in_ends_it_once_and_within_ten_minutes() {
    let mut ent = Ent::open(json!({ "claim": "ine", "scheme": "ine" })).await;
    let lea = ent.student("Muller", "Léa").await;
    ent.number(&lea, "060123456AB").await;
    let begin = async |ent: &Ent| {
        let mut browser = ent.browser();
        let begun = browser.get(GO).await;
        let claims = ent.claims(&begun, json!({ "ine": "060123456AB" }));
        ent.hostile.gives(ent.signer.signs("ES256", &claims));
        (browser, begun)
    };
    let cookie = "__Host-preau-sign-in";
    let lost = "401 sign-in-lost";

    let (_, begun) = begin(&ent).await;
    let mut victim = ent.browser();
    assert_eq!(come_back(&mut victim, &begun).await.refusal(), lost, "it began elsewhere");

    let forged = format!("{GO}/callback?code=code&state=another");
    for _ in 0..100 {
        assert_eq!(victim.get(&forged).await.refusal(), lost, "sent there by another's page");
    }
    assert_eq!(ent.refusals().await.len(), 60, "what anybody can cause fills no log");
    let (mut browser, _) = begin(&ent).await;
    assert_eq!(browser.get(&forged).await.refusal(), lost, "another state");

    let (mut browser, begun) = begin(&ent).await;
    let sealed = browser.cookie(cookie).unwrap();
    let other = if sealed.ends_with('A') { 'B' } else { 'A' };
    browser.set_cookie(cookie, &format!("{}{other}", &sealed[..sealed.len() - 1]));
    assert_eq!(come_back(&mut browser, &begun).await.refusal(), lost, "a changed cookie");

    let (mut browser, begun) = begin(&ent).await;
    let state = begun.next_query("state");
    let elsewhere = format!("/api/v1/sign-in/oidc/other/callback?code=code&state={state}");
    assert_eq!(browser.get(&elsewhere).await.refusal(), lost, "another provider");

    let (mut browser, begun) = begin(&ent).await;
    let mixed =
        format!("{GO}/callback?code=c&state={}&iss=https://other", begun.next_query("state"));
    assert_eq!(
        browser.get(&mixed).await.refusal(),
        "401 identity-refused",
        "another issuer's code"
    );

    let (mut browser, begun) = begin(&ent).await;
    ent.school.now("2026-11-20T07:10:00Z");
    assert_eq!(come_back(&mut browser, &begun).await.refusal(), lost, "ten minutes later");
    ent.school.now("2026-11-20T07:00:00Z");

    let (mut browser, begun) = begin(&ent).await;
    come_back(&mut browser, &begun).await;
    assert_eq!(ent.signed_in(&browser), Some(lea));
    assert_eq!(come_back(&mut browser, &begun).await.refusal(), lost, "a second time");
}

#[tokio::test]
async fn a_provider_that_fails_is_an_outage_and_no_sign_in() {
    let mut ent = Ent::open(json!({ "claim": "ine", "scheme": "ine" })).await;
    let lea = ent.student("Muller", "Léa").await;
    ent.number(&lea, "060123456AB").await;
    let unreachable = "503 provider-unreachable";
    for way in [Way::Broken, Way::Endless, Way::Elsewhere, Way::Silent] {
        ent.hostile.answers(way);
        assert_eq!(ent.browser().get(GO).await.refusal(), unreachable, "before going there");
    }
    ent.hostile.answers(Way::Told);
    for way in [Way::Broken, Way::Endless, Way::Elsewhere] {
        let mut browser = ent.browser();
        let begun = browser.get(GO).await;
        ent.hostile.answers(way);
        assert_eq!(come_back(&mut browser, &begun).await.refusal(), unreachable, "coming back");
        ent.hostile.answers(Way::Told);
    }
    assert_eq!(ent.hostile.asked("/.well-known/moved"), 0, "nobody is sent elsewhere");
    let mut browser = ent.browser();
    ent.signs_in(&mut browser, json!({ "ine": "060123456AB" })).await;
    assert_eq!(ent.signed_in(&browser), Some(lea), "afterwards all is well");
}

#[tokio::test]
async fn a_provider_cannot_name_addresses_without_tls_or_another_issuer() {
    let ent = Ent::open(json!({ "claim": "ine", "scheme": "ine" })).await;
    for metadata in [
        json!({ "issuer": "https://other.example" }),
        json!({ "authorization_endpoint": "http://ent.example/authorize" }),
        json!({ "jwks_uri": "http://192.0.2.1/keys" }),
        json!({ "jwks_uri": "file:///etc/passwd" }),
    ] {
        ent.hostile.claims_of_itself(metadata.clone());
        let refusal = ent.browser().get(GO).await.refusal();
        assert_eq!(refusal, "503 provider-unreachable", "{metadata}");
    }
}

#[tokio::test]
async fn a_provider_that_nobody_named_is_not_there() {
    let ent = Ent::open(Value::Null).await;
    for path in ["oidc/unknown", "cas/ent", "saml/ent", "oidc/unknown/callback", "oidc/ENT"] {
        let page = ent.browser().get(&format!("/api/v1/sign-in/{path}")).await;
        assert_eq!(page.refusal(), "404 unknown-provider", "{path}");
    }
}

#[tokio::test]
async fn an_account_with_a_second_factor_is_opened_by_a_provider_that_asked_for_one() {
    let mut ent = Ent::open(json!({ "claim": "ine", "scheme": "ine" })).await;
    let lea = ent.student("Muller", "Léa").await;
    ent.number(&lea, "060123456AB").await;
    let known = json!({ "ine": "060123456AB" });
    ent.signs_in(&mut ent.browser(), known.clone()).await;
    ent.second_factor(&lea).await;

    let with_amr = |amr: Value| with(&known, json!({ "amr": amr }));
    for said in [known.clone(), with_amr(json!(["pwd"])), with_amr(json!(["pwd", "otp"]))] {
        let page = ent.signs_in(&mut ent.browser(), said).await;
        assert_eq!(page.refusal(), "401 second-factor-of-provider");
    }
    let mut browser = ent.browser();
    ent.signs_in(&mut browser, with_amr(json!(["pwd", "mfa"]))).await;
    assert_eq!(ent.signed_in(&browser), Some(lea));
    let sessions = browser.get("/api/v1/account/sessions").await.json();
    let told = sessions.as_array().unwrap().iter().find(|one| one["current"] == json!(true));
    let told = told.unwrap();
    assert_eq!((&told["means"], &told["second_factor"]), (&json!("open-id"), &json!(true)));
    assert_eq!(ent.refusals().await, [WhyRefused::WrongSecondFactor; 3]);
}

#[tokio::test]
async fn a_session_lasts_as_long_as_the_device_that_was_named() {
    let mut ent = Ent::open(json!({ "claim": "ine", "scheme": "ine" })).await;
    let lea = ent.student("Muller", "Léa").await;
    ent.number(&lea, "060123456AB").await;
    let mut lasts = Vec::new();
    for device in ["", "?device=shared", "?device=own"] {
        let mut browser = ent.browser();
        let begun = browser.get(&format!("{GO}{device}")).await;
        let claims = ent.claims(&begun, json!({ "ine": "060123456AB" }));
        ent.hostile.gives(ent.signer.signs("ES256", &claims));
        let page = come_back(&mut browser, &begun).await;
        let cookies = page.headers.get_all("set-cookie").iter();
        let session = cookies.map(|cookie| cookie.to_str().unwrap().to_owned());
        let session = session.into_iter().find(|cookie| cookie.starts_with("__Host-preau="));
        lasts.push(session.unwrap().split_once("; ").unwrap().1.to_owned());
    }
    insta::assert_json_snapshot!(lasts, @r#"
    [
      "Path=/; Secure; HttpOnly; SameSite=Lax",
      "Path=/; Secure; HttpOnly; SameSite=Lax",
      "Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=7776000"
    ]
    "#);
}

/// What is not signed as the provider signs.
fn forged_signatures<'f>(
    stranger: &'f Signer,
    rsa: &'f Signer,
) -> Vec<(&'f str, Box<Forgery<'f>>)> {
    vec![
        (
            "no signature",
            Box::new(|_, claims| format!("{}.", unsigned(&json!({ "alg": "none" }), claims))),
        ),
        (
            "the client's secret",
            Box::new(|_, claims| {
                signed_with_secret(CLIENT_SECRET.as_bytes(), &json!({ "alg": "HS256" }), claims)
            }),
        ),
        (
            "a public key as a secret",
            Box::new(|_, claims| {
                let head = json!({ "alg": "HS256", "kid": "ent-2" });
                signed_with_secret(&rsa.public_pem(), &head, claims)
            }),
        ),
        (
            "a stranger's key under a known name",
            Box::new(|_, claims| stranger.signs("ES256", claims)),
        ),
        (
            "a key that the token brings along",
            Box::new(|_, claims| {
                let head = json!({ "alg": "ES256", "jwk": stranger.public() });
                stranger.signs_as(&head, claims)
            }),
        ),
        (
            "a key of another kind",
            Box::new(|signer, claims| {
                signer.signs_as(&json!({ "alg": "RS256", "kid": "ent-1" }), claims)
            }),
        ),
        (
            "claims changed after signing",
            Box::new(|signer, claims| {
                let token = signer.signs("ES256", &with(claims, json!({ "sub": "someone" })));
                let parts: Vec<&str> = token.split('.').collect();
                format!("{}.{}.{}", parts[0], text(claims.to_string().as_bytes()), parts[2])
            }),
        ),
        (
            "a header that must be understood",
            Box::new(|signer, claims| {
                let head = json!({ "alg": "ES256", "kid": "ent-1", "crit": ["b64"], "b64": false });
                signer.signs_as(&head, claims)
            }),
        ),
    ]
}

/// What the provider signs, and should not be believed.
fn false_claims() -> Vec<(&'static str, Box<Forgery<'static>>)> {
    vec![
        ("another audience", changed(json!({ "aud": "another-client" }))),
        ("an audience beside us", changed(json!({ "aud": [CLIENT, "another-client"] }))),
        ("another party", changed(json!({ "azp": "another-client" }))),
        ("another issuer", changed(json!({ "iss": "https://other.example" }))),
        ("another sign-in", changed(json!({ "nonce": "another" }))),
        ("no sign-in", changed(json!({ "nonce": null }))),
        ("expired", changed(json!({ "exp": at("2026-11-20T06:58:59Z") }))),
        ("from before the sign-in", changed(json!({ "iat": at("2026-11-20T06:58:59Z") }))),
        ("from the future", changed(json!({ "iat": at("2026-11-20T07:01:01Z") }))),
        ("another access token", changed(json!({ "at_hash": text(&[7; 16]) }))),
        ("a name with a line in it", changed(json!({ "sub": "lea\nmax" }))),
        ("no name", changed(json!({ "sub": "" }))),
        ("no token at all", Box::new(|_, _| String::new())),
        ("no token, but words", Box::new(|_, _| "let me in".to_owned())),
    ]
}

type Forgery<'f> = dyn Fn(&Signer, &Value) -> String + Send + Sync + 'f;

fn changed(change: Value) -> Box<Forgery<'static>> {
    Box::new(move |signer, claims| signer.signs("ES256", &with(claims, change.clone())))
}
