//! While a draw waits, its organiser changes how long winners have to claim, and ends that they have to.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::browser::{Browser, Reader};
use end_to_end_tests::{eventually, stack};

#[tokio::test]
async fn the_time_to_claim_of_a_draw_that_waits_is_changed_and_taken_away_in_its_form() {
    for reader in [Reader::ENGLISH, Reader::CHINESE] {
        let stack = stack::start().await;
        let client = stack.client();
        client.lottery_of_employees("party").await;
        let closes_at = (Timestamp::now() + SignedDuration::from_hours(1)).to_string();
        let request = json!({"winners": 1, "closes_at": closes_at, "claim_within_seconds": 90});
        let draw = client.start_draw("party", request).await;
        let claims = async |expected: Value| {
            eventually("the time to claim", async || {
                let shown = client.draw("party", &draw).await;
                assert_eq!(shown["status"], "WAITING", "{shown}");
                (shown["claims"]["within_seconds"] == expected).then_some(())
            })
            .await;
        };
        claims(json!(90)).await;

        let browser = Browser::open(stack.api(), reader).await;
        browser.sign_in(stack.token()).await;
        browser.go(&format!("/lotteries/party/draws/{draw}")).await;
        // Ninety seconds are two minutes in the form, which sends nothing as long as nobody changes them.
        let shown = "
            const value = (name) => document.querySelector(`form.waiting [name=${name}]`)?.value;
            return value('claim_unit') && [value('claim_count'), value('claim_unit')]";
        assert_eq!(browser.wait("the form", shown).await, json!(["2", "60"]));
        let choose = "
            const place = document.querySelector(`form.waiting [name=${arguments[0]}]`);
            place.value = arguments[1];
            place.dispatchEvent(new Event('input', { bubbles: true }));
            place.dispatchEvent(new Event('change', { bubbles: true }));";
        for (name, value) in [("claim_count", "3"), ("claim_unit", "3600")] {
            browser.run(choose, json!([name, value])).await;
        }
        browser.screenshot(&format!("waiting-claim-{}", reader.language)).await;
        browser.click("form.waiting [name=change]").await;
        claims(json!(10_800)).await;

        // The form that is shown then starts from the new time; emptied, nobody has to claim.
        browser.go("/").await;
        browser.go(&format!("/lotteries/party/draws/{draw}")).await;
        assert_eq!(browser.wait("the form", shown).await, json!(["3", "3600"]));
        browser.run(choose, json!(["claim_count", ""])).await;
        browser.click("form.waiting [name=change]").await;
        claims(Value::Null).await;
        assert_eq!(client.draw("party", &draw).await["claims"], Value::Null);
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    }
}
