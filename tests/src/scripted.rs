//! A service of AWS that answers as a test scripts it: for what the stack sends on.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Answers a call: its operation (the end of `X-Amz-Target`, or the path), and its body.
type Script = dyn Fn(&str, &Value) -> (u16, Value) + Send + Sync;

/// A scripted service on a free port, until the test ends.
pub struct Scripted {
    /// Where it is, such as `http://127.0.0.1:41234`.
    pub url: String,
    calls: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Scripted {
    /// Starts a service that answers with what `script` gives: a status and a body.
    pub async fn start(script: impl Fn(&str, &Value) -> (u16, Value) + Send + Sync + 'static) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (script, noted): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&calls));
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, Arc::clone(&script), Arc::clone(&noted)));
            }
        });
        Scripted { url, calls }
    }

    /// The bodies of the calls of an operation so far.
    pub fn calls_of(&self, operation: &str) -> Vec<Value> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|(known, _)| known == operation).map(|(_, body)| body.clone()).collect()
    }
}

async fn serve(mut connection: TcpStream, script: Arc<Script>, calls: Arc<Mutex<Vec<(String, Value)>>>) {
    while let Some((operation, body)) = read(&mut connection).await {
        calls.lock().unwrap().push((operation.clone(), body.clone()));
        let (status, answer) = script(&operation, &body);
        let answer = answer.to_string();
        let length = answer.len();
        let head = format!(
            "HTTP/1.1 {status} Scripted\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        if connection.write_all(format!("{head}{answer}").as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The next request of a connection, if there is one.
async fn read(connection: &mut TcpStream) -> Option<(String, Value)> {
    let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        let read = connection.read(&mut part).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&part[..read]);
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let header = |wanted: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(':'));
        let mut found = lines.filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.next().map(|(_, value)| value.trim().to_owned())
    };
    let length = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        let read = connection.read(&mut part).await.ok().filter(|read| *read > 0)?;
        body.extend_from_slice(&part[..read]);
    }
    let path = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
    let target = header("x-amz-target").and_then(|target| Some(target.rsplit_once('.')?.1.to_owned()));
    Some((target.unwrap_or(path), serde_json::from_slice(&body).unwrap_or_default()))
}
