//! A video is transcoded, transcribed and labelled, and can be found by what is said and seen in it.
//!
//! - [`read_transcript`], [`report_labels`]: the Lambda functions; `src/bin` has a binary for each
//! - [`Rekognition`]: the service that calls back, on this machine; `services.mock.json` answers for the others
//! - [`config`], [`run`]: a local stack with the example, and five videos analysed in it

pub mod read_transcript;
mod rekognition;
pub mod report_labels;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sfn::types::ExecutionStatus::{Failed, Succeeded};
use example_support::{Ended, LocalStack};
use local_stack::{Config, Deployment, Handlers, Lottery, Mocks, Template};
use serde_json::{Value, json};

pub use rekognition::Rekognition;

/// The state machine that the template deploys.
const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:media-analysis";

/// By what the time of Wait states is multiplied: nobody transcribes here.
const WAIT_TIME_SCALE: f64 = 0.01;

/// What Transcribe would write.
const TRANSCRIPT: &[u8] = include_bytes!("../data/transcript.json");

/// The functions of the template, as their binaries run them.
pub fn handlers() -> Handlers {
    let handlers = Handlers::default().with("read-transcript", |sdk| {
        let s3 = Client::new(sdk);
        move |input| {
            let s3 = s3.clone();
            async move { read_transcript::handle(&s3, input).await }
        }
    });
    handlers.with("report-labels", |sdk| {
        let sfn = aws_sdk_sfn::Client::new(sdk);
        move |event| {
            let sfn = sfn.clone();
            async move { report_labels::handle(&sfn, event).await }
        }
    })
}

/// A stack in memory that has what the template deploys, and allows what its roles allow.
///
/// # Errors
/// If the template or the mock file cannot be used.
pub fn config() -> anyhow::Result<Config> {
    let template = Template::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("template.yaml"))?;
    let mocks = Mocks::parse(include_str!("../services.mock.json"))?;
    Ok(Config {
        lottery: Lottery::Absent,
        handlers: handlers(),
        iam: Some(template.clone()),
        deployment: Some(Deployment { template, test_case: None }),
        mocks: Some(Arc::new(mocks)),
        wait_time_scale: Some(WAIT_TIME_SCALE),
        ..Config::in_memory()
    })
}

/// Starts the stack, has videos analysed, and prints what happened state by state.
///
/// # Errors
/// If the stack does not start, or a video has another end than the README says.
pub async fn run(config: Config, out: &mut impl Write) -> anyhow::Result<()> {
    let studio = Studio::start(config).await?;
    let tour = studio.analyse("tour.mp4", "Tour", out).await?;
    ensure!(tour.status == Succeeded, "the tour failed by {:?}: {:?}", tour.error, tour.cause);
    let result = studio.result(&tour).await?;
    ensure!(result["speech"]["sentiment"] == "POSITIVE", "the tour is {}", result["speech"]);

    let silent = studio.analyse("silent.mp4", "Silent", out).await?;
    ensure!(silent.status == Succeeded, "the silent video failed by {:?}: {:?}", silent.error, silent.cause);

    let black = studio.analyse("black.mp4", "Black", out).await?;
    ensure!(black.output["terms"] == json!([]), "of the black video is known {}", black.output);

    let foreign = studio.analyse("foreign.mp4", "UnknownLanguage", out).await?;
    ensure!(
        foreign.status == Succeeded,
        "the foreign video failed by {:?}: {:?}",
        foreign.error,
        foreign.cause
    );
    let result = studio.result(&foreign).await?;
    ensure!(result["speech"]["phrases"] == json!([]), "of the foreign video is known {}", result["speech"]);

    let broken = studio.analyse("broken.mp4", "Silent", out).await?;
    ensure!(broken.status == Failed, "the broken video is {}", broken.status.as_str());
    ensure!(broken.error.as_deref() == Some("AnalysisFailed"), "it failed by {:?}", broken.error);

    writeln!(out)?;
    studio.search("boat", &["foreign.mp4", "silent.mp4", "tour.mp4"], out).await?;
    studio.search("the old harbour", &["tour.mp4"], out).await?;
    studio.stack.shutdown().await?;
    writeln!(out, "\nEach video has ended as it should.")?;
    Ok(())
}

/// The stack, with Rekognition beside it.
struct Studio {
    stack: LocalStack,
    s3: Client,
    table: aws_sdk_dynamodb::Client,
    /// Served as long as this lives.
    _rekognition: Rekognition,
}

impl Studio {
    async fn start(mut config: Config) -> anyhow::Result<Studio> {
        let rekognition = Rekognition::start().await?;
        config.endpoints.add(&format!("rekognition={}", rekognition.url))?;
        let stack = LocalStack::start(config).await?;
        rekognition.report_to(&stack.aws_url);
        let (s3, table) = (Client::new(&stack.sdk), aws_sdk_dynamodb::Client::new(&stack.sdk));
        Ok(Studio { stack, s3, table, _rekognition: rekognition })
    }

    /// Starts an execution as the API does, and follows it to its end. `test_case` of the mock file says what the services
    /// answer; Transcribe's file is there already.
    async fn analyse(&self, key: &str, test_case: &str, out: &mut impl Write) -> anyhow::Result<Ended> {
        writeln!(out, "\n{key}")?;
        let name = key.replace('.', "-");
        let put = self.s3.put_object().bucket("results").key(format!("{name}/transcript.json"));
        put.body(ByteStream::from_static(TRANSCRIPT)).send().await?;
        let start = self.stack.sfn.start_execution().state_machine_arn(format!("{MACHINE}#{test_case}"));
        let input = json!({"key": key}).to_string();
        let execution = start.name(name).input(input).send().await?.execution_arn;
        self.stack.follow(&execution, out).await
    }

    /// The result of an execution, from the bucket.
    async fn result(&self, ended: &Ended) -> anyhow::Result<Value> {
        let key = ended.output["result"].as_str().context("it has a result")?;
        let object = self.s3.get_object().bucket("results").key(key).send().await?;
        Ok(serde_json::from_slice(&object.body.collect().await?.into_bytes())?)
    }

    /// Looks a term up, and fails if other videos are found than these.
    async fn search(&self, term: &str, expected: &[&str], out: &mut impl Write) -> anyhow::Result<()> {
        let query = self.table.query().table_name("Index").key_condition_expression("term = :term");
        let query = query.expression_attribute_values(":term", AttributeValue::S(term.to_owned()));
        let found = query.send().await?;
        let media = found.items().iter().filter_map(|item| item.get("media")?.as_s().ok());
        let media: Vec<&str> = media.map(String::as_str).collect();
        ensure!(media == expected, "{term:?} finds {media:?}");
        writeln!(out, "  search     {term:?}: {}", media.join(", "))?;
        Ok(())
    }
}
