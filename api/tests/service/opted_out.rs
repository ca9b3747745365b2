//! Who on the list has opted out of SMS: counted, named or masked, and read in bounds.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::support::Service;

const PATH: &str = "/lotteries/party/opted-out";

/// The people on the list.
const PEOPLE: &str = "participant_id,name,phone,email\n\
    101,Rose Tyler,+12025550101,rose@example.com\n\
    102,Martha Jones,+12025550102,\n\
    103,Donna Noble,+12025550103,donna@example.com\n\
    104,Clara Oswald,,clara@example.com\n";

async fn with_people() -> Service {
    let service = Service::with_party().await;
    service.import_csv(PEOPLE).await;
    service
}

fn opt_out(service: &Service, phones: impl IntoIterator<Item = String>) {
    service.aws.script().opted_out = phones.into_iter().collect();
}

async fn read(service: &Service, scope: &str) -> Value {
    let token = service.issuer.token(scope);
    let request = Request::get(PATH).header("authorization", format!("Bearer {token}"));
    service.call(request.body(Body::empty()).unwrap()).await.expect(200).json()
}

fn names(answer: &Value) -> Vec<&str> {
    let people = answer["participants"].as_array().unwrap().iter();
    people.map(|person| person["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn who_has_opted_out_is_named_to_those_who_may_read_and_masked_to_others() {
    let service = with_people().await;
    // Far in the account's list, between the phones of other lotteries.
    let others = (0..250).map(|number| format!("+13035550{number:03}"));
    opt_out(&service, others.chain(["+12025550102", "+12025550101"].map(str::to_owned)));
    let answer = read(&service, "participants:read").await;
    assert_eq!((&answer["people"], &answer["with_email"]), (&json!(2), &json!(1)));
    assert_eq!((&answer["complete"], &answer["masked"]), (&json!(true), &json!(false)));
    assert_eq!(names(&answer), ["Rose Tyler", "Martha Jones"]);
    let masked = read(&service, "participants:write").await;
    assert_eq!((&masked["people"], &masked["masked"]), (&json!(2), &json!(true)));
    assert_eq!(names(&masked), ["R*** T***", "M*** J***"]);
    assert!(!masked.to_string().contains("+1202"), "{masked}");
    assert_eq!(service.get(PATH).await.status, 401);
    service.get_as_organiser("/lotteries/gala/opted-out").await.expect(404);
}

#[tokio::test]
async fn the_accounts_list_is_read_once_a_minute() {
    let service = with_people().await;
    opt_out(&service, ["+12025550103".to_owned()]);
    for _ in 0..3 {
        assert_eq!(read(&service, "participants:read").await["people"], 1);
    }
    let calls = || service.aws.script().calls_of("ListPhoneNumbersOptedOut");
    assert_eq!(calls(), 1);
    opt_out(&service, Vec::new());
    service.wait(61);
    assert_eq!((read(&service, "participants:read").await["people"].clone(), calls()), (json!(0), 2));
}

#[tokio::test]
async fn a_list_without_end_is_read_in_bounds_and_said_to_be_incomplete() {
    let service = with_people().await;
    let others = (0..21_000).map(|number| format!("+1303{number:07}"));
    opt_out(&service, others.chain(["+12025550101".to_owned()]));
    let calls = || service.aws.script().calls_of("ListPhoneNumbersOptedOut");
    for pages in [50, 100, 150, 200, 200] {
        let answer = read(&service, "participants:read").await;
        assert_eq!((&answer["complete"], &answer["people"]), (&json!(false), &json!(0)));
        assert_eq!(calls(), pages);
    }
}

#[tokio::test]
async fn a_throttled_list_is_read_on_by_the_next_request() {
    let service = with_people().await;
    let others = (0..6_000).map(|number| format!("+1303{number:07}"));
    opt_out(&service, others.chain(["+12025550101".to_owned()]));
    let throttle = || service.aws.fail_next("ListPhoneNumbersOptedOut", 400, "Throttled");
    // Before anything is read it is not said that nobody has opted out.
    throttle();
    service.get_as_organiser(PATH).await.expect(503);
    assert_eq!(read(&service, "participants:read").await["complete"], false);
    throttle();
    assert_eq!(read(&service, "participants:read").await["complete"], false);
    let answer = read(&service, "participants:read").await;
    assert_eq!((&answer["complete"], &answer["people"]), (&json!(true), &json!(1)));
}

#[tokio::test]
async fn where_no_sms_are_sent_nothing_is_read() {
    let service = Service::with(|config| config.channels = vec![lottery::Channel::Email]).await;
    service.create_party().await;
    service.import_csv(PEOPLE).await;
    opt_out(&service, ["+12025550101".to_owned()]);
    assert_eq!(read(&service, "participants:read").await["people"], 0);
    assert_eq!(service.aws.script().calls_of("ListPhoneNumbersOptedOut"), 0);
}
