//! Clocks that change, jump or stand elsewhere: no storm, no message at night because of a shift.

use serde_json::json;

use super::tilleuls::Tilleuls;

#[tokio::test]
async fn a_clock_that_jumps_a_day_ahead_and_back_sends_each_message_once_at_its_time() {
    let mut school = Tilleuls::new().await;
    let lea = school.lea.clone();
    let details = json!({ "mail": "sophie@example.org", "accepts_sms": false });
    school.guardian("Sophie", ("fr", "first"), &[&lea], details).await;
    school.roll(1, &[&lea]).await;
    school.at("2026-11-21T07:05:00Z").await;
    assert_eq!(school.sent(), [""; 0], "a day later it is too late");
    school.at("2026-11-20T06:05:00Z").await;
    school.at("2026-11-20T07:09:00Z").await;
    assert_eq!(school.sent(), [""; 0], "an hour back it is too early");
    school.at("2026-11-20T07:10:00Z").await;
    school.at("2026-11-20T06:30:00Z").await;
    school.at("2026-11-20T07:12:00Z").await;
    assert_eq!(school.sent().len(), 1);
    let alert = &school.alerts().await[0];
    assert_eq!(alert["call"]["why"], "out-of-time", "asked for once, while it seemed too late");
}
