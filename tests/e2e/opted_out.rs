//! Phones that reply STOP: SNS takes an SMS to them and delivers nothing, so that an organiser sees it before a draw.

use serde_json::json;

use end_to_end_tests::client::phone_of;
use end_to_end_tests::{python, stack};

/// The calls of SNS, from Python: more phones than a page has, one of them checked and opted in again.
const SCRIPT: &str = r#"
import boto3

sns = boto3.client("sns")
first = sns.list_phone_numbers_opted_out()
assert len(first["phoneNumbers"]) == 100, first
second = sns.list_phone_numbers_opted_out(nextToken=first["nextToken"])
assert "nextToken" not in second and len(second["phoneNumbers"]) == 2, second
phone = second["phoneNumbers"][-1]
pages = sns.get_paginator("list_phone_numbers_opted_out").paginate()
assert sum(len(page["phoneNumbers"]) for page in pages) == 102
assert sns.check_if_phone_number_is_opted_out(phoneNumber=phone)["isOptedOut"] is True
assert sns.publish(PhoneNumber=phone, Message="hello")["MessageId"]
sns.opt_in_phone_number(phoneNumber=phone)
assert sns.check_if_phone_number_is_opted_out(phoneNumber=phone)["isOptedOut"] is False
try:
    sns.check_if_phone_number_is_opted_out(phoneNumber="12")
except sns.exceptions.InvalidParameterException as error:
    assert error.response["Error"]["Code"] == "InvalidParameter"
else:
    raise SystemExit("a phone that is none was taken")
print(phone)
"#;

#[tokio::test]
async fn an_organiser_sees_before_a_draw_whom_no_sms_reaches_and_it_reaches_them_not() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let stop = json!({"phone": phone_of("003"), "text": "Stop"});
    assert_eq!(client.post("/local/replies", &stop).await.expect(200), json!({"opted_out": true}));
    let found = client.get("/lotteries/party/opted-out").await.expect(200);
    assert_eq!((&found["people"], &found["complete"]), (&json!(1), &json!(true)), "{found}");
    assert_eq!(found["participants"][0]["phone"], phone_of("003"), "{found}");
    client.anonymous().get("/lotteries/party/opted-out").await.expect(401);
    client.anonymous().post("/local/replies", &stop).await.expect(401);

    let draw = client.run_draw("party", json!({"winners": 10})).await;
    let id = draw["draw_id"].as_str().unwrap();
    let by_sms = client.addressed(id, "sms").await;
    assert!(!by_sms.contains(&phone_of("003")) && by_sms.len() == 9, "{by_sms:?}");
    assert_eq!(client.addressed(id, "email").await.len(), 10, "the e-mail arrives");

    let start = json!({"phone": phone_of("003"), "text": "START"});
    assert_eq!(client.post("/local/replies", &start).await.expect(200), json!({"opted_out": false}));
    client.post("/local/replies", &json!({"phone": "nobody", "text": "STOP"})).await.expect(422);
    client.post("/local/replies", &json!({"phone": 1})).await.expect(422);
}

#[tokio::test]
async fn boto3_lists_checks_and_opts_in_phones_that_have_opted_out() {
    let stack = stack::start().await;
    let client = stack.client();
    for number in 0..102 {
        let stop = json!({"phone": format!("+1202555{number:04}"), "text": "STOP"});
        client.post("/local/replies", &stop).await.expect(200);
    }
    let phone = python::run("python3", stack.aws(), &["-c", SCRIPT]).await;
    assert_eq!(phone.trim(), "+12025550101");
    let inbox = client.get("/local/messages").await.expect(200);
    let by_sms = inbox["messages"].as_array().unwrap().iter().filter(|message| message["channel"] == "sms");
    assert_eq!(by_sms.count(), 0, "{inbox}");
}
