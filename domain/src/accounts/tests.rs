//! The rules about accounts, one test each.

use cqrs_es::test::TestFramework;

use super::{span::Relation, *};
use crate::access::Span;

type Accounts = TestFramework<Account>;

#[test]
fn a_code_opens_an_account_once() {
    Accounts::with(())
        .given(vec![issued()])
        .when(AccountCommand::UseActivationCode { at: at("2026-09-01T08:00:00Z") })
        .then_expect_events(vec![AccountEvent::AccountActivated {}]);
    Accounts::with(())
        .given(vec![issued(), AccountEvent::AccountActivated {}])
        .when(AccountCommand::UseActivationCode { at: at("2026-09-01T08:00:01Z") })
        .then_expect_error(AccountError::NotInvited);
}

#[test]
fn a_code_expires() {
    Accounts::with(())
        .given(vec![issued()])
        .when(AccountCommand::UseActivationCode { at: at("2026-10-01T00:00:00Z") })
        .then_expect_error(AccountError::CodeExpired);
}

#[test]
fn whoever_lost_the_password_sets_another_with_a_new_code() {
    Accounts::with(())
        .given(vec![issued(), AccountEvent::AccountActivated {}, issued()])
        .when(AccountCommand::UseActivationCode { at: at("2026-09-02T08:00:00Z") })
        .then_expect_events(vec![AccountEvent::PasswordChanged { reset: true }]);
}

#[test]
fn no_link_with_an_identity_outlives_a_lost_password() {
    let (provider, subject) = ("ent".to_owned(), "lea".to_owned());
    let linked =
        AccountEvent::IdentityLinked { provider: provider.clone(), subject: subject.clone() };
    Accounts::with(())
        .given(vec![issued(), AccountEvent::AccountActivated {}, linked, issued()])
        .when(AccountCommand::UseActivationCode { at: at("2026-09-02T08:00:00Z") })
        .then_expect_events(vec![
            AccountEvent::PasswordChanged { reset: true },
            AccountEvent::IdentityUnlinked { provider, subject },
        ]);
}

#[test]
fn an_account_that_was_never_opened_has_neither_password_nor_second_factor() {
    for command in [AccountCommand::ChangePassword, AccountCommand::EnrolSecondFactor] {
        Accounts::with(())
            .given(vec![issued()])
            .when(command)
            .then_expect_error(AccountError::AccountNotActive);
    }
}

#[test]
fn a_second_factor_is_set_once_and_taken_away_once() {
    let active = vec![issued(), AccountEvent::AccountActivated {}];
    Accounts::with(())
        .given(active.clone())
        .when(AccountCommand::RemoveSecondFactor)
        .then_expect_error(AccountError::SecondFactorNotEnrolled);
    Accounts::with(())
        .given([active, vec![AccountEvent::SecondFactorEnrolled {}]].concat())
        .when(AccountCommand::EnrolSecondFactor)
        .then_expect_error(AccountError::SecondFactorAlreadyEnrolled);
}

#[test]
fn an_auditor_is_mandated_for_a_time_and_by_a_decision() {
    for (until, document) in [(None, Some("2026-114")), (Some("2026-12-31"), None)] {
        Accounts::with(())
            .given_no_previous_events()
            .when(give(Mandate::Auditor, "2026-09-01", until, document))
            .then_expect_error(AccountError::MandateNotDated);
    }
}

#[test]
fn a_mandate_that_has_ended_may_be_given_again() {
    let given = AccountEvent::MandateGiven {
        mandate: Mandate::Administrator,
        school: None,
        from: day("2026-09-01"),
        until: None,
        document: None,
    };
    let ended = AccountEvent::MandateEnded {
        mandate: Mandate::Administrator,
        school: None,
        since: day("2026-09-01"),
        on: day("2026-10-01"),
    };
    Accounts::with(())
        .given(vec![given.clone()])
        .when(give(Mandate::Administrator, "2026-10-02", None, None))
        .then_expect_error(AccountError::AlreadyMandated);
    let again = AccountEvent::MandateGiven {
        mandate: Mandate::Administrator,
        school: None,
        from: day("2026-10-02"),
        until: None,
        document: None,
    };
    Accounts::with(())
        .given(vec![given, ended])
        .when(give(Mandate::Administrator, "2026-10-02", None, None))
        .then_expect_events(vec![again]);
}

#[test]
fn an_account_closes_after_the_last_of_its_relations_and_is_due_three_months_later() {
    let relation = |from, until: Option<&str>| Relation {
        zone: chrono_tz::Europe::Paris,
        span: Span { from: day(from), until: until.map(day) },
    };
    let left =
        [relation("2024-09-01", Some("2026-07-03")), relation("2020-09-01", Some("2024-07-05"))];
    assert!(span::is_open(&left, at("2026-07-03T21:59:59Z")));
    assert!(!span::is_open(&left, at("2026-07-03T22:00:00Z")), "midnight in Strasbourg");
    assert_eq!(span::last_day(&left), Some(day("2026-07-03")));
    assert_eq!(span::due_on(&left), Some(day("2026-10-03")));
    assert_eq!(span::due_on(&[left[0], relation("2026-09-01", None)]), None);
    assert!(!span::is_open(&[], at("2026-07-03T12:00:00Z")));
    assert_eq!(span::due_on(&[]), None);
}

#[test]
fn a_day_of_an_account_ends_at_midnight_of_the_school_that_it_is_of() {
    let span = Span { from: day("2026-08-17"), until: Some(day("2026-12-18")) };
    let reunion = Relation { zone: chrono_tz::Indian::Reunion, span };
    assert!(span::is_open(&[reunion], at("2026-12-18T19:59:59Z")));
    assert!(!span::is_open(&[reunion], at("2026-12-18T20:00:00Z")));
}

fn issued() -> AccountEvent {
    AccountEvent::ActivationCodeIssued {
        expires_at: at("2026-10-01T00:00:00Z"),
        channel: Channel::Letter,
    }
}

fn give(
    mandate: Mandate,
    from: &str,
    until: Option<&str>,
    document: Option<&str>,
) -> AccountCommand {
    let (from, until) = (day(from), until.map(day));
    AccountCommand::GiveMandate {
        mandate,
        school: None,
        from,
        until,
        document: document.map(str::to_owned),
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}
