//! E-mail through SES, held against every way in which SendEmail can end. Never twice; every unsent one visible.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_sdk_sesv2::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use lottery::{DrawId, DrawStatus, NewLottery};
use lottery_store::NotificationState;
use serde_json::{Value, json};

use test_support::dynamodb;
use test_support::sns::Reply;
use test_world::World;

use NotificationState::{Failed, Sent, Unknown};

/// An SES that answers as scripted, and with acceptance after that.
#[derive(Clone, Default)]
pub(crate) struct Ses(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    replies: VecDeque<Reply>,
    calls: usize,
    /// What it took, whatever it answered.
    taken: Vec<Value>,
}

impl Ses {
    pub(crate) fn reply(&self, replies: impl IntoIterator<Item = Reply>) {
        self.0.lock().unwrap().replies.extend(replies);
    }

    fn calls(&self) -> usize {
        self.0.lock().unwrap().calls
    }

    fn taken(&self) -> Vec<Value> {
        self.0.lock().unwrap().taken.clone()
    }
}

impl HttpConnector for Ses {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        assert_eq!(request.uri(), "http://ses.invalid/v2/email/outbound-emails");
        let mut state = self.0.lock().unwrap();
        state.calls += 1;
        let reply = state.replies.pop_front().unwrap_or(Reply::Accept);
        if matches!(reply, Reply::Accept | Reply::LoseAnswer | Reply::Hang | Reply::Break(_)) {
            state.taken.push(serde_json::from_slice(request.body().bytes().unwrap()).unwrap());
        }
        let lost = |kind: std::io::ErrorKind| Err(ConnectorError::io(std::io::Error::from(kind).into()));
        HttpConnectorFuture::new(async move {
            match reply {
                Reply::Accept => Ok(answer(200, None, json!({"MessageId": "m-1"}))),
                Reply::Refuse(status, code) => Ok(refusal(status, code)),
                Reply::Break(status) => Ok(refusal(status, "InternalServiceErrorException")),
                Reply::NotReached => lost(std::io::ErrorKind::ConnectionRefused),
                Reply::LoseAnswer => lost(std::io::ErrorKind::ConnectionReset),
                Reply::Hang => std::future::pending().await,
            }
        })
    }
}

/// The message of an error may repeat the address, as that of AWS does.
fn refusal(status: u16, code: &str) -> HttpResponse {
    answer(status, Some(code), json!({"message": "Email address is not verified: p001@example.com"}))
}

fn answer(status: u16, code: Option<&str>, body: Value) -> HttpResponse {
    let mut answer = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.to_string()));
    if let Some(code) = code {
        answer.headers_mut().insert("x-amzn-errortype", code.to_owned());
    }
    answer
}

impl fmt::Debug for Ses {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Ses")
    }
}

/// A recorded draw of a lottery that writes through SES, with one winner who has an address.
pub(crate) async fn one_reader() -> (World, Ses, DrawId) {
    let mut world = World::new().await;
    let ses = Ses::default();
    let connector = SharedHttpConnector::new(ses.clone());
    let ses_client = aws_sdk_sesv2::Client::from_conf(
        aws_sdk_sesv2::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url("http://ses.invalid")
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build(),
    );
    world.cx.services = world.cx.services.clone().with_ses(ses_client);
    world.cx.config.email_sender = Some("draws@example.com".to_owned());
    let lottery = NewLottery::parse(&json!({"id": "letters", "name": "Letters", "email_through": "ses"}));
    let lottery = lottery.unwrap().begin([1; 16], dynamodb::now());
    world.cx.store.create_lottery(&lottery).await.unwrap();
    world.lottery_id = lottery.lottery_id;
    let rose = json!({"participant_id": "001", "name": "Rose", "email": "p001@example.com"});
    world.import(dynamodb::participant(rose)).await;
    let draw_id = world.ask("d1", json!({"winners": 1, "channels": ["email"]})).await;
    world.record(&draw_id).await;
    (world, ses, draw_id)
}

#[tokio::test(start_paused = true)]
async fn each_answer_of_ses_has_its_entry_and_no_second_run_sends_again() {
    let cases = [
        (Reply::Accept, Sent, None, 1),
        (Reply::Refuse(400, "MessageRejected"), Failed, Some("MessageRejected"), 0),
        (Reply::Refuse(400, "AccountSuspendedException"), Failed, Some("AccountSuspendedException"), 0),
        (
            Reply::Refuse(400, "MailFromDomainNotVerifiedException"),
            Failed,
            Some("MailFromDomainNotVerifiedException"),
            0,
        ),
        (Reply::Refuse(403, "AccessDeniedException"), Failed, Some("AccessDeniedException"), 0),
        (Reply::Break(500), Unknown, Some("ServerError"), 1),
        (Reply::LoseAnswer, Unknown, Some("ConnectionLost"), 1),
        (Reply::Hang, Unknown, Some("Timeout"), 1),
    ];
    for (reply, state, reason, taken) in cases {
        let (world, ses, draw_id) = one_reader().await;
        ses.reply([reply]);
        let answer = world.notify(&draw_id).await.remove(0).unwrap();
        let sent = usize::from(state == Sent);
        assert_eq!((&answer["sent"], &answer["unsent"]), (&json!(sent), &json!(1 - sent)), "{reply:?}");
        assert_eq!(world.only_entry(&draw_id).await, Some((state, reason.map(str::to_owned))), "{reply:?}");

        assert_eq!(world.notify(&draw_id).await.remove(0).unwrap(), answer);
        assert_eq!((ses.calls(), ses.taken().len()), (1, taken), "{reply:?}");
        assert_eq!(world.sns.calls(), 0, "{reply:?}");
    }
}

#[tokio::test]
async fn the_letter_goes_from_the_sender_to_the_winner_alone_and_names_the_draw() {
    let (mut world, ses, draw_id) = one_reader().await;
    world.cx.config.delivery.configuration_set = Some("lottery".to_owned());
    world.notify(&draw_id).await.remove(0).unwrap();
    let email = ses.taken().remove(0);
    assert_eq!(email["FromEmailAddress"], "draws@example.com");
    assert_eq!(email["Destination"], json!({"ToAddresses": ["p001@example.com"]}));
    let text = email["Content"]["Simple"]["Body"]["Text"]["Data"].as_str().unwrap();
    assert!(text.contains("Rose") && text.contains("/lotteries/letters/draws/d1"), "{text}");
    let label = world.cx.store.winners(&world.lottery_id, &draw_id).await.unwrap()[0].member;
    let tags = json!([
        {"Name": "lottery_id", "Value": "letters"}, {"Name": "draw_id", "Value": "d1"},
        {"Name": "label", "Value": label.to_string()}
    ]);
    assert_eq!(email["EmailTags"], tags);
    assert_eq!(email["ConfigurationSetName"], "lottery");
}

#[tokio::test]
async fn what_ses_has_not_taken_is_sent_by_a_later_run_be_it_after_a_day() {
    for reply in [
        Reply::Refuse(429, "TooManyRequestsException"),
        Reply::Refuse(400, "ThrottlingException"),
        Reply::Refuse(400, "LimitExceededException"),
        Reply::Refuse(400, "SendingPausedException"),
        Reply::NotReached,
    ] {
        let (world, ses, draw_id) = one_reader().await;
        ses.reply([reply; 100]);
        let answer = world.notify(&draw_id).await.remove(0).unwrap();
        assert_eq!((world.only_entry(&draw_id).await, ses.taken().len()), (None, 0), "{reply:?}");
        let (_, waits) = world.send_all("send-email", &draw_id, answer["position"].clone()).await;
        assert!(waits.iter().sum::<u64>() > 22 * 3600, "{reply:?}");
        assert_eq!(world.only_entry(&draw_id).await, Some((Sent, None)), "{reply:?}");
        assert_eq!((ses.calls(), ses.taken().len()), (101, 1), "{reply:?}");
    }
}

#[tokio::test]
async fn a_lottery_without_a_sender_ends_with_its_letters_unsent_and_says_why() {
    let (mut world, ses, draw_id) = one_reader().await;
    world.cx.config.email_sender = None;
    world.run_resumed(&draw_id).await;
    assert_eq!(world.only_entry(&draw_id).await, Some((Failed, Some("NoSender".to_owned()))));
    assert_eq!((world.status(&draw_id).await, ses.calls()), (DrawStatus::Incomplete, 0));
}
