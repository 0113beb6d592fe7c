//! Nothing secret is in any file of a data folder, sealed or not, nor anything that it could be
//! guessed by.

use std::{fs, path::Path};

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;

use super::{PASSWORD, activate, invite, send, sign_in};
use crate::scene::Scene;

#[tokio::test]
async fn no_password_code_or_token_is_in_any_file() {
    let mut scene = Scene::school().await;
    let teacher = scene.person("Perlorron", "Léa", "staff").await;
    let invited = invite(&mut scene, &teacher).await;
    activate(&mut scene, &invited, PASSWORD).await;
    let token = sign_in(&mut scene, "lea.perlorron", PASSWORD).await.ok()["token"].clone();
    let token = token.as_str().unwrap();
    let new = "soirs-du-bord-de-Moder";
    let change = json!({ "current": PASSWORD, "new": new });
    send(&mut scene, "PUT", "/account/password", Some(token), change.clone()).await.ok();
    let offer = json!({ "password": new });
    let offered = send(&mut scene, "POST", "/account/second-factor", Some(token), offer).await.ok();
    let history = scene.node.journal().history(format!("account-{teacher}").parse().unwrap()).await;
    let history = format!("{:?}", history.unwrap());
    let folder = scene.stop().await;

    let code = invited["code"].as_str().unwrap();
    let secret = offered["secret"].as_str().unwrap();
    for secret in [PASSWORD, new, code, &code.replace('-', ""), token, secret, "$argon2id$"] {
        assert!(!holds(folder.path(), secret.as_bytes()), "{secret} is in a file");
        assert!(!history.contains(secret), "{secret} is in an event");
    }
    // An event's envelope bears the id of its command, in clear: it must not be computed from a body
    // that holds a password.
    let request = format!("PUT /api/v1/account/password\n{change}");
    let command = digest(&SHA256, request.as_bytes());
    assert!(
        !holds(folder.path(), &command.as_ref()[1..7]),
        "the digest of a password is in the log"
    );
    assert!(holds(folder.path(), b"ActivationCodeIssued"), "the search finds what is in clear");
}

/// Whether a file in the folder, or below, has these bytes.
fn holds(folder: &Path, word: &[u8]) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, word);
        }
        fs::read(path).unwrap().windows(word.len()).any(|window| window == word)
    })
}
