//! boto3 and the AWS CLI, as `tests/tools/setup` installs them.

use std::path::{Path, PathBuf};
use std::process::Output;

use tokio::process::Command;

/// A program of the tests' Python environment, made on first use.
pub(crate) async fn tool(name: &str) -> PathBuf {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools");
    let setup = Command::new(tools.join("setup")).output().await.unwrap();
    assert!(setup.status.success(), "{}", String::from_utf8_lossy(&setup.stderr));
    tools.join(".venv/bin").join(name)
}

/// Runs a tool against the AWS-compatible endpoint `aws`, and answers what it printed.
///
/// # Panics
/// When it fails, with all that it said.
pub(crate) async fn run(name: &str, aws: &str, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = Command::new(tool(name).await)
        .args(arguments)
        .env("AWS_ENDPOINT_URL", aws)
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "local")
        .env("AWS_SECRET_ACCESS_KEY", "local")
        .env("AWS_PAGER", "")
        .output()
        .await
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{name} {arguments:?}: {stdout}{stderr}");
    stdout.into_owned()
}
