//! The local SNS through the SDK that the tasks use.

use std::sync::Arc;

use aws_sdk_sns::Client;
use aws_sdk_sns::error::ProvideErrorMetadata;
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry, Tag};

use super::{InboxMessage, InboxQuery};
use crate::Confirmation;
use crate::aws::{Endpoint, in_memory, sdk_config};

struct Fixture {
    endpoint: Arc<Endpoint>,
    client: Client,
}

impl Fixture {
    fn new(confirmation: Confirmation, refused: &[&str]) -> Fixture {
        let endpoint = in_memory(confirmation, refused);
        let client = Client::new(&sdk_config(&endpoint, "test"));
        Fixture { endpoint, client }
    }

    async fn topic(&self) -> String {
        self.client.create_topic().name("party").send().await.unwrap().topic_arn.unwrap()
    }

    async fn subscribe(&self, topic: &str, address: &str, policy: Option<&str>) -> String {
        self.client
            .subscribe()
            .topic_arn(topic)
            .protocol("email")
            .endpoint(address)
            .set_attributes(policy.map(|policy| [("FilterPolicy".to_owned(), policy.to_owned())].into()))
            .return_subscription_arn(true)
            .send()
            .await
            .unwrap()
            .subscription_arn
            .unwrap()
    }

    /// What has been delivered, but for requests to confirm a subscription.
    async fn inbox(&self) -> Vec<InboxMessage> {
        self.messages(InboxQuery { limit: 1000, ..InboxQuery::default() }).await
    }

    async fn messages(&self, query: InboxQuery) -> Vec<InboxMessage> {
        let all = self.endpoint.sns.call(move |sns| sns.messages(&query)).await.unwrap().unwrap();
        all.into_iter().filter(|it| it.subject.as_deref() != Some(CONFIRMATION)).collect()
    }
}

const CONFIRMATION: &str = "AWS Notification - Subscription Confirmation";

fn string(value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder().data_type("String").string_value(value).build().unwrap()
}

#[tokio::test]
async fn an_sms_is_in_the_inbox_with_its_attributes() {
    let fixture = Fixture::new(Confirmation::ByItself, &[]);
    let sent = fixture
        .client
        .publish()
        .phone_number("+15550100")
        .message("You won & <more>")
        .message_attributes("AWS.SNS.SMS.SMSType", string("Transactional"))
        .message_attributes("draw_id", string("d1"))
        .send()
        .await
        .unwrap();
    let inbox = fixture.inbox().await;
    assert_eq!(inbox.len(), 1);
    assert_eq!((inbox[0].channel.as_str(), inbox[0].address.as_str()), ("sms", "+15550100"));
    assert_eq!(inbox[0].text, "You won & <more>");
    assert_eq!(inbox[0].attributes["draw_id"], "d1");
    assert_eq!(Some(inbox[0].message_id.as_str()), sent.message_id());
    for (draw, count) in [("d1", 1), ("d2", 0)] {
        let query =
            InboxQuery { attribute: Some(("draw_id", draw.to_owned())), limit: 10, ..InboxQuery::default() };
        assert_eq!(fixture.messages(query).await.len(), count);
    }
}

#[tokio::test]
async fn a_topic_reaches_those_whose_policy_wants_the_message() {
    let fixture = Fixture::new(Confirmation::ByItself, &[]);
    let topic = fixture.topic().await;
    fixture.subscribe(&topic, "rose@example.com", Some(r#"{"audience": ["everyone", "l1"]}"#)).await;
    fixture.subscribe(&topic, "bob@example.com", Some(r#"{"audience": ["everyone", "l2"]}"#)).await;
    fixture.subscribe(&topic, "office@example.com", None).await;
    let publish = |audience: &'static str| {
        let publish = fixture.client.publish().topic_arn(&topic).subject("Result").message(audience);
        publish.message_attributes("audience", string(audience)).send()
    };
    publish("l2").await.unwrap();
    publish("everyone").await.unwrap();
    let reached: Vec<(String, String)> =
        fixture.inbox().await.into_iter().map(|message| (message.text, message.address)).collect();
    let expected = [
        ("l2", "bob@example.com"),
        ("l2", "office@example.com"),
        ("everyone", "rose@example.com"),
        ("everyone", "bob@example.com"),
        ("everyone", "office@example.com"),
    ];
    assert_eq!(reached, expected.map(|(text, address)| (text.to_owned(), address.to_owned())));
}

#[tokio::test]
async fn the_same_subscription_has_the_same_arn_and_other_attributes_are_refused() {
    let fixture = Fixture::new(Confirmation::ByItself, &[]);
    let topic = fixture.topic().await;
    assert_eq!(fixture.topic().await, topic);
    let policy = r#"{"audience": ["l1"]}"#;
    let arn = fixture.subscribe(&topic, "rose@example.com", Some(policy)).await;
    assert_eq!(fixture.subscribe(&topic, "rose@example.com", Some(policy)).await, arn);
    let other = fixture.client.subscribe().topic_arn(&topic).protocol("email").endpoint("rose@example.com");
    let error = other.send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameter"));
    assert!(error.message().unwrap().ends_with("Subscription already exists with different attributes"));
}

#[tokio::test]
async fn a_subscription_by_token_gets_nothing_before_it_is_confirmed() {
    let fixture = Fixture::new(Confirmation::ByToken, &[]);
    let topic = fixture.topic().await;
    let arn = fixture.subscribe(&topic, "rose@example.com", None).await;
    let attributes = async || {
        let get = fixture.client.get_subscription_attributes().subscription_arn(&arn);
        get.send().await.unwrap().attributes.unwrap()
    };
    assert_eq!(attributes().await["PendingConfirmation"], "true");
    fixture.client.publish().topic_arn(&topic).message("early").send().await.unwrap();
    assert!(fixture.inbox().await.is_empty());

    let query =
        InboxQuery { address: Some("rose@example.com".to_owned()), limit: 1, ..InboxQuery::default() };
    let request = fixture.endpoint.sns.call(move |sns| sns.messages(&query)).await.unwrap().unwrap();
    let token = request[0].text.rsplit_once(": ").unwrap().1.trim().to_owned();
    let confirm = |token: &str| fixture.client.confirm_subscription().topic_arn(&topic).token(token).send();
    assert_eq!(confirm("wrong").await.unwrap_err().code(), Some("InvalidParameter"));
    assert_eq!(confirm(&token).await.unwrap().subscription_arn.unwrap(), arn);
    assert_eq!(attributes().await["PendingConfirmation"], "false");
    fixture.client.publish().topic_arn(&topic).message("late").send().await.unwrap();
    assert_eq!(fixture.inbox().await.len(), 1);
}

#[tokio::test]
async fn an_ended_subscription_gets_nothing_and_is_not_listed() {
    let fixture = Fixture::new(Confirmation::ByItself, &[]);
    let topic = fixture.topic().await;
    let arn = fixture.subscribe(&topic, "rose@example.com", None).await;
    let listed = async || {
        let list = fixture.client.list_subscriptions_by_topic().topic_arn(&topic);
        list.send().await.unwrap().subscriptions.unwrap_or_default()
    };
    assert_eq!(listed().await[0].subscription_arn(), Some(arn.as_str()));
    for _ in 0..2 {
        fixture.client.unsubscribe().subscription_arn(&arn).send().await.unwrap();
    }
    assert!(listed().await.is_empty());
    let error = fixture.client.get_subscription_attributes().subscription_arn(&arn).send().await.unwrap_err();
    assert_eq!(error.code(), Some("NotFound"));
    fixture.client.publish().topic_arn(&topic).message("x").send().await.unwrap();
    assert!(fixture.inbox().await.is_empty());
}

#[tokio::test]
async fn long_lists_come_in_pages() {
    let fixture = Fixture::new(Confirmation::ByItself, &[]);
    for number in 0..101 {
        fixture.client.create_topic().name(format!("t{number}")).send().await.unwrap();
    }
    let first = fixture.client.list_topics().send().await.unwrap();
    assert_eq!(first.topics().len(), 100);
    let second = fixture.client.list_topics().next_token(first.next_token().unwrap()).send().await.unwrap();
    assert_eq!(second.topics().len(), 1);
    assert_eq!(second.next_token(), None);
}

#[tokio::test]
async fn the_201st_filter_policy_of_a_topic_is_refused() {
    let fixture = Fixture::new(Confirmation::ByItself, &[]);
    let topic = fixture.topic().await;
    for number in 0..200 {
        let policy = format!(r#"{{"audience": ["l{number}"]}}"#);
        fixture.subscribe(&topic, &format!("p{number}@example.com"), Some(&policy)).await;
    }
    let late = fixture.client.subscribe().topic_arn(&topic).protocol("email").endpoint("late@example.com");
    let error = late.attributes("FilterPolicy", r#"{"audience": ["x"]}"#).send().await.unwrap_err();
    assert_eq!(error.code(), Some("FilterPolicyLimitExceeded"));
    fixture.subscribe(&topic, "late@example.com", None).await;
}

#[tokio::test]
async fn a_refused_address_is_an_error_only_if_nobody_else_is_reached() {
    let fixture = Fixture::new(Confirmation::ByItself, &["+1 555-0100", "Rose@Example.com"]);
    let error = fixture.client.publish().phone_number("+15550100").message("x").send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameter"));
    assert!(error.raw_response().unwrap().status().is_client_error());
    let topic = fixture.topic().await;
    fixture.subscribe(&topic, "rose@example.com", None).await;
    let error = fixture.client.publish().topic_arn(&topic).message("x").send().await.unwrap_err();
    assert_eq!(error.code(), Some("EndpointDisabled"));
    fixture.subscribe(&topic, "bob@example.com", None).await;
    fixture.client.publish().topic_arn(&topic).message("x").send().await.unwrap();
    let inbox = fixture.inbox().await;
    assert_eq!(inbox.iter().map(|message| message.address.as_str()).collect::<Vec<_>>(), ["bob@example.com"]);
}

#[tokio::test]
async fn what_aws_refuses_to_publish_is_refused_in_its_words() {
    let fixture = Fixture::new(Confirmation::ByItself, &[]);
    let topic = fixture.topic().await;
    let publish = || fixture.client.publish().topic_arn(&topic).message("x");
    for (call, code, words) in [
        (
            fixture.client.publish().phone_number("5550100").message("x"),
            "InvalidParameter",
            "is not valid to publish to",
        ),
        (fixture.client.publish().message("x"), "InvalidParameter", "no value for required parameter"),
        (publish().message(""), "InvalidParameter", "Invalid parameter: Empty message"),
        (publish().subject(""), "InvalidParameter", "Invalid parameter: Subject"),
        (publish().subject("a\nb"), "InvalidParameter", "Invalid parameter: Subject"),
        (publish().subject("恭喜"), "InvalidParameter", "Invalid parameter: Subject"),
        (publish().subject("x".repeat(100)), "InvalidParameter", "Invalid parameter: Subject"),
        (
            publish().message("x".repeat(256 * 1024 + 1)),
            "InvalidParameter",
            "Invalid parameter: Message too long",
        ),
        (publish().message_structure("json"), "InvalidParameter", "JSON message body failed to parse"),
        (
            publish().message_structure("json").message("{}"),
            "InvalidParameter",
            "No default entry in JSON message body",
        ),
        (publish().message_deduplication_id("1"), "InvalidParameter", "is not valid for this topic type"),
        (
            publish()
                .message_attributes("a", MessageAttributeValue::builder().data_type("Odd").build().unwrap()),
            "ParameterValueInvalid",
            "invalid message attribute type",
        ),
        (
            publish().message_attributes("a", string("")),
            "ParameterValueInvalid",
            "must contain non-empty message attribute value",
        ),
        (publish().topic_arn(format!("{topic}x")), "NotFound", "Topic does not exist"),
        (publish().topic_arn("party"), "InvalidParameter", "An ARN must have at least 6 elements, not 1"),
    ] {
        let error = call.send().await.unwrap_err();
        let message = error.message().unwrap_or_default().to_owned();
        assert!(message.contains(words), "{words}: {message}");
        assert_eq!(error.code(), Some(code), "{message}");
    }
    assert!(fixture.inbox().await.is_empty());
    publish().subject("x".repeat(99)).message("x".repeat(256 * 1024)).send().await.unwrap();
}

#[tokio::test]
async fn each_protocol_gets_its_own_text() {
    let fixture = Fixture::new(Confirmation::ByItself, &[]);
    let topic = fixture.topic().await;
    fixture.subscribe(&topic, "rose@example.com", None).await;
    let sms = fixture.client.subscribe().topic_arn(&topic).protocol("sms").endpoint("+15550100");
    sms.send().await.unwrap();
    let text = r#"{"default": "for all", "sms": "short"}"#;
    fixture.client.publish().topic_arn(&topic).message_structure("json").message(text).send().await.unwrap();
    let texts: Vec<String> = fixture.inbox().await.into_iter().map(|message| message.text).collect();
    assert_eq!(texts, ["for all", "short"]);
}

#[tokio::test]
async fn a_batch_fails_by_the_entry() {
    let fixture = Fixture::new(Confirmation::ByItself, &[]);
    let topic = fixture.topic().await;
    fixture.subscribe(&topic, "rose@example.com", None).await;
    let entry =
        |id: &str, text: &str| PublishBatchRequestEntry::builder().id(id).message(text).build().unwrap();
    let batch = |entries| {
        fixture
            .client
            .publish_batch()
            .topic_arn(&topic)
            .set_publish_batch_request_entries(Some(entries))
            .send()
    };
    let answer = batch(vec![entry("a", "x"), entry("b", "")]).await.unwrap();
    assert_eq!(answer.successful()[0].id(), Some("a"));
    assert_eq!((answer.failed()[0].id(), answer.failed()[0].sender_fault()), ("b", true));
    assert_eq!(fixture.inbox().await.len(), 1);
    let error = batch(vec![entry("a", "x"), entry("a", "y")]).await.unwrap_err();
    assert_eq!(error.code(), Some("BatchEntryIdsNotDistinct"));
    let many = (0..11).map(|number| entry(&number.to_string(), "x")).collect();
    assert_eq!(batch(many).await.unwrap_err().code(), Some("TooManyEntriesInBatchRequest"));
}

#[tokio::test]
async fn a_topic_that_keeps_the_order_asks_for_a_group() {
    let fixture = Fixture::new(Confirmation::ByItself, &[]);
    let create = fixture.client.create_topic().name("t.fifo").attributes("FifoTopic", "true");
    let topic = create.send().await.unwrap().topic_arn.unwrap();
    let publish = || fixture.client.publish().topic_arn(&topic).message("x");
    let error = publish().send().await.unwrap_err();
    assert_eq!(
        error.message(),
        Some("Invalid parameter: The MessageGroupId parameter is required for FIFO topics")
    );
    let sent = publish().message_group_id("g").message_deduplication_id("d").send().await.unwrap();
    assert_eq!(sent.sequence_number().map(str::len), Some(20));
    assert_eq!(
        fixture.client.create_topic().name("t.fifo").send().await.unwrap_err().code(),
        Some("InvalidParameter")
    );
}

#[tokio::test]
async fn topics_have_attributes_and_tags() {
    let fixture = Fixture::new(Confirmation::ByItself, &[]);
    let tag = |key: &str| Tag::builder().key(key).value("v").build().unwrap();
    let create = fixture.client.create_topic().name("t").attributes("DisplayName", "Party").tags(tag("a"));
    let topic = create.send().await.unwrap().topic_arn.unwrap();
    fixture.subscribe(&topic, "rose@example.com", None).await;
    let attributes = async || {
        let get = fixture.client.get_topic_attributes().topic_arn(&topic);
        get.send().await.unwrap().attributes.unwrap()
    };
    assert_eq!(
        (attributes().await["DisplayName"].as_str(), attributes().await["SubscriptionsConfirmed"].as_str()),
        ("Party", "1")
    );
    let set = |name: &str| {
        fixture
            .client
            .set_topic_attributes()
            .topic_arn(&topic)
            .attribute_name(name)
            .attribute_value("x")
            .send()
    };
    set("DisplayName").await.unwrap();
    assert_eq!(attributes().await["DisplayName"], "x");
    assert_eq!(set("Colour").await.unwrap_err().code(), Some("InvalidParameter"));

    fixture.client.tag_resource().resource_arn(&topic).tags(tag("b")).send().await.unwrap();
    fixture.client.untag_resource().resource_arn(&topic).tag_keys("a").send().await.unwrap();
    let tags = fixture.client.list_tags_for_resource().resource_arn(&topic).send().await.unwrap();
    assert_eq!(tags.tags().iter().map(Tag::key).collect::<Vec<_>>(), ["b"]);

    fixture.client.delete_topic().topic_arn(&topic).send().await.unwrap();
    fixture.client.delete_topic().topic_arn(&topic).send().await.unwrap();
    assert_eq!(
        fixture.client.get_topic_attributes().topic_arn(&topic).send().await.unwrap_err().code(),
        Some("NotFound")
    );
    assert!(fixture.client.list_subscriptions().send().await.unwrap().subscriptions().is_empty());
}

#[tokio::test]
async fn what_was_accepted_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sns.sqlite");
    let open = || {
        let settings =
            super::Settings::new("us-east-1", "1", asl_engine::Clock::system(), Confirmation::ByItself, &[]);
        super::Sns::open(rusqlite::Connection::open(&path).unwrap(), settings).unwrap()
    };
    let call = |json: serde_json::Value| super::Parameters::from_json(&json);
    let publish = call(serde_json::json!({"PhoneNumber": "+15550100", "Message": "x"}));
    open().call("Publish", &publish).unwrap();
    let mut again = open();
    again.call("Publish", &publish).unwrap();
    let numbers: Vec<i64> = again
        .messages(&InboxQuery { limit: 9, ..InboxQuery::default() })
        .unwrap()
        .iter()
        .map(|message| message.number)
        .collect();
    assert_eq!(numbers, [1, 2]);
}

#[tokio::test]
async fn a_phone_that_replies_stop_is_listed_and_gets_nothing_until_it_is_opted_in() {
    let fixture = Fixture::new(Confirmation::ByItself, &[]);
    let reply = async |phone: &'static str, text: &'static str| {
        fixture.endpoint.sns.call(move |sns| sns.reply(phone, text)).await.unwrap()
    };
    let client = &fixture.client;
    let check = async |phone: &str| {
        let check = client.check_if_phone_number_is_opted_out().phone_number(phone);
        check.send().await.unwrap().is_opted_out()
    };
    assert_eq!(reply("+15550100", "Thanks!").await, Ok(false));
    assert_eq!(reply("+1 555-0100", " stop ").await, Ok(true));
    assert!(check("+15550100").await && !check("+15550101").await);
    let topic = fixture.topic().await;
    client.subscribe().topic_arn(&topic).protocol("sms").endpoint("+15550100").send().await.unwrap();
    client.publish().topic_arn(&topic).message("x").send().await.unwrap();
    let sent = client.publish().phone_number("+15550100").message("x").send().await.unwrap();
    assert!(sent.message_id().is_some(), "SNS takes it");
    assert!(fixture.inbox().await.is_empty(), "and delivers nothing");

    let opt_in = || client.opt_in_phone_number().phone_number("+15550100").send();
    opt_in().await.unwrap();
    client.publish().phone_number("+15550100").message("x").send().await.unwrap();
    assert_eq!((check("+15550100").await, fixture.inbox().await.len()), (false, 1));
    assert_eq!(reply("+15550100", "END").await, Ok(true));
    let error = opt_in().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameter"));
    assert!(error.message().unwrap().contains("once every 30 days"), "{error:?}");
    assert_eq!(reply("+15550100", "start").await, Ok(false));

    let wrong = client.check_if_phone_number_is_opted_out().phone_number("555").send().await.unwrap_err();
    assert_eq!(wrong.code(), Some("InvalidParameter"));
    assert!(reply("nobody", "STOP").await.is_err());
}

#[tokio::test]
async fn the_phones_that_have_opted_out_come_by_the_hundred() {
    let fixture = Fixture::new(Confirmation::ByItself, &[]);
    let all: Vec<String> = (0..201).map(|number| format!("+1555{number:04}")).collect();
    for phone in all.clone() {
        fixture.endpoint.sns.call(move |sns| sns.reply(&phone, "STOP")).await.unwrap().unwrap();
    }
    let pages = fixture.client.list_phone_numbers_opted_out().into_paginator().send();
    let pages: Vec<_> = pages.collect::<Result<_, _>>().await.unwrap();
    let sizes: Vec<_> = pages.iter().map(|page| page.phone_numbers().len()).collect();
    assert_eq!(sizes, [100, 100, 1]);
    assert_eq!(pages.iter().flat_map(|page| page.phone_numbers().to_vec()).collect::<Vec<_>>(), all);
    let wrong = fixture.client.list_phone_numbers_opted_out().next_token("x").send().await.unwrap_err();
    assert_eq!(wrong.code(), Some("InvalidParameter"));
}
