//! The stack over a bad disk, damaged files, a clock that leaps, and users who look over one's shoulder.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue fails")]
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use local_stack::{Clock, Config, ManualClock, Stack, Storage};
use serde_json::{Value, json};

/// How long something that must happen is waited for. Far above what it takes.
const TIMEOUT: Duration = Duration::from_secs(60);

/// One request on a connection of its own; gives the status and what the answer says.
fn ask(url: &str, token: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    let length = body.len();
    let kind = if body.starts_with('{') { "application/json" } else { "text/csv" };
    let text = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\ncontent-type: {kind}\r\n\
         connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

/// A stack in this process, which is asked as its organiser asks.
async fn asked(stack: &Stack, method: &'static str, path: String, body: String) -> (u16, String) {
    let (url, token) = (stack.api_url.clone(), stack.tokens.borrow().clone());
    tokio::task::spawn_blocking(move || ask(&url, &token, method, &path, &body)).await.unwrap()
}

async fn status_of(stack: &Stack, draw: &str) -> String {
    let (_, text) = asked(stack, "GET", draw.to_owned(), String::new()).await;
    serde_json::from_str::<Value>(&text).unwrap()["status"].as_str().unwrap().to_owned()
}

/// A draw among three people; gives its path.
async fn begin_draw(stack: &Stack, body: Value) -> String {
    let party = json!({"id": "party", "name": "Party"}).to_string();
    assert_eq!(asked(stack, "POST", "/lotteries".to_owned(), party).await.0, 201);
    let people =
        "participant_id,name,phone\n1,Ann,+12025550101\n2,Bob,+12025550102\n3,Cy,+12025550103\n".to_owned();
    assert_eq!(asked(stack, "POST", "/lotteries/party/participants".to_owned(), people).await.0, 200);
    let (status, text) = asked(stack, "POST", "/lotteries/party/draws".to_owned(), body.to_string()).await;
    assert_eq!(status, 202, "{text}");
    let answer: Value = serde_json::from_str(&text).unwrap();
    format!("/lotteries/party/draws/{}", answer["draw_id"].as_str().unwrap())
}

async fn until_status(stack: &Stack, draw: &str, wanted: &[&str], patience: Duration) -> String {
    let began = Instant::now();
    loop {
        let status = status_of(stack, draw).await;
        if wanted.contains(&status.as_str()) {
            return status;
        }
        assert!(began.elapsed() < patience, "{status} after {:?}, not {wanted:?}", began.elapsed());
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

fn noon() -> ManualClock {
    ManualClock::new("2026-11-28T12:00:00Z".parse().unwrap())
}

/// A laptop that sleeps: its clock runs as ever, and has leapt when it wakes, without a word to anybody.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_sleep_of_hours_a_draw_that_is_due_begins_within_five_seconds() {
    let slept = Arc::new(AtomicI64::new(0));
    let leap = slept.clone();
    let clock =
        Clock::reading(move || Timestamp::now() + SignedDuration::from_secs(leap.load(Ordering::SeqCst)));
    let stack = Stack::start(Config { clock: clock.clone(), ..Config::in_memory() }).await.unwrap();
    let closes_at = clock.now() + SignedDuration::from_hours(3);
    let draw = begin_draw(&stack, json!({"winners": 1, "closes_at": closes_at.to_string()})).await;
    slept.store(2 * 3600, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(status_of(&stack, &draw).await, "WAITING");
    slept.store(10 * 3600, Ordering::SeqCst);
    let begun = ["SEALED", "DRAWN", "RECORDED", "SUCCEEDED"];
    until_status(&stack, &draw, &begun, Duration::from_secs(5)).await;
    until_status(&stack, &draw, &["SUCCEEDED"], TIMEOUT).await;
    stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_organisers_token_never_ends_while_the_stack_runs() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    let clock = noon();
    let config =
        Config { token_file: Some(file.clone()), clock: clock.clone().into(), ..Config::in_memory() };
    let stack = Stack::start(config).await.unwrap();
    let first = stack.token.clone();
    let mut tokens = stack.tokens.clone();
    for _ in 0..3 {
        clock.advance(Duration::from_secs(20 * 24 * 3600));
        tokio::time::timeout(TIMEOUT, tokens.changed()).await.unwrap().unwrap();
    }
    let began = Instant::now();
    while std::fs::read_to_string(&file).unwrap() != *stack.tokens.borrow() {
        assert!(began.elapsed() < TIMEOUT, "the file holds the current token");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let party = json!({"id": "party", "name": "Party"}).to_string();
    assert_eq!(asked(&stack, "POST", "/lotteries".to_owned(), party).await.0, 201);
    let url = stack.api_url.clone();
    let old =
        tokio::task::spawn_blocking(move || ask(&url, &first, "GET", "/local/messages", "")).await.unwrap();
    assert_eq!(old.0, 401, "the first one ended after thirty days");
    stack.shutdown().await;
}

#[tokio::test]
async fn a_clock_before_1970_is_refused() {
    let clock = ManualClock::new("1969-07-20T20:17:40Z".parse().unwrap());
    let refused = Stack::start(Config { clock: clock.into(), ..Config::in_memory() }).await.err().unwrap();
    let words = "the clock of this machine shows 1969-07-20T20:17:40Z, a time before 1970; set the clock, and start the stack again";
    assert_eq!(refused.to_string(), words);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_beacon_is_told_with_the_draws_that_wait_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let clock = noon();
    let storage = Storage::Directory(directory.path().to_owned());
    let config = Config { storage, clock: clock.clone().into(), ..Config::in_memory() };
    let stack = Stack::start(config.clone()).await.unwrap();
    let draw = begin_draw(&stack, json!({"winners": 1})).await;
    until_status(&stack, &draw, &["SEALED"], TIMEOUT).await;
    stack.shutdown().await;

    let key = directory.path().join("beacon.key");
    let good = std::fs::read(&key).unwrap();
    let refusal = async || Stack::start(config.clone()).await.err().unwrap().to_string();
    let name = draw.replace("/lotteries/", "").replace("/draws", "");
    let other = format!("{} 1764331200\n", "ab".repeat(32)).into_bytes();
    for (content, found) in [
        (None, "is missing"),
        (Some(&b"nonsense"[..]), "does not hold a beacon's key"),
        (Some(&other), "is the key of another beacon"),
    ] {
        match content {
            None => std::fs::remove_file(&key).unwrap(),
            Some(content) => std::fs::write(&key, content).unwrap(),
        }
        let words = refusal().await;
        assert!(
            words.contains(&format!("beacon.key {found}, and the sealed draw {name} cannot be drawn")),
            "{words}"
        );
        assert!(words.contains("put the file back from a backup"), "{words}");
        assert_eq!(std::fs::read(&key).ok().as_deref(), content, "it is left as it is");
    }
    std::fs::write(&key, good).unwrap();
    let stack = Stack::start(config.clone()).await.unwrap();
    clock.advance(Duration::from_secs(10));
    until_status(&stack, &draw, &["SUCCEEDED"], TIMEOUT).await;
    stack.shutdown().await;

    // Nobody waits for it any more.
    std::fs::write(&key, "nonsense").unwrap();
    assert!(refusal().await.contains("as no sealed draw waits for it, move it away"));
    std::fs::remove_file(&key).unwrap();
    Stack::start(config).await.unwrap().shutdown().await;
}

/// The program, on ports of its own.
struct Program {
    child: Child,
    api: String,
    token: String,
}

impl Program {
    fn start(mut command: Command, data: &Path, token_file: &Path) -> Program {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut program = Program { child, api: String::new(), token: String::new() };
        let lines = BufReader::new(program.child.stdout.take().unwrap()).lines();
        for line in lines.map_while(Result::ok) {
            if let Some(url) = line.strip_prefix("API and page") {
                program.api = url.trim().to_owned();
            }
            if line.starts_with("Ctrl-C") {
                break;
            }
        }
        if program.api.is_empty() {
            let mut words = String::new();
            program.child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
            panic!("{} does not start: {words}", data.display());
        }
        program.token = std::fs::read_to_string(token_file).unwrap();
        program
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        ask(&self.api, &self.token, method, path, body)
    }

    fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        self.child.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Gone already, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const BINARY: &str = env!("CARGO_BIN_EXE_local-stack");
const PORTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--aws-listen", "127.0.0.1:0"];

/// What the program says when it does not start.
fn refusal(data: &Path) -> String {
    let output = Command::new(BINARY).args(PORTS).arg("--data-dir").arg(data).output().unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{words}");
    words
}

fn every_file(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(
            |path| if path.is_dir() { [vec![path.clone()], every_file(&path)].concat() } else { vec![path] },
        )
        .collect()
}

#[test]
fn nobody_else_reads_what_the_stack_keeps_whatever_the_umask_and_the_directory() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, Permissions::from_mode(0o755)).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask 000; exec \"$0\" \"$@\"", BINARY]).args(PORTS).arg("--data-dir").arg(&data);
    let program = Program::start(shell, &data, &data.join("organiser.token"));
    assert_eq!(program.ask("POST", "/lotteries", r#"{"id": "party", "name": "Party"}"#).0, 201);
    let files = every_file(&data);
    for name in [
        "dynamodb.sqlite",
        "dynamodb.sqlite-wal",
        "sns.sqlite",
        "sns.sqlite-wal",
        "beacon.key",
        "organiser.key",
    ] {
        assert!(files.contains(&data.join(name)), "{name} in {files:?}");
    }
    for file in files.iter().chain([&data]) {
        let mode = std::fs::metadata(file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, if file.is_dir() { 0o700 } else { 0o600 }, "{}", file.display());
    }
    program.stop();
}

#[test]
fn a_file_that_is_lost_or_damaged_is_named_with_the_way_out() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    let start = || {
        let mut command = Command::new(BINARY);
        command.args(PORTS).arg("--data-dir").arg(&data);
        Program::start(command, &data, &data.join("organiser.token"))
    };
    let program = start();
    assert_eq!(program.ask("POST", "/lotteries", r#"{"id": "party", "name": "Party"}"#).0, 201);
    program.stop();

    let database = std::fs::read(data.join("dynamodb.sqlite")).unwrap();
    let mut damaged = database.clone();
    damaged[4096..8192].fill(0xaa);
    let zeroed = vec![0; database.len()];
    let cases: [(&str, Option<&[u8]>, &str); 12] = [
        (
            "organiser.key",
            Some(b""),
            "organiser.key cannot be used: it does not hold the 64 hexadecimal digits",
        ),
        ("organiser.key", Some(b"0123456789abcdef\n"), "organiser.key cannot be used: it does not hold"),
        ("organiser.key", None, "organiser.key cannot be used: it is missing"),
        ("beacon.key", Some(b""), "beacon.key cannot be used: it does not hold a beacon's key; put it back"),
        ("issuer.key", Some(b""), "issuer.key cannot be used: it does not hold the Ed25519 key"),
        ("issuer.key", Some(&[0; 85]), "issuer.key cannot be used: it does not hold the Ed25519 key"),
        ("dynamodb.sqlite", None, "dynamodb.sqlite is missing or empty, although"),
        ("dynamodb.sqlite", Some(b""), "dynamodb.sqlite is missing or empty, although"),
        ("dynamodb.sqlite", Some(&zeroed), "dynamodb.sqlite cannot be used: it is no database any more"),
        ("dynamodb.sqlite", Some(&damaged), "dynamodb.sqlite cannot be used: it is damaged"),
        (
            "dynamodb.sqlite",
            Some(&database[..database.len() / 2]),
            "dynamodb.sqlite cannot be used: it is damaged",
        ),
        ("sns.sqlite", None, "sns.sqlite is missing or empty, although"),
    ];
    for (name, content, words) in cases {
        let path = data.join(name);
        let good = std::fs::read(&path).unwrap();
        match content {
            Some(content) => std::fs::write(&path, content).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        let said = refusal(&data);
        assert!(said.contains(words) && said.contains("backup"), "{name}: {said}");
        assert_eq!(std::fs::read(&path).ok().as_deref(), content, "{name} is left as it is");
        std::fs::write(&path, good).unwrap();
    }
    let program = start();
    assert_eq!(program.ask("GET", "/lotteries/party", "").0, 200);
    program.stop();
}

/// A disk of 24 MiB that fills up. It takes a mount of its own, which not every machine gives its users.
#[test]
fn a_disk_that_was_full_is_used_again_when_there_is_room() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let token = parent.path().join("token");
    let unshare = ["--mount", "--map-root-user", "sh", "-c"];
    let mount = "mount -t tmpfs -o size=24m,mode=700 tmpfs \"$0\"";
    let can_mount = Command::new("unshare").args(unshare).arg(mount).arg(&data).output();
    if !can_mount.is_ok_and(|output| output.status.success()) {
        println!("skipped: this machine lets nobody mount a file system of their own");
        return;
    }
    let mut command = Command::new("unshare");
    command.args(unshare).arg(format!("{mount} && exec \"$@\"")).arg(&data).arg(BINARY).args(PORTS);
    command.arg("--data-dir").arg(&data).arg("--token-file").arg(&token);
    let program = Program::start(command, &data, &token);
    let create = |id: &str| program.ask("POST", "/lotteries", &json!({"id": id, "name": "x"}).to_string());
    assert_eq!(create("before").0, 201);
    let filler = PathBuf::from(format!("/proc/{}/root{}/filler", program.child.id(), data.display()));
    let mut file = std::fs::File::create(&filler).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    drop(file);

    let mut accepted = vec!["before".to_owned()];
    // Each lottery is a topic of SNS and an item of DynamoDB; each participant is an item alone.
    let mut refusals = Vec::new();
    for number in 0..10_000 {
        let id = format!("lottery-{number}");
        let (status, words) = create(&id);
        match status {
            201 => accepted.push(id),
            _ => refusals.push((status, words)),
        }
        let people: String = (0..50).map(|person| format!("{number}-{person},Ann\n")).collect();
        program.ask("POST", "/lotteries/before/participants", &format!("participant_id,name\n{people}"));
        if program.ask("GET", "/healthz", "").1.matches("is full").count() == 2 {
            break;
        }
    }
    let (status, words) = &refusals[0];
    assert_eq!(*status, 503, "{words}");
    let says_so = words.contains("is full, so that nothing new is accepted") && words.contains("make room");
    assert!(says_so, "{words}");
    let (status, words) = program.ask("GET", "/healthz", "");
    let are_named = ["dynamodb.sqlite is full", "sns.sqlite is full"].iter().all(|name| words.contains(name));
    assert!(status == 503 && are_named, "{status} {words}");

    std::fs::remove_file(&filler).unwrap();
    let began = Instant::now();
    while program.ask("GET", "/healthz", "").0 != 200 {
        assert!(began.elapsed() < TIMEOUT, "{}", program.ask("GET", "/healthz", "").1);
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(create("after").0, 201);
    for id in &accepted {
        assert_eq!(program.ask("GET", &format!("/lotteries/{id}"), "").0, 200, "{id} was accepted");
    }
    program.stop();
}
