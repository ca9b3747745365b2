//! The stack as the program that users start: a process of its own, which a test may kill.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Lines};
use tokio::process::{Child, Command};

use crate::Client;

/// A running `local-stack` on free ports. Killed when dropped.
pub struct Process {
    child: Child,
    /// Where people and the API are, such as `http://127.0.0.1:41234`.
    pub api: String,
    /// The AWS-compatible endpoint.
    pub aws: String,
    token: String,
    log: Arc<Mutex<String>>,
}

/// The program, built by the same cargo call as this test (its package has tests of its own).
pub fn program() -> PathBuf {
    built("local-stack")
}

fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().and_then(Path::parent).unwrap();
    let program = target.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "{} is missing: run the tests with --workspace", program.display());
    program
}

/// What `verify-draw` says with these arguments, and whether it is content.
pub async fn verify(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(built("verify-draw")).args(arguments).output().await.unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

impl Process {
    /// Starts the stack on `data` and waits until it listens.
    pub async fn start(data: &Path) -> Self {
        Self::start_with(data, &[]).await
    }

    /// Like [`start`](Self::start), with further options.
    pub async fn start_with(data: &Path, options: &[&str]) -> Self {
        let mut child = Command::new(program())
            .args(["--listen", "127.0.0.1:0", "--aws-listen", "127.0.0.1:0", "--data-dir"])
            .arg(data)
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        tokio::spawn(keep(BufReader::new(child.stderr.take().unwrap()).lines(), log.clone()));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut api, mut aws) = (None, None);
        while api.is_none() || aws.is_none() {
            let line = lines.next_line().await.unwrap().expect("the stack ends before it listens");
            let url = line.split_whitespace().find(|word| word.starts_with("http://127.0.0.1:"));
            if let Some(url) = url {
                let address = if line.contains("AWS") { &mut aws } else { &mut api };
                address.get_or_insert_with(|| url.trim_end_matches('/').to_owned());
            }
        }
        tokio::spawn(keep(lines, log.clone()));
        let token = std::fs::read_to_string(data.join("organiser.token")).unwrap().trim().to_owned();
        Self { child, api: api.unwrap(), aws: aws.unwrap(), token, log }
    }

    pub fn client(&self) -> Client {
        Client::organiser(&self.api, &self.token)
    }

    /// All that it has printed since it listened, and logged.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Sends what Ctrl-C sends, and answers the exit code.
    pub async fn interrupt(mut self) -> Option<i32> {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
        self.child.wait().await.unwrap().code()
    }

    /// Kills the process as `kill -9` does.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// Reads on, for a full pipe would stop the stack, and keeps what it reads.
async fn keep<R: AsyncRead + Unpin>(mut lines: Lines<BufReader<R>>, log: Arc<Mutex<String>>) {
    while let Ok(Some(line)) = lines.next_line().await {
        let mut log = log.lock().unwrap();
        log.push_str(&line);
        log.push('\n');
    }
}
