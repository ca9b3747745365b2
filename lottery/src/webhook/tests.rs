//! Which addresses are called, and what they get.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::{Lottery, NewLottery};

fn lottery(locale: &str) -> Lottery {
    let request = json!({"id": "party", "name": "Company party", "locale": locale});
    let new = NewLottery::parse(&request).unwrap();
    new.begin([0; 16], Timestamp::UNIX_EPOCH)
}

fn webhook(format: WebhookFormat, bot_secret: Option<&str>) -> Webhook {
    Webhook {
        url: WebhookUrl::parse("https://example.com/hook?key=1", Reach::Public).unwrap(),
        format,
        secret: WebhookSecret::parse("whsec_1").unwrap(),
        bot_secret: bot_secret.map(|secret| WebhookSecret::parse(secret).unwrap()),
    }
}

fn event() -> DrawEvent {
    serde_json::from_value(json!({"event": "DrawCompleted", "event_id": "draw-1.DrawCompleted",
        "lottery_id": "party", "draw_id": "1", "status": "SUCCEEDED"}))
    .unwrap()
}

fn message(format: WebhookFormat, bot_secret: Option<&str>, locale: &str) -> (WebhookMessage, Value) {
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    let message = WebhookMessage::new(
        &webhook(format, bot_secret),
        &lottery(locale),
        &event(),
        "https://draws.example",
        now,
    );
    let body = serde_json::from_str(&message.body).unwrap();
    (message, body)
}

#[test]
fn only_public_hosts_by_https_are_called() {
    let refused = [
        "http://example.com/",
        "https://localhost/",
        "https://127.0.0.1/",
        "https://10.1.2.3/x",
        "https://169.254.169.254/latest/meta-data",
        "https://192.168.0.1:8443/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fd00:ec2::254]/",
        "https://[64:ff9b::a00:1]/",
        "https://user@example.com/",
        "https://example.com@10.0.0.1/",
        "https://example.com:0/",
        "https://example.com\\@10.0.0.1/",
        "https://exa mple.com/",
        "https://example.com/#fragment",
        "https:///path",
        "ftp://example.com/",
        "example.com",
        "",
    ];
    for url in refused {
        assert!(WebhookUrl::parse(url, Reach::Public).is_err(), "{url}");
    }
    for url in ["https://example.com", "https://8.8.8.8:8443/a?b=c", "https://[2606:4700:4700::1111]/x"] {
        assert!(WebhookUrl::parse(url, Reach::Public).is_ok(), "{url}");
    }
    assert!(WebhookUrl::parse("http://127.0.0.1:9000/hook", Reach::Anywhere).is_ok());
    assert!(WebhookUrl::parse(&format!("https://example.com/{}", "a".repeat(1000)), Reach::Public).is_err());
}

#[test]
fn no_address_within_a_network_is_public() {
    for text in [
        "0.0.0.0",
        "100.64.0.1",
        "172.31.255.255",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "2001:db8::1",
        "2002:a00:1::",
        "::",
    ] {
        assert!(!is_public(text.parse().unwrap()), "{text}");
    }
    for text in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "2400:3200::1"] {
        assert!(is_public(text.parse().unwrap()), "{text}");
    }
}

#[test]
fn the_key_in_an_address_is_not_shown() {
    let webhook = webhook(WebhookFormat::Slack, Some("SEC1"));
    assert_eq!(webhook.url.shown(), "https://example.com");
    let printed = format!("{webhook:?}");
    assert!(
        !printed.contains("key=1") && !printed.contains("whsec") && !printed.contains("SEC1"),
        "{printed}"
    );
}

#[test]
fn each_receiver_gets_the_form_that_it_takes() {
    let english = "Company party: the draw is complete. https://draws.example/lotteries/party/draws/1";
    let (_, body) = message(WebhookFormat::Json, None, "en");
    assert_eq!(
        body,
        json!({"event": "DrawCompleted", "event_id": "draw-1.DrawCompleted", "lottery_id": "party", "draw_id": "1",
            "status": "SUCCEEDED", "lottery_name": "Company party", "text": english,
            "url": "https://draws.example/lotteries/party/draws/1"})
    );
    assert_eq!(message(WebhookFormat::Slack, None, "en").1, json!({ "text": english }));
    let text = json!({"msgtype": "text", "text": {"content": english}});
    assert_eq!(message(WebhookFormat::Wecom, None, "en").1, text);
    assert_eq!(message(WebhookFormat::Dingtalk, None, "en").1, text);
    let chinese = "「Company party」抽奖已完成。https://draws.example/lotteries/party/draws/1";
    assert_eq!(
        message(WebhookFormat::Feishu, None, "zh-CN").1,
        json!({"msg_type": "text", "content": {"text": chinese}})
    );
}

/// Computed with Python's hmac.
#[test]
fn messages_are_signed_as_receivers_compute_it() {
    let secret = WebhookSecret::parse("whsec_1").unwrap();
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    assert_eq!(
        sign(&secret, now, "{}"),
        "t=1700000000,v1=c8cf6ed9fd9120874a1792902ffdf5b69559118b76d10974da8a20cf21f94bc5"
    );
    let (message, _) = message(WebhookFormat::Dingtalk, Some("SEC1"), "en");
    assert_eq!(
        message.url,
        "https://example.com/hook?key=1&timestamp=1700000000000&sign=ukR4%2BWoOOBTGaOauYqugxVrMSFyr92q4hPxJxuOkiio%3D"
    );
    let (_, body) = self::message(WebhookFormat::Feishu, Some("SEC1"), "en");
    assert_eq!(
        (&body["timestamp"], &body["sign"]),
        (&json!("1700000000"), &json!("s3Va4ru9IQUY6HTJcYx7OEVyXl0V0S/y32v4ZbfOHCI="))
    );
}

#[test]
fn a_bot_that_refuses_with_success_is_heard() {
    assert_eq!(refusal_of_bot(WebhookFormat::Wecom, br#"{"errcode":0,"errmsg":"ok"}"#), None);
    let refused = refusal_of_bot(WebhookFormat::Dingtalk, br#"{"errcode":310000}"#);
    assert_eq!(refused.as_deref(), Some("errcode 310000"));
    assert!(refusal_of_bot(WebhookFormat::Feishu, b"<html>").is_some());
    assert_eq!(refusal_of_bot(WebhookFormat::Json, b"anything"), None);
}

#[test]
fn the_pauses_grow_to_three_hours_in_all() {
    let pauses: Vec<u32> = (1..MAX_ATTEMPTS).map(pause_after).collect();
    assert_eq!(pauses, [10, 30, 90, 270, 810, 2430, 7290]);
    assert_eq!((pause_after(0), pause_after(u32::MAX)), (10, MAX_PAUSE));
}
