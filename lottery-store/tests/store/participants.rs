//! Imports, the organiser's list and withdrawals.

use std::collections::HashSet;

use lottery::{EmailAddress, Label, ParticipantId};
use lottery_store::{PutParticipant, Store, StoreError, Withdrawal};
use serde_json::json;
use test_support::dynamodb::{now, participant, put, store_with_party, with_phone};

fn id(text: &str) -> ParticipantId {
    ParticipantId::parse(text).unwrap()
}

fn label(answer: &PutParticipant) -> Label {
    match answer {
        PutParticipant::Accepted { label } | PutParticipant::Updated { label, .. } => *label,
        PutParticipant::AddressTaken { field } => panic!("the {field} is taken"),
    }
}

fn is_refused(answer: &PutParticipant, field: &'static str) -> bool {
    *answer == PutParticipant::AddressTaken { field }
}

async fn phone_of(store: &Store, lottery_id: &lottery::LotteryId, participant_id: &str) -> Option<String> {
    let contacts = store.contacts(lottery_id, &[id(participant_id)]).await.unwrap();
    contacts.into_iter().next()?.phone.map(|phone| phone.to_string())
}

#[tokio::test]
async fn an_address_stands_once_per_lottery() {
    let (store, database, party) = store_with_party().await;
    let rose = participant(json!({
        "participant_id": "1", "name": "Rose", "phone": "+12025550101", "email": "rose@example.com"
    }));
    assert!(matches!(put(&store, &party, rose).await, PutParticipant::Accepted { .. }));

    let same_phone = put(&store, &party, with_phone("2", "+12025550101")).await;
    assert!(is_refused(&same_phone, "phone"), "{same_phone:?}");
    let other_case = participant(json!({"participant_id": "3", "name": "R", "email": "ROSE@example.com"}));
    let same_email = put(&store, &party, other_case).await;
    assert!(is_refused(&same_email, "email"), "{same_email:?}");

    let listed = store.participants(&party, None, 10, None).await.unwrap();
    assert_eq!(listed.items.len(), 1);
    assert!(!database.dump("Lottery").contains(r#""participant_id":{"S":"2"}"#));

    let gala = lottery::LotteryId::parse("gala").unwrap();
    assert!(matches!(
        put(&store, &gala, with_phone("2", "+12025550101")).await,
        PutParticipant::Accepted { .. }
    ));
}

#[tokio::test]
async fn nothing_personal_is_in_the_lottery_table() {
    let (store, database, party) = store_with_party().await;
    let planted = participant(json!({
        "participant_id": "1", "name": "Zaphod", "phone": "+12025550199", "email": "zaphod@example.com"
    }));
    put(&store, &party, planted).await;
    let table = database.dump("Lottery");
    for personal in ["Zaphod", "2025550199", "zaphod", "nonce"] {
        assert!(!table.contains(personal), "{personal}");
    }
    assert!(database.dump("Contacts").contains("Zaphod"));
}

#[tokio::test]
async fn an_update_keeps_label_and_nonce() {
    let (store, database, party) = store_with_party().await;
    let nonces = || {
        let items = database.items("Contacts").into_iter();
        items.filter_map(|item| item.get("nonce").cloned()).collect::<Vec<_>>()
    };
    let first = put(&store, &party, with_phone("1", "+12025550101")).await;
    let nonce = nonces();
    let second = put(&store, &party, participant(json!({"participant_id": "1", "name": "Rose Tyler"}))).await;
    assert!(matches!(second, PutParticipant::Updated { .. }));
    assert_eq!(label(&first), label(&second));
    assert_eq!((nonces().len(), nonces()), (1, nonce));
    let listed = store.participants(&party, None, 10, None).await.unwrap();
    assert_eq!(listed.items[0].name.as_str(), "Rose Tyler");
    assert_eq!(listed.items[0].phone, None);
    assert_eq!(listed.items[0].registered_at, now());
}

#[tokio::test]
async fn an_update_of_a_phone_frees_the_old_one() {
    let (store, _, party) = store_with_party().await;
    put(&store, &party, with_phone("1", "+12025550101")).await;
    put(&store, &party, with_phone("1", "+12025550102")).await;
    let reused = put(&store, &party, with_phone("2", "+12025550101")).await;
    assert!(matches!(reused, PutParticipant::Accepted { .. }));
    let taken = put(&store, &party, with_phone("3", "+12025550102")).await;
    assert!(is_refused(&taken, "phone"));
}

#[tokio::test]
async fn lines_of_one_import_count_in_their_order() {
    let (store, _, party) = store_with_party().await;
    put(&store, &party, with_phone("old", "+12025550100")).await;
    let lines = vec![
        with_phone("1", "+12025550101"),
        with_phone("2", "+12025550101"),   // the phone of the line before
        with_phone("old", "+12025550109"), // frees its phone …
        with_phone("3", "+12025550100"),   // … for this line
        with_phone("1", "+12025550102"),   // changes the first line …
        with_phone("4", "+12025550101"),   // … and frees its phone
        with_phone("4", "+12025550109"),   // cannot take the phone of another
    ];
    let answers = store.put_participants(&party, lines, now()).await.unwrap();
    assert!(matches!(answers[0], PutParticipant::Accepted { .. }));
    assert!(is_refused(&answers[1], "phone"));
    assert!(matches!(answers[2], PutParticipant::Updated { .. }));
    assert!(matches!(answers[3], PutParticipant::Accepted { .. }));
    assert!(matches!(answers[4], PutParticipant::Updated { .. }));
    assert!(matches!(answers[5], PutParticipant::Accepted { .. }));
    assert!(is_refused(&answers[6], "phone"));
    assert_eq!(label(&answers[0]), label(&answers[4]));
    for (participant_id, phone) in [
        ("1", Some("+12025550102")),
        ("2", None),
        ("3", Some("+12025550100")),
        ("4", Some("+12025550101")),
        ("old", Some("+12025550109")),
    ] {
        assert_eq!(phone_of(&store, &party, participant_id).await.as_deref(), phone, "{participant_id}");
    }
}

#[tokio::test]
async fn a_refused_line_takes_no_other_with_it() {
    let (store, _, party) = store_with_party().await;
    put(&store, &party, with_phone("taken", "+12025550050")).await;
    let lines: Vec<_> = (0..100).map(|n| with_phone(&format!("{n}"), &format!("+120255500{n:02}"))).collect();
    let answers = store.put_participants(&party, lines, now()).await.unwrap();
    let refused: Vec<_> = (0..100).filter(|place| is_refused(&answers[*place], "phone")).collect();
    assert_eq!(refused, [50]);
    assert_eq!(store.participants(&party, None, 1000, None).await.unwrap().items.len(), 100);
}

#[tokio::test]
async fn importing_again_changes_nothing_and_writes_nothing() {
    let (store, database, party) = store_with_party().await;
    let lines: Vec<_> = (0..50).map(|n| with_phone(&format!("{n}"), &format!("+1202555{n:04}"))).collect();
    let first = store.put_participants(&party, lines.clone(), now()).await.unwrap();
    let writes = database.calls("TransactWriteItems");
    let second = store.put_participants(&party, lines, now()).await.unwrap();
    assert!(second.iter().all(|answer| matches!(answer, PutParticipant::Updated { .. })));
    assert_eq!(first.iter().map(label).collect::<Vec<_>>(), second.iter().map(label).collect::<Vec<_>>());
    assert_eq!(database.calls("TransactWriteItems"), writes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_imports_of_one_address_one_wins() {
    let (store, _, party) = store_with_party().await;
    let imports = (0..12).map(|n| {
        let (store, party) = (store.clone(), party.clone());
        tokio::spawn(async move { put(&store, &party, with_phone(&format!("{n}"), "+12025550101")).await })
    });
    let mut accepted = 0;
    for import in imports.collect::<Vec<_>>() {
        match import.await.unwrap() {
            PutParticipant::Accepted { .. } => accepted += 1,
            answer => assert!(is_refused(&answer, "phone"), "{answer:?}"),
        }
    }
    assert_eq!(accepted, 1);
    assert_eq!(store.participants(&party, None, 100, None).await.unwrap().items.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_changes_of_one_participant_leave_one_address_taken() {
    let (store, database, party) = store_with_party().await;
    put(&store, &party, with_phone("1", "+12025550100")).await;
    let changes = (1..7).map(|n| {
        let (store, party) = (store.clone(), party.clone());
        tokio::spawn(async move { put(&store, &party, with_phone("1", &format!("+1202555010{n}"))).await })
    });
    for change in changes.collect::<Vec<_>>() {
        assert!(matches!(change.await.unwrap(), PutParticipant::Updated { .. }));
    }
    assert_eq!(database.dump("Contacts").matches("#ADDRESS#").count(), 1);
}

#[tokio::test]
async fn labels_are_distinct() {
    let (store, _, party) = store_with_party().await;
    let lines: Vec<_> = (0..40).map(|n| with_phone(&format!("{n}"), &format!("+1202555{n:04}"))).collect();
    let answers = store.put_participants(&party, lines, now()).await.unwrap();
    assert_eq!(answers.iter().map(label).collect::<HashSet<_>>().len(), 40);
}

#[tokio::test]
async fn a_withdrawal_erases_everything_personal_and_frees_the_address() {
    let (store, database, party) = store_with_party().await;
    let rose = participant(json!({
        "participant_id": "1", "name": "Rose", "phone": "+12025550101", "email": "rose@example.com"
    }));
    let first = put(&store, &party, rose.clone()).await;
    let email = EmailAddress::parse("rose@example.com").unwrap();
    assert!(store.set_subscription(&party, &id("1"), &email, "arn:rose", now()).await.unwrap());

    let gone = store.withdraw_participant(&party, &id("1"), now()).await.unwrap();
    assert_eq!(gone, Withdrawal::Gone { subscription_arn: Some("arn:rose".to_owned()) });
    let left = database.items("Contacts");
    assert!(
        left.iter().all(|item| item["sk"]["S"] == "FINGERPRINT_KEY"),
        "only the lottery's own key: {left:?}"
    );
    assert!(!database.dump("Lottery").contains("#POOL#"));
    assert_eq!(store.withdraw_participant(&party, &id("1"), now()).await.unwrap(), Withdrawal::Unknown);

    let again = put(&store, &party, rose).await;
    assert!(matches!(again, PutParticipant::Accepted { .. }));
    assert_ne!(label(&first), label(&again));
}

#[tokio::test]
async fn a_subscription_belongs_to_one_address() {
    let (store, _, party) = store_with_party().await;
    let with_email =
        |email: &str| participant(json!({"participant_id": "1", "name": "Rose", "email": email}));
    let [old, new] = ["old@example.com", "new@example.com"].map(|text| EmailAddress::parse(text).unwrap());
    put(&store, &party, with_email("old@example.com")).await;
    assert!(store.set_subscription(&party, &id("1"), &old, "arn:old", now()).await.unwrap());

    let unchanged = put(&store, &party, with_email("old@example.com")).await;
    assert!(
        matches!(&unchanged, PutParticipant::Updated { subscription_arn: Some(arn), former_subscription_arn: None, .. } if arn == "arn:old")
    );
    let renewed = put(&store, &party, with_email("new@example.com")).await;
    assert!(
        matches!(&renewed, PutParticipant::Updated { subscription_arn: None, former_subscription_arn: Some(arn), .. } if arn == "arn:old")
    );

    assert!(!store.set_subscription(&party, &id("1"), &old, "arn:late", now()).await.unwrap());
    assert!(store.set_subscription(&party, &id("1"), &new, "arn:new", now()).await.unwrap());
    assert!(!store.set_subscription(&party, &id("2"), &new, "arn:nobody", now()).await.unwrap());
    let contacts = store.contacts(&party, &[id("1"), id("1"), id("2")]).await.unwrap();
    assert_eq!(contacts.len(), 1);
    assert_eq!(contacts[0].subscription_arn.as_deref(), Some("arn:new"));
    assert_eq!(contacts[0].subscribed_at, Some(now()), "its filter policy settles from then on");
    // A change of the name keeps both.
    let renamed = participant(json!({"participant_id": "1", "name": "Rose T.", "email": "new@example.com"}));
    put(&store, &party, renamed).await;
    assert_eq!(store.contacts(&party, &[id("1")]).await.unwrap()[0].subscribed_at, Some(now()));
}

#[tokio::test]
async fn a_subscription_that_is_gone_is_forgotten_once_and_gives_its_slot_back() {
    let (store, _, party) = store_with_party().await;
    let rose = json!({"participant_id": "1", "name": "Rose", "email": "rose@example.com"});
    put(&store, &party, participant(rose)).await;
    let email = EmailAddress::parse("rose@example.com").unwrap();
    assert_eq!(store.reserve_email_slots(&party, 1, 1).await.unwrap(), 1);
    store.set_subscription(&party, &id("1"), &email, "arn:rose", now()).await.unwrap();
    assert_eq!(store.reserve_email_slots(&party, 1, 1).await.unwrap(), 0);

    assert!(!store.forget_subscription(&party, &id("1"), "arn:another").await.unwrap());
    assert!(store.forget_subscription(&party, &id("1"), "arn:rose").await.unwrap());
    assert!(!store.forget_subscription(&party, &id("1"), "arn:rose").await.unwrap(), "once only");
    assert_eq!(store.reserve_email_slots(&party, 2, 1).await.unwrap(), 1);
    let contact = &store.contacts(&party, &[id("1")]).await.unwrap()[0];
    assert_eq!((&contact.subscription_arn, contact.subscribed_at), (&None, None));
}

#[tokio::test]
async fn pages_go_through_all_participants_once_and_in_order() {
    let (store, _, party) = store_with_party().await;
    let lines: Vec<_> =
        (0..257).map(|n| with_phone(&format!("{n:03}"), &format!("+1202555{n:04}"))).collect();
    store.put_participants(&party, lines, now()).await.unwrap();
    let expected: Vec<_> = (0..257).map(|n| format!("{n:03}")).collect();
    for limit in [1, 16, 100, 256, 257, 1000] {
        let mut seen = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let page = store.participants(&party, cursor.as_deref(), limit, None).await.unwrap();
            assert!(page.items.len() <= limit);
            seen.extend(page.items.into_iter().map(|participant| participant.participant_id.to_string()));
            match page.cursor {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, expected, "limit {limit}");
    }
    let last = store.participants(&party, Some("241"), 16, None).await.unwrap();
    assert_eq!((last.items.len(), last.cursor.as_deref()), (15, None));
}

#[tokio::test]
async fn a_search_looks_into_every_field_in_any_case() {
    let (store, _, party) = store_with_party().await;
    let lines = [
        json!({"participant_id": "e-1", "name": "Rose Tyler", "phone": "+12025550101", "group": "Büro"}),
        json!({"participant_id": "e-2", "name": "王小明", "email": "ming@example.com"}),
        json!({"participant_id": "e-3", "name": "Oscar"}),
    ];
    store.put_participants(&party, lines.map(participant).to_vec(), now()).await.unwrap();
    for (search, found) in [
        ("TYLER", vec!["e-1"]),
        ("5550101", vec!["e-1"]),
        ("büRO", vec!["e-1"]),
        ("小", vec!["e-2"]),
        ("MING@", vec!["e-2"]),
        ("E-", vec!["e-1", "e-2", "e-3"]),
        ("nobody", vec![]),
    ] {
        let page = store.participants(&party, None, 10, Some(search)).await.unwrap();
        let ids: Vec<_> = page.items.iter().map(|participant| participant.participant_id.as_str()).collect();
        assert_eq!((ids, page.cursor), (found, None), "{search}");
    }
}

#[tokio::test]
async fn a_cursor_from_elsewhere_is_refused() {
    let (store, _, party) = store_with_party().await;
    for cursor in ["", "a#b", "../x"] {
        let page = store.participants(&party, Some(cursor), 10, None).await;
        assert!(matches!(page, Err(StoreError::InvalidCursor)), "{cursor}");
    }
}

#[tokio::test]
async fn e_mail_slots_are_granted_up_to_the_limit() {
    let (store, _, party) = store_with_party().await;
    assert_eq!(store.reserve_email_slots(&party, 3, 5).await.unwrap(), 3);
    assert_eq!(store.reserve_email_slots(&party, 3, 5).await.unwrap(), 2);
    assert_eq!(store.reserve_email_slots(&party, 3, 5).await.unwrap(), 0);
    store.release_email_slots(&party, 4).await.unwrap();
    assert_eq!(store.reserve_email_slots(&party, 9, 5).await.unwrap(), 4);
    store.release_email_slots(&party, 99).await.unwrap();
    assert_eq!(store.reserve_email_slots(&party, 9, 5).await.unwrap(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e_mail_slots_taken_at_once_never_exceed_the_limit() {
    let (store, _, party) = store_with_party().await;
    let imports = (0..16).map(|_| {
        let (store, party) = (store.clone(), party.clone());
        tokio::spawn(async move { store.reserve_email_slots(&party, 3, 20).await.unwrap() })
    });
    let mut granted = 0;
    for import in imports.collect::<Vec<_>>() {
        granted += import.await.unwrap();
    }
    assert_eq!(granted, 20);
}
