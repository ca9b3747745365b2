//! What a draw costs on AWS, computed from draws on the local stack: `docs/cost.md` says what this finds.
//!
//! Small draws are recorded, and what they use grows in a straight line with entries and with winners: a fourth draw
//! shows that it does. `UPDATE_DOCS=1` writes the tables anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use local_stack::{CallLog, Usage};
use serde_json::json;

use end_to_end_tests::{Client, stack};

/// US dollars in us-east-1, November 2026, without free tiers.
mod price {
    pub(super) const TRANSITION: f64 = 25.0 / 1e6;
    pub(super) const LAMBDA_REQUEST: f64 = 0.20 / 1e6;
    pub(super) const LAMBDA_GB_SECOND: f64 = 0.000_013_333_4;
    pub(super) const WRITE_UNIT: f64 = 0.625 / 1e6;
    pub(super) const READ_UNIT: f64 = 0.125 / 1e6;
    pub(super) const SMS: f64 = 0.006_45;
    pub(super) const EMAIL: f64 = 0.10 / 1e3;
}

/// How long a call of AWS takes from within the region, and how long a function works on one entry: both rather more
/// than is usual, and added up as if nothing went on at the same time.
const SECONDS_PER_CALL: f64 = 0.010;
const SECONDS_PER_ENTRY: f64 = 0.000_010;

/// How many SMS and e-mails a second a deployment hands over with its default parameters, and for how long one run does.
const MESSAGES_PER_SECOND: [(&str, f64); 2] = [("send-sms", 20.0), ("send-email", 14.0)];
const SECONDS_PER_RUN: f64 = 60.0;

/// What something uses, by the names of the columns.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Use {
    transitions: f64,
    invocations: f64,
    gb_seconds: f64,
    write_units: f64,
    read_units: f64,
    sms: f64,
    emails: f64,
}

impl Use {
    /// Both, each in its measure.
    fn mix(self, a: f64, other: Use, b: f64) -> Use {
        let mix = |of: fn(&Use) -> f64| a * of(&self) + b * of(&other);
        Use {
            transitions: mix(|it| it.transitions),
            invocations: mix(|it| it.invocations),
            gb_seconds: mix(|it| it.gb_seconds),
            write_units: mix(|it| it.write_units),
            read_units: mix(|it| it.read_units),
            sms: mix(|it| it.sms),
            emails: mix(|it| it.emails),
        }
    }

    fn columns(&self) -> [f64; 7] {
        let Use { transitions, invocations, gb_seconds, write_units, read_units, sms, emails } = *self;
        [transitions, invocations, gb_seconds, write_units, read_units, sms, emails]
    }

    /// In US dollars: what AWS computes, and what the messages cost.
    fn dollars(&self) -> (f64, f64) {
        let computing = self.transitions * price::TRANSITION
            + self.invocations * price::LAMBDA_REQUEST
            + self.gb_seconds * price::LAMBDA_GB_SECOND
            + self.write_units * price::WRITE_UNIT
            + self.read_units * price::READ_UNIT;
        (computing, self.sms * price::SMS + self.emails * price::EMAIL)
    }
}

/// A recorded draw, and the import before it.
struct Recording {
    import: Use,
    draw: Use,
}

/// Records a draw of so many winners among so many entries, each of whom has a phone and an e-mail address.
async fn record(entries: u32, winners: u32, memory: &BTreeMap<String, f64>) -> Recording {
    let log = CallLog::default();
    let stack = stack::start_with(|config| {
        config.call_log = Some(log.clone());
        // It would be counted too, and costs the same without a draw.
        config.reconcile_every = std::time::Duration::from_secs(3_600);
    })
    .await;
    let client = stack.client();
    let lottery = json!({"id": "party", "name": "Company party", "email_through": "ses"});
    client.post("/lotteries", &lottery).await.expect(201);
    let mut csv = "participant_id,name,phone,email\n".to_owned();
    for number in 0..entries {
        let _ = writeln!(csv, "{number:07},Somebody,+1202{number:07},somebody.{number:07}@example.com");
    }
    let report = client.import("party", &csv).await;
    assert_eq!(report["accepted"], entries, "{report}");
    let import = used(&log.usage(), memory, 0, |caller| caller == "api");

    let draw = client.run_draw("party", json!({ "winners": winners })).await;
    assert_eq!(draw["status"], "SUCCEEDED", "{draw}");
    let name = format!("draw-{}", draw["draw_id"].as_str().unwrap());
    let transitions = transitions(&client, &name).await;
    let tasks = used(&log.usage(), memory, entries, |caller| caller != "api" && caller != "set-up");
    Recording { import, draw: Use { transitions, ..tasks } }
}

async fn transitions(client: &Client, execution: &str) -> f64 {
    let ended = format!("/local/executions/{execution}");
    end_to_end_tests::eventually("the execution's end", async || {
        (client.get(&ended).await.expect(200)["status"] == "SUCCEEDED").then_some(())
    })
    .await;
    let (mut entered, mut after) = (0, 0);
    loop {
        let page = client.get(&format!("{ended}?after={after}")).await.expect(200);
        let events = page["events"].as_array().unwrap();
        entered += events.iter().filter(|it| it["type"].as_str().unwrap().ends_with("StateEntered")).count();
        after += events.len();
        if events.is_empty() || page["more_events"] != true {
            return entered as f64;
        }
    }
}

fn used(
    usage: &BTreeMap<(String, String), Usage>,
    memory: &BTreeMap<String, f64>,
    entries: u32,
    counts: impl Fn(&str) -> bool,
) -> Use {
    let mut sum = Use::default();
    for ((caller, operation), Usage { calls, units }) in usage {
        if !counts(caller) {
            continue;
        }
        let calls = *calls as f64;
        match operation.as_str() {
            "lambda:Invoke" => sum.invocations += calls,
            "sns:Publish" => sum.sms += calls,
            "ses:SendEmail" => sum.emails += calls,
            "dynamodb:GetItem" | "dynamodb:Query" | "dynamodb:BatchGetItem" => sum.read_units += units,
            operation if operation.starts_with("dynamodb:") => sum.write_units += units,
            _ => {}
        }
        // These two wait for their turns all the time: see `pacing`.
        let is_paced = MESSAGES_PER_SECOND.iter().any(|(function, _)| function == caller);
        if let Some(memory) = memory.get(caller).filter(|_| !is_paced) {
            sum.gb_seconds += calls * SECONDS_PER_CALL * memory;
        }
    }
    for function in ["seal-entries", "draw-winners"] {
        sum.gb_seconds += f64::from(entries) * SECONDS_PER_ENTRY * memory[function];
    }
    sum
}

/// What it adds to a draw recorded without rates that messages are handed over at the rates of the services: the seconds
/// of the functions that wait for their turns, and for each further minute a run of two states.
fn pacing(winners: f64, memory: &BTreeMap<String, f64>) -> Use {
    let mut sum = Use::default();
    for (function, rate) in MESSAGES_PER_SECOND {
        let seconds = winners / rate;
        let further_runs = ((seconds / SECONDS_PER_RUN).ceil() - 1.0).max(0.0);
        sum.gb_seconds += seconds * memory[function];
        sum.transitions += 2.0 * further_runs;
        sum.invocations += further_runs;
    }
    sum
}

/// What is measured, and how it grows.
struct Model {
    /// 80 winners of 1,000.
    eighty: Use,
    per_entry: Use,
    per_winner: Use,
    import_per_entry: Use,
}

impl Model {
    async fn record(memory: &BTreeMap<String, f64>) -> Self {
        let (eighty, more_winners, more_entries) =
            tokio::join!(record(1_000, 80, memory), record(1_000, 160, memory), record(2_000, 80, memory),);
        let slope = |from: Use, to: Use, steps: f64| to.mix(1.0 / steps, from, -1.0 / steps);
        Self {
            eighty: eighty.draw,
            per_entry: slope(eighty.draw, more_entries.draw, 1_000.0),
            per_winner: slope(eighty.draw, more_winners.draw, 80.0),
            import_per_entry: slope(eighty.import, more_entries.import, 1_000.0),
        }
    }

    fn draw(&self, entries: f64, winners: f64) -> Use {
        self.eighty.mix(1.0, self.per_entry, entries - 1_000.0).mix(1.0, self.per_winner, winners - 80.0)
    }
}

const ENTRIES: f64 = 1e6;
const BEGIN: &str = "<!-- Computed by tests/e2e/costs.rs -->\n";
const END: &str = "<!-- End of what is computed -->\n";

#[tokio::test]
async fn the_cost_page_says_what_draws_use() {
    let memory = end_to_end_tests::deployment::memory_in_gb();
    let model = Model::record(&memory).await;

    let measured = record(1_500, 120, &memory).await.draw;
    let predicted = model.draw(1_500.0, 120.0);
    for (measured, predicted) in measured.columns().into_iter().zip(predicted.columns()) {
        assert!(is_close(measured, predicted, 0.03), "not a straight line: {measured} is not {predicted}");
    }

    let draws = [10.0, 1_000.0, 10_000.0]
        .map(|winners| (winners, model.draw(ENTRIES, winners).mix(1.0, pacing(winners, &memory), 1.0)));
    let table = table(&draws, model.import_per_entry.mix(ENTRIES, Use::default(), 0.0));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cost.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    let (written, computed) = (numbers(written), numbers(&table));
    let same = written.len() == computed.len()
        && written.iter().zip(&computed).all(|(written, computed)| is_close(*written, *computed, 0.05));
    assert!(same, "docs/cost.md is stale; write it anew with UPDATE_DOCS=1:\n{table}");
}

fn is_close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * a.abs().max(b.abs()) + 2.0 * f64::EPSILON
}

fn table(draws: &[(f64, Use)], import: Use) -> String {
    let mut text = "\n| 1,000,000 entries | state transitions | invocations | GB-s | write units | read units | SMS | e-mails | \
         AWS without messages | messages |\n| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |\n"
        .to_owned();
    let named = draws.iter().map(|(winners, used)| (format!("{} winners", rounded(*winners)), used));
    for (name, used) in named.chain([("importing them, once".to_owned(), &import)]) {
        let _ = write!(text, "| {name} |");
        for column in used.columns() {
            let _ = write!(text, " {} |", rounded(column));
        }
        let (computing, messages) = used.dollars();
        let _ = writeln!(text, " ${computing:.2} | ${messages:.2} |");
    }
    text.push('\n');
    text
}

/// To three digits, with commas.
fn rounded(number: f64) -> String {
    if number < 0.5 {
        return "0".to_owned();
    }
    let unit = 10_f64.powf((number.log10().floor() - 2.0).max(0.0));
    let digits = format!("{:.0}", (number / unit).round() * unit);
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The numbers of a table.
fn numbers(table: &str) -> Vec<f64> {
    let cells = table.split(['|', '\n']).map(|cell| cell.trim().trim_start_matches('$').replace(',', ""));
    cells.filter_map(|cell| cell.parse().ok()).collect()
}
