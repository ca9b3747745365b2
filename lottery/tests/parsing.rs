//! Whatever comes in: parsers answer and never panic, and what they take they write as they read it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use jiff::Timestamp;
use lottery::{
    DrawId, DrawRequest, EmailAddress, Group, Holder, Label, Locale, LotteryId, LotteryName, Name,
    NewLottery, Participant, ParticipantFields, ParticipantId, PhoneNumber, PrizeName, TimeZoneName, mask,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Texts that come near to what each parser takes, beside arbitrary ones.
fn near_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[+0-9 -]{0,20}",
        "[a-zA-Z0-9._@-]{0,40}",
        "[a-z0-9-]{0,70}",
        "[a-z]{1,8}@[a-z]{1,8}\\.[a-z]{2,3}",
        "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
        "[\u{4e00}-\u{9fff} A-Za-z]{0,12}",
        "2026-1[0-2]-[0-3][0-9]T[0-2][0-9]:00:00Z",
    ]
}

/// JSON values, many of them with the names of our fields.
fn near_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0u64..12_000).prop_map(Value::from),
        near_text().prop_map(Value::from),
    ];
    let field = prop_oneof![
        proptest::sample::select(vec![
            "winners",
            "prizes",
            "name",
            "quota",
            "alternates",
            "closes_at",
            "channels",
            "id",
            "locale",
            "exclude_past_winners",
            "participant_id",
            "phone",
            "email",
            "group",
            "tickets",
            "time_zone",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    leaf.prop_recursive(3, 24, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::hash_map(field.clone(), inner, 0..7)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Asserts that a value, once parsed, is written as it is read.
macro_rules! reads_as_written {
    ($text:expr, $($parser:ty),+) => {$(
        if let Ok(value) = <$parser>::parse($text) {
            let read = <$parser>::parse(&value.to_string());
            prop_assert_eq!(read.as_ref(), Ok(&value));
            let json = serde_json::to_value(&value).unwrap();
            prop_assert_eq!(&json, &Value::from(value.to_string()));
            prop_assert_eq!(serde_json::from_value::<$parser>(json).unwrap(), value);
        }
    )+};
}

proptest! {
    #[test]
    fn texts_that_parse_read_as_they_are_written(text in near_text()) {
        reads_as_written!(
            &text, LotteryId, DrawId, ParticipantId, Label, PhoneNumber, EmailAddress, Name, Group,
            LotteryName, PrizeName, TimeZoneName, Holder
        );
    }

    #[test]
    fn masks_never_show_a_whole_name(text in near_text()) {
        if let Ok(name) = Name::parse(&text) {
            let masked = mask::name(&name);
            let shown = |text: &str| text.chars().filter(|c| !c.is_whitespace() && *c != '*').count();
            let words = name.as_str().split_whitespace().count();
            prop_assert!(shown(&masked) <= words, "{masked}");
        }
    }

    #[test]
    fn whatever_json_comes_in_is_answered(value in near_json()) {
        let now = Timestamp::UNIX_EPOCH;
        if let Ok(request) = DrawRequest::parse(&value, Locale::En, now) {
            let winners: u64 = request.prizes.as_slice().iter().map(|prize| u64::from(prize.winners)).sum();
            prop_assert!((1..=lottery::PrizeList::MAX_WINNERS).contains(&winners));
            prop_assert!(!request.channels.is_empty());
        }
        let _ = NewLottery::parse(&value);
        if let Ok(fields) = ParticipantFields::from_json(value) {
            let _ = Participant::parse(&fields);
        }
    }

    #[test]
    fn participants_parse_from_their_own_fields(
        id in "[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
        name in "[\u{4e00}-\u{9fff}A-Za-z]{1,200}",
        digits in "[1-9][0-9]{7,14}",
        email in "[a-z]{1,8}@[a-z]{1,8}\\.[a-z]{2,3}",
    ) {
        let fields = json!({"participant_id": id, "name": name, "phone": format!("+{digits}"), "email": email});
        let participant = Participant::parse(&ParticipantFields::from_json(fields).unwrap()).unwrap();
        prop_assert_eq!(participant.participant_id.as_str(), id);
        prop_assert_eq!(participant.name.as_str(), name);
        prop_assert_eq!(participant.phone.unwrap().to_string(), format!("+{digits}"));
        prop_assert_eq!(participant.email.unwrap().to_string(), email);
    }
}
