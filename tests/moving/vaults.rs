//! Keys move too, and what was destroyed comes back nowhere.

use domain::{AccountId, Category, Dossier, PersonId, SchoolYear, Subject};
use replay::{
    Place,
    keys::{self, Copied, Opening, SecretKind, Vault},
    place::KeysUrl,
    seal,
};
use uuid::Uuid;

use super::House;

const ACCOUNT: AccountId = AccountId(Uuid::from_u128(9));

#[tokio::test]
async fn keys_that_move_from_vault_to_vault_open_the_same_and_destroyed_ones_stay_destroyed() {
    let house = House::new();
    let mut stops = house.stops().into_iter();
    let mut here = stops.next().unwrap();
    let vault = open(&here, &house).await;
    let (lives, key) = vault.key_for(dossier(1)).await.unwrap();
    let (gone, _) = vault.key_for(dossier(2)).await.unwrap();
    vault.erase(dossier(2)).await.unwrap();
    // The dossier goes on after its end, under another key.
    let (anew, _) = vault.key_for(dossier(2)).await.unwrap();
    vault.put_secret(ACCOUNT, SecretKind::Password, b"a hash".to_vec()).await.unwrap();
    vault.take_login(PersonId(Uuid::from_u128(9)), "ada.lovelace").await.unwrap();
    drop(vault);
    for there in stops {
        let copied = copy(&house, &here, &there.keys).await.unwrap();
        assert_eq!((copied.keys, copied.destroyed, copied.secrets, copied.logins), (3, 1, 1, 1));
        assert_eq!(copied.written, 5);
        let again = copy(&house, &here, &there.keys).await.unwrap();
        assert_eq!((again.keys, again.written), (3, 0));

        let vault = open(&there, &house).await;
        assert!(matches!(vault.opening(gone).await.unwrap(), Opening::Erased));
        let Opening::Key(moved) = vault.opening(lives).await.unwrap() else { panic!("destroyed") };
        let sealed = seal::seal(&key, b"", b"a word").unwrap();
        assert_eq!(seal::open(&moved, b"", &sealed, &mut Vec::new()), Ok(&b"a word"[..]));
        assert_eq!(vault.key_for(dossier(2)).await.unwrap().0, anew);
        let secret = vault.secret(ACCOUNT, SecretKind::Password).await.unwrap().unwrap();
        assert_eq!(**secret, *b"a hash");
        assert!(vault.person_of_login("ada.lovelace").await.unwrap().is_some());
        here = there;
    }
}

#[tokio::test]
async fn what_is_destroyed_after_a_copy_is_destroyed_in_it_by_the_next() {
    let house = House::new();
    let stops = house.stops();
    for (here, there) in stops.iter().zip(&stops[1..]) {
        let vault = open(here, &house).await;
        let (gone, _) = vault.key_for(dossier(3)).await.unwrap();
        copy(&house, here, &there.keys).await.unwrap();
        vault.erase(dossier(3)).await.unwrap();
        vault.key_for(dossier(3)).await.unwrap();
        let copied = copy(&house, here, &there.keys).await.unwrap();
        assert_eq!(copied.written, 2);
        let copy = open(there, &house).await;
        assert!(matches!(copy.opening(gone).await.unwrap(), Opening::Erased));
    }
}

#[tokio::test]
async fn a_vault_that_is_newer_or_another_is_refused_and_stays_as_it_is() {
    let house = House::new();
    let stops = house.stops();
    let (here, there) = (&stops[0], &stops[1]);
    let vault = open(here, &house).await;
    vault.key_for(dossier(4)).await.unwrap();
    copy(&house, here, &there.keys).await.unwrap();
    let newer = open(there, &house).await;
    newer.erase(dossier(4)).await.unwrap();
    let refused = copy(&house, here, &there.keys).await.unwrap_err();
    assert!(format!("{refused:#}").contains("the other vault is the newer one"), "{refused:#}");

    vault.erase(dossier(4)).await.unwrap();
    let (own, _) = newer.key_for(dossier(5)).await.unwrap();
    vault.key_for(dossier(6)).await.unwrap();
    let refused = copy(&house, here, &there.keys).await.unwrap_err();
    let told = format!("{refused:#}");
    assert!(
        told.starts_with("nothing was copied: the other vault holds keys that this one"),
        "{told}"
    );
    assert!(matches!(newer.opening(own).await.unwrap(), Opening::Key(_)));
}

#[tokio::test]
async fn a_secret_that_was_changed_since_is_not_written_over() {
    let house = House::new();
    let stops = house.stops();
    let (here, there) = (&stops[0], &stops[1]);
    let vault = open(here, &house).await;
    vault.put_secret(ACCOUNT, SecretKind::Password, b"old".to_vec()).await.unwrap();
    copy(&house, here, &there.keys).await.unwrap();
    let newer = open(there, &house).await;
    newer.put_secret(ACCOUNT, SecretKind::Password, b"new".to_vec()).await.unwrap();
    let refused = copy(&house, here, &there.keys).await.unwrap_err();
    assert!(format!("{refused:#}").contains("secrets in another state"), "{refused:#}");
    let secret = newer.secret(ACCOUNT, SecretKind::Password).await.unwrap().unwrap();
    assert_eq!(**secret, *b"new");
}

#[tokio::test]
async fn a_vault_is_not_copied_onto_itself_nor_under_another_master_key() {
    let house = House::new();
    let here = house.place("here");
    open(&here, &house).await.key_for(dossier(7)).await.unwrap();
    let refused = copy(&house, &here, &here.keys).await.unwrap_err();
    assert!(format!("{refused:#}").contains("both are the same vault"), "{refused:#}");

    let (elsewhere, other) = (House::new(), house.place("other"));
    open(&other, &elsewhere).await;
    let refused = copy(&house, &here, &other.keys).await.unwrap_err();
    assert!(format!("{refused:#}").contains("not the master key of this vault"), "{refused:#}");
}

#[tokio::test]
async fn the_keys_of_a_server_that_runs_are_not_copied() {
    let house = House::new();
    let (here, there) = (house.place("here"), house.place("there"));
    let (node, running) = house.start(&here).await;
    let refused = copy(&house, &here, &there.keys).await.unwrap_err();
    assert!(format!("{refused:#}").contains("already open elsewhere"), "{refused:#}");
    node.stop(running).await;
}

async fn open(place: &Place, house: &House) -> Vault {
    std::fs::create_dir_all(&place.folder).unwrap();
    Vault::open(&place.keys, house.master()).await.unwrap()
}

async fn copy(house: &House, from: &Place, to: &KeysUrl) -> anyhow::Result<Copied> {
    keys::copy(from, to, house.master(), &mut |_, _| ()).await
}

fn dossier(who: u128) -> Dossier {
    let subject = Subject::Person(PersonId(Uuid::from_u128(who)));
    Dossier { subject, category: Category::Identity, year: SchoolYear(2026) }
}
