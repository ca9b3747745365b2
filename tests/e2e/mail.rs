//! Personal e-mail through SES, and e-mail delivered for real by SMTP.

use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use end_to_end_tests::client::email_of;
use end_to_end_tests::{Client, EMPLOYEES, eventually, stack};

async fn lottery_through_ses(client: &Client) {
    let lottery = json!({"id": "party", "name": "Company party", "email_through": "ses"});
    client.post("/lotteries", &lottery).await.expect(201);
    let report = client.import("party", EMPLOYEES).await;
    assert_eq!(report["accepted"], 10, "{report}");
}

#[tokio::test]
async fn winners_are_told_through_ses_without_having_subscribed() {
    let stack = stack::start().await;
    let client = stack.client();
    lottery_through_ses(&client).await;
    let inbox = client.get("/local/messages").await.expect(200);
    let mut messages = inbox["messages"].as_array().unwrap().iter();
    assert!(
        messages.all(|it| it["address"] == "operator@localhost"),
        "nobody else is asked to subscribe: {inbox}"
    );

    let draw = client.run_draw("party", json!({"winners": 3, "channels": ["email"]})).await;
    assert_eq!(draw["status"], "SUCCEEDED", "{draw}");
    let draw_id = draw["draw_id"].as_str().unwrap();
    let winners = client.winners("party", draw_id).await;
    let addresses = winners.iter().map(|id| email_of(id)).collect();
    assert_eq!(client.addressed(draw_id, "email").await, addresses);
}

#[tokio::test]
async fn an_address_that_ses_refuses_is_shown_and_the_others_are_told() {
    let refused = email_of("001");
    let stack = stack::start_with(|config| config.refuse = vec![refused.clone()]).await;
    let client = stack.client();
    lottery_through_ses(&client).await;
    let draw = client.run_draw("party", json!({"winners": 10, "channels": ["email"]})).await;
    assert_eq!(draw["status"], "INCOMPLETE", "{draw}");
    let addressed = client.addressed(draw["draw_id"].as_str().unwrap(), "email").await;
    assert_eq!(addressed.len(), 9);
    assert!(!addressed.contains(&refused));
    assert_eq!(draw["notifications"]["email"]["failed"], 1, "{draw}");
}

#[tokio::test]
async fn an_smtp_server_gets_what_the_inbox_gets() {
    let (url, received) = smtp_server().await;
    let stack = stack::start_with(|config| config.smtp_url = Some(url)).await;
    let client = stack.client();
    lottery_through_ses(&client).await;
    let draw = client.run_draw("party", json!({"winners": 2, "channels": ["email"]})).await;
    let addresses = client.addressed(draw["draw_id"].as_str().unwrap(), "email").await;

    let emails = eventually("two emails", async || {
        let mut emails = received.lock().unwrap().clone();
        emails.retain(|email| !email.contains("RCPT TO:<operator@localhost>"));
        (emails.len() == 2).then_some(emails)
    })
    .await;
    for address in addresses {
        let email = emails.iter().find(|it| it.contains(&format!("RCPT TO:<{address}>"))).unwrap();
        assert!(email.contains("MAIL FROM:<lottery@localhost>"), "{email}");
        assert!(email.contains("Subject: You have won"), "{email}");
        assert!(email.contains("congratulations"), "{email}");
    }
}

/// A server that takes every e-mail, and what it took: commands and text.
async fn smtp_server() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let received = Arc::new(Mutex::new(Vec::new()));
    let taken = received.clone();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(receive(connection, taken.clone()));
        }
    });
    (url, received)
}

async fn receive(connection: TcpStream, taken: Arc<Mutex<Vec<String>>>) {
    let mut connection = BufReader::new(connection);
    let (mut email, mut in_text) = (String::new(), false);
    let mut answer = "220 ready\r\n";
    loop {
        connection.write_all(answer.as_bytes()).await.unwrap();
        let mut line = String::new();
        if connection.read_line(&mut line).await.unwrap() == 0 {
            return;
        }
        email.push_str(&line);
        answer = match line.trim_end() {
            "." if in_text => {
                in_text = false;
                taken.lock().unwrap().push(std::mem::take(&mut email));
                "250 taken\r\n"
            }
            _ if in_text => "",
            "DATA" => {
                in_text = true;
                "354 go on\r\n"
            }
            "QUIT" => "221 bye\r\n",
            _ => "250 ok\r\n",
        };
    }
}
