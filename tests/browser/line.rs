//! The line between a browser and the stack, which a test can cut.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Carries connections to the stack until it is cut.
pub(crate) struct Line {
    address: SocketAddr,
    stack: String,
    carrying: Option<JoinHandle<()>>,
}

impl Line {
    /// A line to the stack at `url`.
    pub(crate) async fn to(url: &str) -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut line = Line {
            address: listener.local_addr().unwrap(),
            stack: url.trim_start_matches("http://").to_owned(),
            carrying: None,
        };
        line.carry(listener);
        line
    }

    /// Where the browser finds the stack.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn carry(&mut self, listener: TcpListener) {
        let stack = self.stack.clone();
        self.carrying = Some(tokio::spawn(async move {
            // Ending this task ends all its connections.
            let mut connections = JoinSet::new();
            while let Ok((mut browser, _)) = listener.accept().await {
                let stack = stack.clone();
                connections.spawn(async move {
                    let mut stack = TcpStream::connect(stack).await?;
                    tokio::io::copy_bidirectional(&mut browser, &mut stack).await
                });
                while connections.try_join_next().is_some() {}
            }
        }));
    }

    /// Every connection breaks off, and no other is made.
    pub(crate) async fn cut(&mut self) {
        if let Some(carrying) = self.carrying.take() {
            carrying.abort();
            let _ = carrying.await;
        }
    }

    /// Connections are made again.
    pub(crate) async fn mend(&mut self) {
        let listener = loop {
            match TcpListener::bind(self.address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        self.carry(listener);
    }
}
