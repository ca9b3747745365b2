//! boto3 and the AWS CLI, as `tests/tools/setup` installs them.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A program of the tests' Python environment, made on first use.
pub async fn tool(name: &str) -> PathBuf {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools");
    let setup = Command::new(tools.join("setup")).output().await.unwrap();
    assert!(setup.status.success(), "{}", String::from_utf8_lossy(&setup.stderr));
    tools.join(".venv/bin").join(name)
}

/// Runs a tool against the AWS-compatible endpoint `aws`, and answers what it printed.
///
/// # Panics
/// When it fails, with all that it said.
pub async fn run(name: &str, aws: &str, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = command(name, aws).await.args(arguments).output().await.unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{name} {arguments:?}: {stdout}{stderr}");
    stdout.into_owned()
}

/// A tool that will speak to the AWS-compatible endpoint `aws`.
async fn command(name: &str, aws: &str) -> Command {
    let mut command = Command::new(tool(name).await);
    command
        .env("AWS_ENDPOINT_URL", aws)
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "local")
        .env("AWS_SECRET_ACCESS_KEY", "local")
        .env("AWS_PAGER", "");
    command
}

/// A Python program that keeps running, and is killed when dropped.
pub struct Program {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Program {
    /// Starts a script with these arguments.
    pub async fn start(script: &str, aws: &str, arguments: &[&str]) -> Program {
        let mut child = command("python3", aws)
            .await
            .args(["-c", script])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        Program { input: child.stdin.take().unwrap(), output, child }
    }

    /// The next line that it prints, as JSON.
    pub async fn says(&mut self) -> Value {
        let line = tokio::time::timeout(crate::TIMEOUT, self.output.next_line()).await;
        let line = line.expect("the program is silent").unwrap().expect("the program has ended");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// Gives it a line to read, and answers the line that it prints.
    pub async fn tell(&mut self, line: &str) -> Value {
        self.input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        self.says().await
    }

    /// Kills it as `kill -9` does.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}
