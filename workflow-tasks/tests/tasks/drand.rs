//! A relay of drand on a real socket, with recorded rounds.

use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use lottery::beacon::{BeaconRound, Chain};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

pub(crate) struct Server {
    url: String,
}

impl Server {
    pub(crate) async fn start(chain: &Chain, rounds: &[BeaconRound]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers: Vec<_> = rounds
            .iter()
            .map(|round| {
                let path = format!("/{}/public/{}", chain.hash(), round.round);
                let body = json!({"round": round.round, "randomness": round.randomness, "signature": round.signature});
                (path, body.to_string())
            })
            .collect();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                answer(stream, &answers).await;
            }
        });
        Self { url }
    }

    /// A relay that is not there, and this one.
    pub(crate) fn relays(&self) -> Vec<String> {
        vec!["http://127.0.0.1:1".to_owned(), self.url.clone()]
    }

    /// Reaches it.
    pub(crate) fn connector() -> SharedHttpConnector {
        SharedHttpConnector::new(Connector::builder().build_http())
    }
}

async fn answer(stream: TcpStream, answers: &[(String, String)]) {
    let mut stream = BufReader::new(stream);
    let (mut first, mut line) = (String::new(), String::new());
    stream.read_line(&mut first).await.unwrap();
    while stream.read_line(&mut line).await.unwrap() > 2 {
        line.clear();
    }
    let path = first.split(' ').nth(1).unwrap();
    let (status, body) = match answers.iter().find(|(known, _)| known == path) {
        Some((_, body)) => ("200 OK", body.as_str()),
        None => ("404 Not Found", ""),
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
}
