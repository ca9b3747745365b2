//! The three verifiers, asked the same: ours, the one in Python, and the page's under node.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lottery::verify::{Options, verify};
use serde_json::Value;

/// What a verifier says: a verdict, and the step that does not hold if it is `refused`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) verdict: String,
    pub(crate) step: Option<String>,
}

/// A program that answers each line with a line.
struct Program {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// The two verifiers that are programs of their own, running.
pub(crate) struct Others {
    programs: [(&'static str, Program); 2],
}

/// What `verify-draw` says.
pub(crate) fn ours(proof: &[u8]) -> Said {
    let report = verify(proof, &Options::default());
    let outcome = serde_json::to_value(report.outcome).unwrap();
    let said = Said {
        verdict: outcome.as_str().unwrap().to_owned(),
        step: report.broken().map(|step| step.to_string()),
    };
    assert_eq!(said.verdict == "refused", said.step.is_some(), "{report}");
    assert_eq!(report.holds, ["holds", "consistent"].contains(&said.verdict.as_str()), "{report}");
    said
}

impl Program {
    fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    fn send(&mut self, line: &str) {
        self.input.write_all(line.as_bytes()).unwrap();
    }

    fn receive(&mut self) -> Said {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).expect("the verifier answers every proof");
        let text = |name: &str| said[name].as_str().map(str::to_owned);
        Said { verdict: text("verdict").unwrap(), step: text("step") }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Others {
    /// Starts them. The tests need `python3` and `node`.
    pub(crate) fn start() -> Self {
        let lottery = Path::new(env!("CARGO_MANIFEST_DIR"));
        let tests = lottery.join("tests");
        let python = Program::start(
            Command::new("python3").arg(tests.join("second_verifier/verify.py")).arg("--lines"),
        );
        // The page's modules are read where they lie, as a browser would: nothing of them is compiled in.
        let page = lottery.join("../api/web/verify");
        let node = Program::start(Command::new("node").arg(tests.join("page_verifier.mjs")).arg(page));
        Self { programs: [("the second verifier", python), ("the page", node)] }
    }

    /// Gives them a proof, whose answer is to be heard.
    pub(crate) fn ask(&mut self, proof: &[u8]) {
        let line = STANDARD.encode(proof) + "\n";
        self.programs.iter_mut().for_each(|(_, program)| program.send(&line));
    }

    /// What they say, by name, of the proof that was asked first.
    pub(crate) fn hear(&mut self) -> [(&'static str, Said); 2] {
        self.programs.each_mut().map(|(name, program)| (*name, program.receive()))
    }
}
