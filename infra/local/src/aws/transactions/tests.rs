use dynoxide::DynoxideError;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn database() -> Database {
    let database = Database::memory().unwrap();
    let table = |name: &str| {
        json!({"TableName": name, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]})
    };
    database.create_table(serde_json::from_value(table("items")).unwrap()).unwrap();
    database.create_table(serde_json::from_value(table("others")).unwrap()).unwrap();
    let mut indexed = table("indexed");
    indexed["AttributeDefinitions"] = json!([{"AttributeName": "id", "AttributeType": "S"},
        {"AttributeName": "c", "AttributeType": "N"}]);
    indexed["GlobalSecondaryIndexes"] = json!([{"IndexName": "by-c", "Projection": {"ProjectionType": "ALL"},
        "KeySchema": [{"AttributeName": "c", "KeyType": "HASH"}]}]);
    database.create_table(serde_json::from_value(indexed).unwrap()).unwrap();
    database
}

fn transaction(body: &str) -> Transaction {
    Transaction::new(serde_json::from_str(body).unwrap())
}

fn transact_together(
    database: &Database,
    tokens: &mut Tokens,
    transactions: Vec<Transaction>,
) -> Vec<Answer> {
    let answered = transact_all(database, tokens, transactions, |_| Vec::new());
    answered.into_iter().map(|answered| answered.answer).collect()
}

fn transact(database: &Database, tokens: &mut Tokens, body: &str) -> Answer {
    transact_together(database, tokens, vec![transaction(body)]).pop().unwrap()
}

fn add(token: &str, members: &str) -> String {
    format!(
        r#"{{"ClientRequestToken": "{token}", "TransactItems": [{{"Update": {{"TableName": "items",
            "Key": {{"id": {{"S": "1"}}}}, "UpdateExpression": "ADD c :one, d :two",
            "ExpressionAttributeValues": {{{members}}}}}}}]}}"#
    )
}

const ONE_TWO: &str = r#"":one": {"N": "1"}, ":two": {"N": "2"}"#;
const TWO_ONE: &str = r#"":two": {"N": "2"}, ":one": {"N": "1"}"#;

fn item(database: &Database, table: &str, id: &str) -> Value {
    let get = json!({"TableName": table, "Key": {"id": {"S": id}}});
    let found = database.get_item(serde_json::from_value(get).unwrap()).unwrap();
    serde_json::to_value(found).unwrap()["Item"].clone()
}

fn count(database: &Database) -> String {
    item(database, "items", "1")["c"]["N"].as_str().unwrap().to_owned()
}

#[test]
fn a_transaction_that_comes_again_is_made_once_in_whatever_order_its_members_stand() {
    let (database, mut tokens) = (database(), Tokens::default());
    for members in [ONE_TWO, ONE_TWO, TWO_ONE] {
        assert_eq!(transact(&database, &mut tokens, &add("a", members)).unwrap(), EMPTY);
    }
    assert_eq!(count(&database), "1");
    transact(&database, &mut tokens, &add("b", ONE_TWO)).unwrap();
    assert_eq!(count(&database), "2");
}

#[test]
fn one_token_twice_among_those_that_wait_is_made_once() {
    let (database, mut tokens) = (database(), Tokens::default());
    let bodies = [
        add("a", ONE_TWO),
        add("b", ONE_TWO),
        add("a", TWO_ONE),
        add("a", r#"":one": {"N": "9"}, ":two": {"N": "9"}"#),
    ];
    let transactions = bodies.iter().map(|body| transaction(body)).collect();
    let answers = transact_together(&database, &mut tokens, transactions);
    assert!(answers[..3].iter().all(|answer| answer.as_ref().unwrap() == EMPTY));
    assert!(matches!(answers[3], Err(DynoxideError::IdempotentParameterMismatchException(_))));
    assert_eq!(count(&database), "2");
}

#[test]
fn a_token_that_names_another_transaction_is_refused() {
    let (database, mut tokens) = (database(), Tokens::default());
    transact(&database, &mut tokens, &add("a", ONE_TWO)).unwrap();
    let others = [
        add("a", r#"":one": {"N": "2"}, ":two": {"N": "1"}"#),
        add("a", ONE_TWO).replace("ADD c :one, d :two", "ADD d :one, c :two"),
        add("a", ONE_TWO).replace(r#""items""#, r#""others""#),
        add("a", ONE_TWO).replace(r#"{"S": "1"}"#, r#"{"S": "2"}"#),
    ];
    for other in others {
        let refused = transact(&database, &mut tokens, &other).unwrap_err();
        assert!(matches!(refused, DynoxideError::IdempotentParameterMismatchException(_)), "{refused}");
    }
    assert_eq!(count(&database), "1");
}

#[test]
fn a_transaction_that_failed_is_made_when_it_comes_again() {
    let (database, mut tokens) = (database(), Tokens::default());
    let checked = |body: String| {
        body.replace(
            "\"UpdateExpression\"",
            "\"ConditionExpression\": \"attribute_exists(id)\", \"UpdateExpression\"",
        )
    };
    transact(&database, &mut tokens, &checked(add("a", ONE_TWO))).unwrap_err();
    transact(&database, &mut tokens, &add("b", ONE_TWO)).unwrap();
    transact(&database, &mut tokens, &checked(add("a", ONE_TWO))).unwrap();
    assert_eq!(count(&database), "2");
}

#[test]
fn an_answer_with_capacity_is_given_again() {
    let (database, mut tokens) = (database(), Tokens::default());
    let body = add("a", ONE_TWO).replacen('{', r#"{"ReturnConsumedCapacity": "TOTAL", "#, 1);
    let first = transact(&database, &mut tokens, &body).unwrap();
    assert_ne!(first, EMPTY);
    assert_eq!(transact(&database, &mut tokens, &body).unwrap(), first);
}

#[test]
fn tokens_are_forgotten_after_ten_minutes() {
    let mut tokens = Tokens::default();
    let now = Instant::now();
    tokens.keep_at("a".to_owned(), 1, EMPTY, now);
    assert!(tokens.find("a", now + WINDOW - Duration::from_secs(1)).is_some());
    assert!(tokens.find("a", now + WINDOW).is_none());
    assert!(tokens.order.is_empty() && tokens.kept.is_empty());
}

#[test]
fn a_refused_transaction_takes_nothing_of_the_others_and_leaves_nothing() {
    let (database, mut tokens) = (database(), Tokens::default());
    let put = |id: &str| json!({"Put": {"TableName": "items", "Item": {"id": {"S": id}}, "ConditionExpression": "attribute_not_exists(id)"}});
    let bodies = [
        json!({"TransactItems": [put("a"), put("b")]}),
        json!({"TransactItems": [put("c"), put("b"), put("d")]}),
        json!({"TransactItems": [put("e")]}),
    ];
    let transactions = bodies.iter().map(|body| transaction(&body.to_string())).collect();
    let answers = transact_together(&database, &mut tokens, transactions);
    assert!(answers[0].is_ok() && answers[2].is_ok());
    let Err(DynoxideError::TransactionCanceledException(_, reasons)) = &answers[1] else { panic!() };
    let codes: Vec<_> = reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed", "None"]);
    let is_there = |id| item(&database, "items", id) != Value::Null;
    assert_eq!(["a", "b", "c", "d", "e"].map(is_there), [true, true, false, false, true]);
}

#[test]
fn those_that_come_meanwhile_share_the_commit_and_are_answered_in_their_order() {
    let (database, mut tokens) = (database(), Tokens::default());
    let mut later = vec![
        vec![transaction(&add("c", ONE_TWO))],
        vec![transaction(&add("b", ONE_TWO)), transaction(&add("a", ONE_TWO))],
    ];
    let answered = transact_all(&database, &mut tokens, vec![transaction(&add("a", ONE_TWO))], |_| {
        later.pop().unwrap_or_default()
    });
    let order: Vec<_> =
        answered.iter().map(|answered| answered.transaction.token.as_deref().unwrap()).collect();
    assert_eq!(order, ["a", "b", "a", "c"]);
    assert!(answered.iter().all(|answered| answered.answer.is_ok()));
    assert_eq!(count(&database), "3");
}

#[test]
fn one_that_is_refused_does_not_speak_for_the_same_again() {
    let (database, mut tokens) = (database(), Tokens::default());
    let checked = add("a", ONE_TWO).replace(
        "\"UpdateExpression\"",
        "\"ConditionExpression\": \"attribute_exists(id)\", \"UpdateExpression\"",
    );
    let transactions = vec![transaction(&checked), transaction(&checked), transaction(&add("b", ONE_TWO))];
    let answers = transact_together(&database, &mut tokens, transactions);
    // The second is made, for what it waits for has come meanwhile.
    assert!(answers[0].is_err() && answers[1].is_ok() && answers[2].is_ok());
    assert_eq!(count(&database), "2");
}

/// Actions that meet each other's items, that hold and do not hold, that are right and wrong.
fn action() -> impl Strategy<Value = Value> {
    let table = prop::sample::select(vec!["items", "items", "others", "indexed", "nowhere"]);
    let id = prop::sample::select(vec![
        json!({"S": "1"}),
        json!({"S": "2"}),
        json!({"S": "3"}),
        json!({"S": ""}),
        json!({"N": "1"}),
    ]);
    let value = prop::sample::select(vec![
        json!({"N": "1"}),
        json!({"N": "007.50"}),
        json!({"S": "text"}),
        json!({"BOOL": true}),
        json!({"NULL": true}),
        json!({"SS": ["b", "a"]}),
        json!({"SS": ["a", "a"]}),
        json!({"NS": ["2", "1.0"]}),
        json!({"B": "AQI="}),
        json!({"L": [{"N": "01"}, {"M": {"x": {"S": ""}}}]}),
    ]);
    let condition = prop::sample::select(vec![
        None,
        None,
        Some("attribute_not_exists(id)"),
        Some("attribute_exists(id)"),
        Some("c = :value"),
        Some("attribute_exists(c) AND NOT c = :value"),
        Some("size(c) > :value"),
        Some("c = = :value"),
    ]);
    let update = prop::sample::select(vec![
        "SET c = :value",
        "ADD c :value",
        "SET c = c + :value",
        "REMOVE c",
        "SET id = :value",
    ]);
    (0..4_u8, table, id, value, condition, update, any::<bool>()).prop_map(
        |(kind, table, id, value, condition, update, wants_old)| {
            let mut action = json!({"TableName": table});
            if kind == 0 {
                action["Item"] = json!({"id": id, "c": value});
            } else {
                action["Key"] = json!({"id": id});
            }
            if kind == 1 {
                action["UpdateExpression"] = json!(update);
            }
            if let Some(condition) = condition.or((kind == 3).then_some("attribute_exists(id)")) {
                action["ConditionExpression"] = json!(condition);
            }
            let uses = action["ConditionExpression"].to_string() + &action["UpdateExpression"].to_string();
            if uses.contains(":value") {
                action["ExpressionAttributeValues"] = json!({":value": value});
            }
            if wants_old {
                action["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
            }
            json!({["Put", "Update", "Delete", "ConditionCheck"][usize::from(kind)]: action})
        },
    )
}

fn items_of(database: &Database) -> Vec<Value> {
    let mut all = Vec::new();
    for table in ["items", "others", "indexed"] {
        for index in [None, Some("by-c")] {
            if index.is_some() && table != "indexed" {
                continue;
            }
            let scan = json!({"TableName": table, "IndexName": index});
            let found = database.scan(serde_json::from_value(scan).unwrap()).unwrap();
            all.push(serde_json::to_value(found).unwrap());
        }
    }
    all
}

proptest! {
    /// What is made together, after a look at all conditions, is what the library makes one by one.
    #[test]
    fn groups_do_what_the_library_does_one_by_one(
        transactions in prop::collection::vec((prop::collection::vec(action(), 1..4), any::<bool>()), 1..6)
    ) {
        let (grouped, alone) = (database(), database());
        let bodies: Vec<Value> = transactions.into_iter().map(|(items, wants_capacity)| {
            let capacity = if wants_capacity { "TOTAL" } else { "NONE" };
            json!({"TransactItems": items, "ReturnConsumedCapacity": capacity})
        }).collect();
        // What cannot even be read is refused before either sees it.
        let requests: Vec<TransactWriteItemsRequest> =
            bodies.iter().filter_map(|body| serde_json::from_str(&body.to_string()).ok()).collect();
        let expected: Vec<String> = requests.iter().map(|request| {
            match alone.transact_write_items(request.clone()) {
                Ok(response) => serde_json::to_value(response).unwrap().to_string(),
                Err(error) => error.to_json(),
            }
        }).collect();
        let together = requests.into_iter().map(Transaction::new).collect();
        let made: Vec<String> = transact_together(&grouped, &mut Tokens::default(), together).into_iter().map(|answer| {
            match answer {
                Ok(body) => serde_json::from_slice::<Value>(&body).unwrap().to_string(),
                Err(error) => error.to_json(),
            }
        }).collect();
        let tree = |text: &String| serde_json::from_str::<Value>(text).unwrap();
        prop_assert_eq!(made.iter().map(tree).collect::<Vec<_>>(), expected.iter().map(tree).collect::<Vec<_>>());
        prop_assert_eq!(items_of(&grouped), items_of(&alone));
    }
}
