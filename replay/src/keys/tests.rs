//! The vault over real files.

use std::{fs, path::Path};

use domain::{Category, PersonId, SchoolYear, Subject};
use futures_util::future::try_join_all;
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;

#[tokio::test]
async fn a_dossier_has_one_key_also_after_a_restart() {
    let folder = folder();
    let vault = open(folder.path()).await;
    let (id, key) = vault.key_for(dossier(1)).await.unwrap();
    assert_eq!(vault.key_for(dossier(1)).await.unwrap().0, id);
    assert_ne!(vault.key_for(dossier(2)).await.unwrap().0, id);

    let again = open(folder.path()).await;
    let (same, again_key) = again.key_for(dossier(1)).await.unwrap();
    assert_eq!((same, again_key.bytes()), (id, key.bytes()));
    let reopened = open(folder.path()).await;
    let opening = reopened.opening(id).await.unwrap();
    assert!(matches!(opening, Opening::Key(opened) if opened.bytes() == key.bytes()));
}

#[tokio::test]
async fn all_who_ask_at_once_get_the_same_key() {
    let folder = folder();
    let vault = open(folder.path()).await;
    let asked = try_join_all((0..200).map(|n| vault.key_for(dossier(n % 50)))).await.unwrap();
    for (n, (id, _)) in asked.iter().enumerate() {
        assert_eq!(*id, asked[n % 50].0);
    }
}

#[tokio::test]
async fn an_erased_key_is_told_from_one_that_never_was() {
    let folder = folder();
    let vault = open(folder.path()).await;
    let (id, _) = vault.key_for(dossier(1)).await.unwrap();
    assert_eq!(vault.erase(dossier(1)).await.unwrap(), Some(id));
    for vault in [vault, open(folder.path()).await] {
        assert!(matches!(vault.opening(id).await, Ok(Opening::Erased)));
        let never = KeyId(Uuid::from_u128(1));
        let unknown = vault.opening(never).await;
        assert!(matches!(unknown, Err(VaultError::UnknownKey(id)) if id == never));
    }
}

#[tokio::test]
async fn a_dossier_that_goes_on_after_its_erasure_gets_a_new_key() {
    let folder = folder();
    let vault = open(folder.path()).await;
    let (old, _) = vault.key_for(dossier(1)).await.unwrap();
    vault.erase(dossier(1)).await.unwrap();
    let (new, _) = vault.key_for(dossier(1)).await.unwrap();
    assert_ne!(old, new);
    assert!(matches!(vault.opening(old).await, Ok(Opening::Erased)));
    assert!(matches!(vault.opening(new).await, Ok(Opening::Key(_))));
}

#[tokio::test]
async fn erasing_again_finds_nothing() {
    let folder = folder();
    let vault = open(folder.path()).await;
    assert_eq!(vault.erase(dossier(1)).await.unwrap(), None);
    vault.key_for(dossier(1)).await.unwrap();
    assert!(vault.erase(dossier(1)).await.unwrap().is_some());
    assert_eq!(vault.erase(dossier(1)).await.unwrap(), None);
}

#[tokio::test]
async fn no_byte_of_a_destroyed_key_is_left_in_the_files() {
    let folder = folder();
    let vault = open(folder.path()).await;
    let (id, _) = vault.key_for(dossier(1)).await.unwrap();
    let wrapped = sqlx::query_scalar("select wrapped from sealing_key where key_id = ?");
    let mut other = connect(folder.path()).await;
    let wrapped: Vec<u8> =
        wrapped.bind(id.0.as_bytes().as_slice()).fetch_one(&mut other).await.unwrap();
    other.close().await.unwrap();
    assert!(holds(folder.path(), &wrapped), "the search finds what is there");
    vault.erase(dossier(1)).await.unwrap();
    assert!(!holds(folder.path(), &wrapped));
}

#[tokio::test]
async fn what_a_slow_reader_read_before_an_erasure_is_not_kept() {
    let folder = folder();
    let vault = open(folder.path()).await;
    let (id, key) = vault.key_for(dossier(1)).await.unwrap();
    let before = vault.shelf.erasures();
    vault.erase(dossier(1)).await.unwrap();
    vault.shelf.put(&[(id, Ok(Opening::Key(key)))], before);
    assert!(matches!(vault.opening(id).await, Ok(Opening::Erased)));
}

#[tokio::test]
async fn a_warm_vault_has_its_keys_at_hand() {
    let folder = folder();
    let (id, _) = open(folder.path()).await.key_for(dossier(1)).await.unwrap();
    let vault = open(folder.path()).await;
    assert!(vault.at_hand(id).is_none());
    vault.warm().await.unwrap();
    assert!(vault.at_hand(id).is_some());
}

#[tokio::test]
async fn another_master_key_does_not_open_the_vault() {
    let folder = folder();
    open(folder.path()).await;
    let other = MasterKey::load_or_create(&folder.path().join("other.key")).unwrap();
    let refused = Vault::open(&KeysUrl::Sqlite(folder.path().into()), other).await;
    assert!(matches!(refused, Err(VaultError::WrongMasterKey)));
}

#[tokio::test]
async fn a_stored_key_that_was_changed_is_damaged_not_erased() {
    let folder = folder();
    let vault = open(folder.path()).await;
    let (id, _) = vault.key_for(dossier(1)).await.unwrap();
    let mut other = connect(folder.path()).await;
    sqlx::query("update sealing_key set wrapped = x'00'").execute(&mut other).await.unwrap();
    let vault = open(folder.path()).await;
    let opening = vault.opening(id).await;
    assert!(matches!(opening, Err(VaultError::Damaged(damaged)) if damaged == id));
    let (damaged, sound) = tokio::join!(vault.key_for(dossier(1)), vault.key_for(dossier(2)));
    assert!(matches!(damaged, Err(VaultError::Damaged(damaged)) if damaged == id));
    assert!(sound.is_ok(), "who asks at the same time is not concerned");
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

async fn open(folder: &Path) -> Vault {
    let master = MasterKey::load_or_create(&folder.join("master.key")).unwrap();
    Vault::open(&KeysUrl::Sqlite(folder.into()), master).await.unwrap()
}

async fn connect(folder: &Path) -> SqliteConnection {
    let file = SqliteConnectOptions::new().filename(folder.join("vault/vault.db"));
    file.connect().await.unwrap()
}

fn dossier(person: u128) -> Dossier {
    let subject = Subject::Person(PersonId(Uuid::from_u128(person)));
    Dossier { subject, category: Category::Identity, year: SchoolYear(2026) }
}

fn holds(folder: &Path, bytes: &[u8]) -> bool {
    fs::read_dir(folder.join("vault")).unwrap().any(|file| {
        let text = fs::read(file.unwrap().path()).unwrap();
        text.windows(bytes.len()).any(|window| window == bytes)
    })
}
