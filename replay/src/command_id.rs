//! The ids of commands: how a request that is sent twice is known to be the same.
//!
//! A caller may name a request with a key of their own (`Idempotency-Key`). The command's id is
//! then computed, a uuid of version 8: its first half from who asks and their key, its second half
//! from what is asked. The same first half with another second half is a key used for two requests.

use aws_lc_rs::digest::{Context, Digest, SHA256};
use domain::{AccountId, CommandId};
use uuid::Uuid;

const HALF_BYTES: usize = 8;
const COMPUTED: usize = 8;

/// The namespace of what requests make.
const MADE: Uuid = Uuid::from_u128(0x6d61_6465_0000_8000_8000_0000_0000_0001);

/// The id of the request that `actor` names `key`. `request` is all that it asks: method, path and
/// body.
pub fn command_id(actor: AccountId, key: &str, request: &[u8]) -> CommandId {
    let who = digest(&[actor.0.as_bytes(), key.as_bytes()]);
    let what = digest(&[request]);
    let mut bytes = [0; 2 * HALF_BYTES];
    bytes[..HALF_BYTES].copy_from_slice(&who.as_ref()[..HALF_BYTES]);
    bytes[HALF_BYTES..].copy_from_slice(&what.as_ref()[..HALF_BYTES]);
    CommandId(Uuid::new_v8(bytes))
}

/// The id of a request that its caller gave no name to.
pub fn new_command_id() -> CommandId {
    CommandId(Uuid::now_v7())
}

/// The id of what a request makes: the same for the same caller's same key, so that a key used for
/// another request finds what the first one made, and is refused there.
pub fn made_by(command: CommandId) -> Uuid {
    let bytes = command.0.as_bytes();
    let keyed = command.0.get_version_num() == COMPUTED;
    Uuid::new_v5(&MADE, if keyed { &bytes[..HALF_BYTES] } else { bytes })
}

/// Whether both were computed from one caller's one key. Ids that were not computed begin with the
/// time, which two requests may share: they never have a key in common.
pub(crate) fn have_one_key(one: CommandId, other: CommandId) -> bool {
    one.0.get_version_num() == COMPUTED
        && one.0.as_bytes()[..HALF_BYTES] == other.0.as_bytes()[..HALF_BYTES]
}

fn digest(parts: &[&[u8]]) -> Digest {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    context.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTOR: AccountId = AccountId(Uuid::from_u128(1));

    #[test]
    fn the_same_request_under_the_same_key_is_the_same_command() {
        let asked = || command_id(ACTOR, "tap-17", b"POST /rollcalls {}");
        assert_eq!(asked(), asked());
        assert_eq!(asked().0.get_version_num(), COMPUTED);
    }

    #[test]
    fn another_request_under_the_same_key_is_told_from_another_key() {
        let first = command_id(ACTOR, "tap-17", b"POST /rollcalls {}");
        let reused = command_id(ACTOR, "tap-17", b"POST /absences {}");
        let other_key = command_id(ACTOR, "tap-18", b"POST /rollcalls {}");
        let other_actor = command_id(AccountId::PREAU, "tap-17", b"POST /rollcalls {}");
        assert!(first != reused && have_one_key(first, reused));
        assert!(!have_one_key(first, other_key));
        assert!(!have_one_key(first, other_actor));
    }

    #[test]
    fn requests_without_a_key_never_share_one() {
        let first = CommandId(Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0001));
        let same_instant = CommandId(Uuid::from_u128(0x0195_0000_0000_7000_8000_0000_0000_0002));
        assert!(!have_one_key(first, same_instant));
    }

    #[test]
    fn a_key_makes_one_thing_and_a_request_without_key_a_new_one() {
        let first = command_id(ACTOR, "tap-17", b"POST /classes 5e A");
        let reused = command_id(ACTOR, "tap-17", b"POST /classes 5e B");
        assert_eq!(made_by(first), made_by(reused));
        assert_ne!(made_by(new_command_id()), made_by(new_command_id()));
    }
}
