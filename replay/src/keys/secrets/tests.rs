//! Secrets and login names over a real vault.

use std::{fs, path::Path};

use domain::PersonId;
use futures_util::future::{join_all, try_join_all};
use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::{
    keys::{MasterKey, login_of_names},
    place::KeysUrl,
};

const CANARY: &[u8] = b"serinetoile-serinetoile";

#[tokio::test]
async fn a_secret_is_read_again_also_after_a_restart_and_by_readers() {
    let folder = folder();
    let vault = open(folder.path()).await;
    assert!(read(&vault, account(1)).await.is_none());
    vault.put_secret(account(1), SecretKind::Password, b"old".to_vec()).await.unwrap();
    vault.put_secret(account(1), SecretKind::Password, b"new".to_vec()).await.unwrap();
    let reader = Vault::open_to_read(&url(folder.path()), master(folder.path())).await.unwrap();
    for vault in [&vault, &open(folder.path()).await, &reader] {
        assert_eq!(*read(vault, account(1)).await.unwrap(), b"new");
        assert!(read(vault, account(2)).await.is_none());
        let other = vault.secret(account(1), SecretKind::SecondFactor).await.unwrap();
        assert!(other.is_none());
    }
    let refused = reader.put_secret(account(1), SecretKind::Password, b"no".to_vec()).await;
    assert!(matches!(refused, Err(VaultError::Stopped)));
}

#[tokio::test]
async fn a_code_is_taken_once_however_many_ask() {
    let folder = folder();
    let vault = open(folder.path()).await;
    vault.put_secret(account(1), SecretKind::ActivationCode, b"7391".to_vec()).await.unwrap();
    let asked = (0..64).map(|_| vault.take_secret(account(1), SecretKind::ActivationCode));
    let taken: Vec<_> = try_join_all(asked).await.unwrap().into_iter().flatten().collect();
    assert_eq!(taken.len(), 1);
    assert_eq!(*taken[0], b"7391");
}

#[tokio::test]
async fn of_two_who_change_what_they_both_read_one_is_told_no() {
    let folder = folder();
    let vault = open(folder.path()).await;
    let kind = SecretKind::RecoveryCodes;
    assert!(!vault.swap_secret(account(1), kind, b"", b"a".to_vec()).await.unwrap());
    vault.put_secret(account(1), kind, b"a b".to_vec()).await.unwrap();
    let swaps = [b"a", b"b"].map(|left| vault.swap_secret(account(1), kind, b"a b", left.to_vec()));
    let swapped = join_all(swaps).await.into_iter().map(Result::unwrap);
    assert_eq!(swapped.collect::<Vec<_>>(), [true, false]);
    assert_eq!(*vault.secret(account(1), kind).await.unwrap().unwrap(), b"a");
}

#[tokio::test]
async fn a_secret_that_is_moved_to_another_account_or_kind_opens_nothing() {
    let folder = folder();
    let vault = open(folder.path()).await;
    vault.put_secret(account(1), SecretKind::Password, b"hash".to_vec()).await.unwrap();
    let file = SqliteConnectOptions::new().filename(folder.path().join("vault/vault.db"));
    let mut thief = file.connect().await.unwrap();
    let moved = "insert into secret select ?, kind, wrapped from secret";
    sqlx::query(moved).bind(account(2).0.as_bytes().to_vec()).execute(&mut thief).await.unwrap();
    let stolen = vault.secret(account(2), SecretKind::Password).await;
    assert!(matches!(stolen, Err(VaultError::DamagedSecret)));
    let other = "update secret set kind = 'second-factor' where account = ?";
    sqlx::query(other).bind(account(1).0.as_bytes().to_vec()).execute(&mut thief).await.unwrap();
    let stolen = vault.secret(account(1), SecretKind::SecondFactor).await;
    assert!(matches!(stolen, Err(VaultError::DamagedSecret)));
    let swap = vault.swap_secret(account(2), SecretKind::Password, b"hash", b"mine".to_vec());
    let put = vault.put_secret(account(3), SecretKind::Password, b"sound".to_vec());
    let (swap, put) = tokio::join!(swap, put);
    assert!(matches!(swap, Err(VaultError::DamagedSecret)));
    assert!(put.is_ok(), "who asks at the same time is not concerned");
}

#[tokio::test]
async fn nothing_of_a_secret_or_of_a_name_can_be_read_in_the_file() {
    let folder = folder();
    let vault = open(folder.path()).await;
    let login = std::str::from_utf8(CANARY).unwrap();
    vault.put_secret(account(1), SecretKind::Password, CANARY.to_vec()).await.unwrap();
    assert_eq!(vault.take_login(person(1), login).await.unwrap(), login);
    assert!(holds(folder.path(), b"password"), "the search finds what is in clear");
    assert!(!holds(folder.path(), CANARY));
    assert!(!holds(folder.path(), person(1).0.as_bytes()));
}

#[tokio::test]
async fn no_byte_of_what_was_forgotten_is_left_in_the_file() {
    let folder = folder();
    let vault = open(folder.path()).await;
    vault.put_secret(account(1), SecretKind::Password, b"hash".to_vec()).await.unwrap();
    vault.take_login(person(1), "lea.perlorron").await.unwrap();
    let rows = sqlx::query_scalar("select wrapped from secret union select wrapped from login");
    let file = SqliteConnectOptions::new().filename(folder.path().join("vault/vault.db"));
    let mut other = file.connect().await.unwrap();
    let rows: Vec<Vec<u8>> = rows.fetch_all(&mut other).await.unwrap();
    other.close().await.unwrap();
    assert!(rows.len() == 2 && rows.iter().all(|row| holds(folder.path(), row)));
    vault.forget_secrets(account(1)).await.unwrap();
    assert!(!rows.iter().any(|row| holds(folder.path(), row)));
    assert!(read(&vault, account(1)).await.is_none());
    assert_eq!(vault.login_of(account(1)).await.unwrap(), None);
    assert_eq!(vault.take_login(person(2), "lea.perlorron").await.unwrap(), "lea.perlorron");
}

#[tokio::test]
async fn homonyms_are_numbered_and_each_keeps_their_login() {
    let folder = folder();
    let vault = open(folder.path()).await;
    let wish = login_of_names("Léa", "Perlorron");
    let taken = try_join_all((0..3).map(|n| vault.take_login(person(n), &wish))).await.unwrap();
    assert_eq!(taken, ["lea.perlorron", "lea.perlorron2", "lea.perlorron3"]);
    assert_eq!(vault.take_login(person(1), "lea.autre").await.unwrap(), "lea.perlorron2");
    let vault = open(folder.path()).await;
    for (n, login) in (0..3).zip(&taken) {
        assert_eq!(vault.person_of_login(login).await.unwrap(), Some(person(n)));
        assert_eq!(vault.login_of(account(n)).await.unwrap().as_ref(), Some(login));
    }
    let typed = vault.person_of_login(" Léa.PERLORRON2 ").await.unwrap();
    assert_eq!(typed, Some(person(1)));
    assert_eq!(vault.person_of_login("lea.perlorron4").await.unwrap(), None);
}

#[tokio::test]
async fn homonyms_with_a_long_name_are_told_apart_too() {
    let folder = folder();
    let vault = open(folder.path()).await;
    let wish = login_of_names("Anne", &"perlorron-".repeat(10));
    for number in 0..12 {
        let login = vault.take_login(person(number), &wish).await.unwrap();
        assert_eq!(vault.person_of_login(&login).await.unwrap(), Some(person(number)), "{login}");
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn master(folder: &Path) -> MasterKey {
    MasterKey::load_or_create(&folder.join("master.key")).unwrap()
}

async fn open(folder: &Path) -> Vault {
    Vault::open(&url(folder), master(folder)).await.unwrap()
}

async fn read(vault: &Vault, account: AccountId) -> Option<Zeroizing<Vec<u8>>> {
    vault.secret(account, SecretKind::Password).await.unwrap()
}

fn person(number: u128) -> PersonId {
    PersonId(Uuid::from_u128(0x5eed << 96 | number))
}

fn account(number: u128) -> AccountId {
    AccountId::of(person(number))
}

fn holds(folder: &Path, bytes: &[u8]) -> bool {
    fs::read_dir(folder.join("vault")).unwrap().any(|file| {
        let text = fs::read(file.unwrap().path()).unwrap();
        text.windows(bytes.len()).any(|window| window == bytes)
    })
}

fn url(folder: &Path) -> KeysUrl {
    KeysUrl::Sqlite(folder.into())
}
