//! The position of a draw's stage: moved by its organiser from what was seen, read by everyone.

use reqwest::Method;
use serde_json::{Value, json};

use end_to_end_tests::client::Answer;
use end_to_end_tests::{Client, stack};

async fn move_to(client: &Client, path: &str, after: u64, position: &Value) -> Answer {
    let body = json!({"after": after, "position": position}).to_string().into_bytes();
    client.send(Method::PUT, path, &[("content-type", "application/json")], body).await
}

#[tokio::test]
async fn screens_keep_in_step_and_of_two_who_move_at_once_one_does() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let prizes = json!({"prizes": [{"name": "Bicycle", "winners": 1}, {"name": "Book", "winners": 3}]});
    let draw = client.run_draw("party", prizes).await;
    let path = format!("/lotteries/party/draws/{}/stage", draw["draw_id"].as_str().unwrap());
    let everyone = client.anonymous();
    assert_eq!(everyone.get(&path).await.expect(200), json!({"revision": 0, "position": null}));

    let at = |screen: &str, prize: u32, from: u32, to: u32| json!({"screen": screen, "prize": prize, "from": from, "to": to, "order": [1, 0], "batches": [1, 2]});
    let first = at("prize", 1, 0, 0);
    move_to(&everyone, &path, 0, &first).await.expect(401);
    let moved = move_to(&client, &path, 0, &first).await.expect(200);
    assert_eq!(moved, json!({"revision": 1, "position": first}));
    assert_eq!(everyone.get(&path).await.expect(200), moved);

    // The stage and the phone are pressed in the same second: both have seen revision 1.
    let second = at("names", 1, 0, 2);
    let (one, other) = tokio::join!(move_to(&client, &path, 1, &second), move_to(&client, &path, 1, &second));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let late = move_to(&client, &path, 0, &first).await.expect(409);
    assert_eq!((&late["revision"], &late["position"]), (&json!(2), &second));
    assert_eq!(client.get(&path).await.expect(200), json!({"revision": 2, "position": second}));

    let mut order_twice = at("wall", 0, 0, 0);
    order_twice["order"] = json!([0, 0]);
    let mut no_batch = at("wall", 0, 0, 0);
    no_batch["batches"] = json!([1, 0]);
    let mut named = at("wall", 0, 0, 0);
    named["winner"] = json!("Rose");
    for bad in [
        at("names", 0, 0, 2),
        at("names", 1, 2, 1),
        at("prize", 2, 0, 0),
        at("bow", 0, 0, 0),
        order_twice,
        no_batch,
        named,
    ] {
        move_to(&client, &path, 2, &bad).await.expect(422);
    }
    move_to(&client, "/lotteries/party/draws/none/stage", 0, &first).await.expect(404);
    everyone.get("/lotteries/party/draws/none/stage").await.expect(404);
}
