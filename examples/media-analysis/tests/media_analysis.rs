//! The example as `cargo run -p example-media-analysis` runs it, what its roles allow, and whether its mocks are what AWS
//! answers.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use end_to_end_tests::deployment::assert_least_privilege;
use end_to_end_tests::stack;
use local_stack::{CallLog, Config, Fault, FaultTime, Permission};
use serde_json::{Value, json};

const MACHINE: &str = "states:media-analysis";
const REKOGNITION: &str = "rekognition.amazonaws.com";
const MEDIA_CONVERT: &str = "mediaconvert.amazonaws.com";

/// What services that are mocked need, and what they do with the roles that they are handed: caller, action, resource.
const OF_SERVICES: [(&str, &str, &str); 19] = [
    (MACHINE, "mediaconvert:CreateJob", "*"),
    (MACHINE, "mediaconvert:GetJob", "*"),
    (MACHINE, "mediaconvert:CancelJob", "*"),
    (MACHINE, "events:PutTargets", JOB_RULE),
    (MACHINE, "events:PutRule", JOB_RULE),
    (MACHINE, "events:DescribeRule", JOB_RULE),
    (MACHINE, "iam:PassRole", "arn:aws:iam::123456789012:role/TranscodeRole"),
    (MACHINE, "iam:PassRole", "arn:aws:iam::123456789012:role/NotifyRole"),
    (MACHINE, "transcribe:StartTranscriptionJob", "*"),
    (MACHINE, "transcribe:GetTranscriptionJob", "*"),
    (MACHINE, "comprehend:DetectKeyPhrases", "*"),
    (MACHINE, "comprehend:DetectSentiment", "*"),
    (MACHINE, "rekognition:StartLabelDetection", "*"),
    (MACHINE, "rekognition:GetLabelDetection", "*"),
    // Transcribe and Rekognition read the video with the role of who calls them; Transcribe writes so, too.
    (MACHINE, "s3:GetObject", "arn:aws:s3:::media/tour.mp4"),
    (MACHINE, "s3:PutObject", "arn:aws:s3:::results/tour-mp4/transcript.json"),
    (MEDIA_CONVERT, "s3:GetObject", "arn:aws:s3:::media/tour.mp4"),
    (MEDIA_CONVERT, "s3:PutObject", "arn:aws:s3:::results/tour-mp4/video.mp4"),
    (REKOGNITION, "sns:Publish", "arn:aws:sns:us-east-1:123456789012:LabelsDetected"),
];

/// The rule by which Step Functions hears of the ends of MediaConvert's jobs.
const JOB_RULE: &str =
    "arn:aws:events:us-east-1:123456789012:rule/StepFunctionsGetEventsForMediaConvertJobRule";

async fn printed(config: Config) -> String {
    let mut printed = Vec::new();
    let outcome = example_media_analysis::run(config, &mut printed).await;
    let printed = String::from_utf8(printed).unwrap();
    outcome.unwrap_or_else(|error| panic!("{error:?}\n{printed}"));
    printed
}

#[tokio::test]
async fn videos_are_described_and_found_and_a_broken_one_fails_by_the_callback() {
    let printed = printed(example_media_analysis::config().unwrap()).await;
    for line in [
        "failed: Comprehend.TooManyRequestsException",
        r#""terms":["boat","lighthouse","the old harbour","a lighthouse"]"#,
        "failed: Comprehend.UnsupportedLanguageException",
        "NoSpeech",
        "FAILED: AnalysisFailed: LabelDetectionFailed: the job labels-of-broken.mp4 ended as FAILED",
        r#"search     "the old harbour": tour.mp4"#,
    ] {
        assert!(printed.contains(line), "no line says {line}: {printed}");
    }
    let asked = printed.matches("  GetTranscription\n").count();
    assert!(asked >= 6, "twice where it is transcribed, once where it is not: {printed}");
}

#[tokio::test]
async fn a_transcript_that_cannot_be_read_at_once_is_read_again() {
    let mut config = example_media_analysis::config().unwrap();
    config.faults = vec![Fault::every("read-transcript", "S3Error", FaultTime::Before).calls(1..=2)];
    let printed = printed(config).await;
    assert_eq!(printed.matches("failed: S3Error").count(), 2, "{printed}");
}

#[tokio::test]
async fn every_role_allows_what_is_called_and_nothing_more() {
    let log = CallLog::default();
    let mut config = example_media_analysis::config().unwrap();
    config.call_log = Some(log.clone());
    let template = config.iam.clone().unwrap();
    printed(config).await;
    let of_services = OF_SERVICES.map(|call| {
        let (caller, action, resource) = call;
        Permission { caller: caller.into(), action: action.into(), resource: resource.into() }
    });
    assert_least_privilege(&template, log.permissions().into_iter().chain(of_services));
}

/// All states of a machine, those of its branches too, by their names.
fn states<'a>(machine: &'a Value, found: &mut Vec<(&'a str, &'a Value)>) {
    for (name, state) in machine["States"].as_object().unwrap() {
        found.push((name, state));
        for branch in state["Branches"].as_array().into_iter().flatten() {
            states(branch, found);
        }
    }
}

#[tokio::test]
async fn the_mocks_are_what_the_apis_answer() {
    let stack = stack::start().await;
    let machine = include_str!("../media-analysis.asl.json").replace("${Partition}", "aws");
    let machine: Value = serde_json::from_str(&machine).unwrap();
    let mocks: Value = serde_json::from_str(include_str!("../services.mock.json")).unwrap();
    let mut all = Vec::new();
    states(&machine, &mut all);
    let variables = json!({"key": "k", "name": "n", "text": "t", "language": "en-US"}).to_string();
    let test = |state: &str, mock: Value| {
        let (_, state) = all.iter().find(|(name, _)| *name == state).unwrap();
        let mut state = (*state).clone();
        state["QueryLanguage"] = json!("JSONata");
        json!({"definition": state.to_string(), "variables": variables, "input": "\"job\"", "mock": mock})
    };
    let mut checked = 0;
    for case in mocks["StateMachines"]["media-analysis"]["TestCases"].as_object().unwrap().values() {
        for (state, responses) in case.as_object().unwrap() {
            let responses = &mocks["MockedResponses"][responses.as_str().unwrap()];
            for answer in responses.as_object().unwrap().values().filter_map(|one| one.get("Return")) {
                let mock = json!({"result": answer.to_string(), "fieldValidationMode": "STRICT"});
                let tested = stack.step_functions("TestState", test(state, mock)).await;
                assert_eq!(tested["status"], "SUCCEEDED", "{state}: {tested}");
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 20);
}
