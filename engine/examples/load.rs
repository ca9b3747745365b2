//! Load for any Step Functions endpoint: `load URL [EXECUTIONS] [CLIENTS]`, such as
//! `load 127.0.0.1:4566 20000 16`.
//!
//! It makes a machine of `benches/w1.asl.json` (69 states, 184 events, no tasks), then measures one client after
//! another (`seq`), clients side by side (`conc`), and everything started first and asked for later (`burst`).
//! Every answer is looked at: an execution that does not succeed ends the program.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime};

use asl_engine::data::Json;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const W1: &str = include_str!("../benches/w1.asl.json");
const INPUT: &str = r#"{"id": "a1", "round": 1, "csv": "x,y,z"}"#;

/// One kept connection.
struct Client {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Client {
    fn connect(host: &str) -> Result<Client, Failure> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        Ok(Client { stream: BufReader::new(stream), host: host.to_owned() })
    }

    fn call(&mut self, operation: &str, body: &Json) -> Result<Json, Failure> {
        let (body, host) = (body.to_text(), &self.host);
        write!(
            self.stream.get_mut(),
            "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-amz-json-1.0\r\n\
             X-Amz-Target: AWSStepFunctions.{operation}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let (mut line, mut length) = (String::new(), 0);
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let header = line.trim_end().to_ascii_lowercase();
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            if header.is_empty() {
                break;
            }
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer)?;
        Ok(Json::parse_bytes(&answer)?)
    }

    fn start(&mut self, machine: &str) -> Result<String, Failure> {
        let request =
            Json::object([("stateMachineArn", Json::string(machine)), ("input", Json::string(INPUT))]);
        text(&self.call("StartExecution", &request)?, "executionArn")
    }

    /// Asks until the execution has ended.
    fn wait(&mut self, execution: &str) -> Result<(), Failure> {
        let request = Json::object([("executionArn", Json::string(execution))]);
        loop {
            match text(&self.call("DescribeExecution", &request)?, "status")?.as_str() {
                "SUCCEEDED" => return Ok(()),
                "RUNNING" => std::thread::sleep(Duration::from_millis(1)),
                other => return Err(format!("{execution} is {other}").into()),
            }
        }
    }
}

fn text(answer: &Json, member: &str) -> Result<String, Failure> {
    let value = answer.get(member).and_then(Json::as_str);
    value.map(str::to_owned).ok_or_else(|| format!("the endpoint answered {answer}").into())
}

/// Shares `executions` among `clients`; returns how long each execution took and how long all of them.
fn measure(
    host: &str,
    machine: &str,
    executions: usize,
    clients: usize,
    run: fn(&mut Client, &str, usize) -> Result<Vec<Duration>, Failure>,
) -> Result<(Vec<Duration>, Duration), Failure> {
    let begun = Instant::now();
    let taken = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|client| {
                let share = (executions + client) / clients;
                scope.spawn(move || run(&mut Client::connect(host)?, machine, share))
            })
            .collect();
        let joined =
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("a client died".into())));
        joined.collect::<Result<Vec<_>, Failure>>()
    })?;
    let mut all = taken.concat();
    all.sort();
    Ok((all, begun.elapsed()))
}

/// One after another, each to its end.
fn closed_loop(client: &mut Client, machine: &str, executions: usize) -> Result<Vec<Duration>, Failure> {
    let mut taken = Vec::with_capacity(executions);
    for _ in 0..executions {
        let begun = Instant::now();
        let execution = client.start(machine)?;
        client.wait(&execution)?;
        taken.push(begun.elapsed());
    }
    Ok(taken)
}

/// All are started, then all are waited for.
fn burst(client: &mut Client, machine: &str, executions: usize) -> Result<Vec<Duration>, Failure> {
    let begun = Instant::now();
    let started = (0..executions).map(|_| client.start(machine)).collect::<Result<Vec<_>, _>>()?;
    let waited = started.iter().map(|execution| client.wait(execution).map(|()| begun.elapsed()));
    waited.collect()
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let host = arguments.next().unwrap_or_else(|| "127.0.0.1:4566".to_owned());
    let executions = arguments.next().as_deref().unwrap_or("20000").parse::<usize>()?.max(1);
    let clients = arguments.next().as_deref().unwrap_or("16").parse::<usize>()?.max(1);
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let machine = Json::object([
        ("name", Json::from(format!("load-{seconds}"))),
        ("definition", Json::string(W1)),
        ("roleArn", Json::string("arn:aws:iam::123456789012:role/load")),
    ]);
    let machine = text(&Client::connect(&host)?.call("CreateStateMachine", &machine)?, "stateMachineArn")?;
    let mut out = std::io::stdout().lock();
    for (mode, executions, clients, run) in [
        ("seq", executions.min(1000), 1, closed_loop as fn(&mut Client, &str, usize) -> _),
        ("conc", executions, clients, closed_loop),
        ("burst", executions, clients, burst),
    ] {
        let (taken, wall) = measure(&host, &machine, executions, clients, run)?;
        writeln!(
            out,
            "{mode:5} {executions:6} executions, {clients:2} clients: {:8.0} a second, p50 {:.3} ms, p99 {:.3} ms",
            executions as f64 / wall.as_secs_f64(),
            taken[taken.len() / 2].as_secs_f64() * 1e3,
            taken[taken.len() * 99 / 100].as_secs_f64() * 1e3,
        )?;
    }
    Ok(())
}
