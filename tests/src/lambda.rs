//! The functions as processes of their own of `cargo lambda watch`, as Lambda runs them.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;

use tempfile::NamedTempFile;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::{eventually, process};

/// Every task of a draw, by the name of its binary.
const TASKS: [&str; 17] = [
    "seal-entries",
    "stamp-commitment",
    "announce-commitment",
    "fetch-beacon",
    "draw-winners",
    "record-winners",
    "check-release",
    "await-release",
    "check-claims",
    "await-claims",
    "send-sms",
    "send-email",
    "notify-others",
    "complete-draw",
    "notify-organiser",
    "release-winners",
    "mark-incomplete",
];

/// Every task of the import of a big list.
const IMPORT_TASKS: [&str; 6] =
    ["inspect-list", "await-mapping", "split-list", "import-batch", "finish-import", "fail-import"];

/// A runtime API and the functions that answer for it. All of it ends when this is dropped.
pub struct Lambda {
    /// Where the Invoke API and the function URLs are.
    pub url: String,
    processes: Vec<Child>,
    /// Holds the organiser's secret, which on AWS is in Secrets Manager.
    secret: NamedTempFile,
}

impl Lambda {
    /// Starts `cargo lambda watch` without functions. It does not compile: the tests have been built already.
    pub async fn start() -> Self {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let setup = Command::new(project.join("tests/tools/setup")).arg("infra").output().await.unwrap();
        assert!(setup.status.success(), "{}", String::from_utf8_lossy(&setup.stderr));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let watch = Command::new(project.join("tests/tools/.venv-infra/bin/cargo-lambda"))
            .args(["lambda", "watch", "--only-lambda-apis", "--invoke-address", "127.0.0.1", "--invoke-port"])
            .arg(port.to_string())
            .current_dir(&project)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let address = format!("127.0.0.1:{port}");
        eventually("cargo lambda watch", async || TcpStream::connect(&address).await.ok()).await;
        let secret = NamedTempFile::new().unwrap();
        std::fs::write(secret.path(), "a secret of the tests").unwrap();
        Self { url, processes: vec![watch], secret }
    }

    /// Starts every task of a draw, whose SDK speaks to `aws`, where the stack's beacon and time-stamp authority are as well.
    pub async fn run_tasks(&mut self, aws: &str) {
        let chain = crate::http().get(format!("{aws}/info")).send().await.unwrap().text().await.unwrap();
        let secret = self.secret.path().to_str().unwrap().to_owned();
        let authority = format!("{aws}/time-stamp");
        let variables = [
            ("PUBLIC_URL", "https://lottery.example"),
            // The local SNS applies a filter policy at once.
            ("FILTER_POLICY_SECONDS", "0"),
            ("ORGANISER_KEY_FILE", &secret),
            ("BEACON_CHAIN", &chain),
            ("BEACON_MARGIN_SECONDS", "1"),
            ("BEACON_RELAYS", aws),
            ("TIME_STAMP_AUTHORITIES", &authority),
        ];
        for task in TASKS {
            self.run(task, aws, &variables);
        }
    }

    /// Starts every task of the import of a big list, whose SDK speaks to `aws`.
    pub fn run_import_tasks(&mut self, aws: &str) {
        for task in IMPORT_TASKS {
            self.run(task, aws, &[("LISTS_BUCKET", "lists"), ("PUBLIC_URL", "https://lottery.example")]);
        }
    }

    /// Starts one function with further variables.
    pub fn run(&mut self, function: &str, aws: &str, variables: &[(&str, &str)]) {
        let child = Command::new(process::program().with_file_name(function))
            .env("AWS_LAMBDA_RUNTIME_API", format!("{}/.rt/{function}", self.url))
            .env("AWS_LAMBDA_FUNCTION_NAME", function)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_ENDPOINT_URL", aws)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", function)
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .env("LOTTERY_TABLE", "Lottery")
            .env("CONTACTS_TABLE", "Contacts")
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        self.processes.push(child);
    }
}
