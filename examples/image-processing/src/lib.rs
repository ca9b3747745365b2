//! A picture arrives in S3, and its metadata, its labels and a thumbnail come of it.
//!
//! - [`extract_metadata`], [`generate_thumbnail`]: the Lambda functions; `src/bin` has a binary for each
//! - [`config`], [`run`]: a local stack with the example, and the pictures of `pictures/` put into it

pub mod extract_metadata;
pub mod generate_thumbnail;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::Client;
use aws_sdk_sfn::types::ExecutionStatus::{Failed, Succeeded};
use example_support::{Ended, LocalStack};
use local_stack::{Config, Deployment, Handlers, Lottery, Mocks, Template};

/// The state machine that the template deploys.
const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:image-processing";

/// The pictures, and the state in which each ends.
const PICTURES: [(&str, &[u8], &str); 4] = [
    ("harbour.jpg", include_bytes!("../pictures/harbour.jpg"), "StoreMetadata"),
    ("logo.png", include_bytes!("../pictures/logo.png"), "StoreMetadata"),
    // A picture, but none that Rekognition takes.
    ("spinner.gif", include_bytes!("../pictures/spinner.gif"), "NotSupportedImageType"),
    // No picture at all.
    ("shopping-list.jpg", include_bytes!("../pictures/shopping-list.jpg"), "NotSupportedImageType"),
];

/// The functions of the template, as their binaries run them.
pub fn handlers() -> Handlers {
    let handlers = Handlers::default().with("extract-metadata", |sdk| {
        let s3 = Client::new(sdk);
        move |input| {
            let s3 = s3.clone();
            async move { extract_metadata::handle(&s3, input).await }
        }
    });
    handlers.with("generate-thumbnail", |sdk| {
        let s3 = Client::new(sdk);
        move |input| {
            let s3 = s3.clone();
            async move { generate_thumbnail::handle(&s3, "thumbnails", input).await }
        }
    })
}

/// A stack in memory that has what the template deploys, and allows what its roles allow. `test_case` of the mock file says
/// what Rekognition answers.
///
/// # Errors
/// If the template or the mock file cannot be used.
pub fn config(test_case: &str) -> anyhow::Result<Config> {
    let template = Template::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("template.yaml"))?;
    let mocks = Mocks::parse(include_str!("../rekognition.mock.json"))?;
    Ok(Config {
        lottery: Lottery::Absent,
        handlers: handlers(),
        iam: Some(template.clone()),
        deployment: Some(Deployment { template, test_case: Some(test_case.to_owned()) }),
        mocks: Some(Arc::new(mocks)),
        ..Config::in_memory()
    })
}

/// Starts the stack, uploads each picture, and prints what happened state by state.
///
/// # Errors
/// If the stack does not start, or a picture has another end than the README says.
pub async fn run(config: Config, out: &mut impl Write) -> anyhow::Result<()> {
    let stack = LocalStack::start(config).await?;
    for (count, (key, bytes, last_state)) in PICTURES.iter().enumerate() {
        let ended = upload(&stack, key, bytes, count, out).await?;
        let last = ended.states.last().map(String::as_str);
        ensure!(last == Some(*last_state), "{key} ended in {last:?} instead of {last_state}");
        match ended.status {
            Succeeded => show(&stack, key, out).await?,
            status => {
                ensure!(status == Failed, "{key} is {}", status.as_str());
                let error = ended.error.as_deref();
                ensure!(error == Some("NotSupportedImageType"), "{key} failed by {error:?}");
            }
        }
    }
    stack.shutdown().await?;
    writeln!(out, "\nEach picture has ended as it should.")?;
    Ok(())
}

/// Puts a picture into the bucket, whose event starts an execution, and follows this to its end.
async fn upload(
    stack: &LocalStack,
    key: &str,
    bytes: &'static [u8],
    before: usize,
    out: &mut impl Write,
) -> anyhow::Result<Ended> {
    writeln!(out, "\n{key}, {} bytes, goes into the bucket", bytes.len())?;
    let put = Client::new(&stack.sdk).put_object().bucket("pictures").key(key);
    put.body(aws_sdk_s3::primitives::ByteStream::from_static(bytes)).send().await?;
    let execution = stack.next_execution(MACHINE, before).await?;
    stack.follow(&execution, out).await
}

/// Prints what the table knows of a picture, and how large its thumbnail is.
async fn show(stack: &LocalStack, key: &str, out: &mut impl Write) -> anyhow::Result<()> {
    let table = aws_sdk_dynamodb::Client::new(&stack.sdk);
    let get = table.get_item().table_name("Pictures").key("key", AttributeValue::S(key.to_owned()));
    let item = get.send().await?.item.with_context(|| format!("the table knows nothing of {key}"))?;
    let number = |name| item.get(name).and_then(|value| value.as_n().ok()).map_or("?", String::as_str);
    let texts = |values: &[AttributeValue]| {
        let texts: Vec<_> = values.iter().filter_map(|value| value.as_s().ok()).cloned().collect();
        texts.join(", ")
    };
    let labels = item.get("labels").and_then(|labels| labels.as_l().ok()).map(|labels| texts(labels));
    let camera = item.get("exif").and_then(|exif| exif.as_m().ok());
    // In the order of their names.
    let camera: BTreeMap<_, _> = camera.into_iter().flatten().collect();
    let camera = texts(&camera.into_values().cloned().collect::<Vec<_>>());
    let thumbnail = item.get("thumbnail").and_then(|key| key.as_s().ok()).context("it has a thumbnail")?;
    let object = Client::new(&stack.sdk).get_object().bucket("thumbnails").key(thumbnail).send().await?;
    let small = image::load_from_memory(&object.body.collect().await?.into_bytes())?;
    writeln!(out, "  table      {} × {}; {}", number("width"), number("height"), labels.unwrap_or_default())?;
    if !camera.is_empty() {
        writeln!(out, "             {camera}")?;
    }
    writeln!(out, "  thumbnail  {thumbnail}, {} × {}", small.width(), small.height())?;
    Ok(())
}
