//! Behind the state `ReadTranscript`: the words of what Transcribe has written, as many as Comprehend takes.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, SdkError};
use lambda_runtime::Diagnostic;
use serde::{Deserialize, Serialize};

/// The longest text whose sentiment Comprehend detects, in bytes of UTF-8.
const MAX_BYTES: usize = 5_000;

/// Where the transcript is.
#[derive(Debug, Deserialize)]
pub struct Input {
    bucket: String,
    key: String,
}

/// What is said.
#[derive(Debug, PartialEq, Serialize)]
pub struct Output {
    /// Empty if nothing is.
    text: String,
}

/// Why it is not known.
#[derive(Debug)]
pub enum Failure {
    /// The object is no transcript: to try again is of no use.
    Unreadable(serde_json::Error),
    /// S3 did not give it. That can pass.
    S3(String),
}

/// `Retry` of the state machine names these errors.
impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Diagnostic {
        let (error_type, error_message) = match failure {
            Failure::Unreadable(error) => ("TranscriptUnreadable", error.to_string()),
            Failure::S3(reason) => ("S3Error", reason),
        };
        Diagnostic { error_type: error_type.to_owned(), error_message }
    }
}

impl<E: std::error::Error + 'static> From<SdkError<E>> for Failure {
    fn from(error: SdkError<E>) -> Failure {
        Failure::S3(DisplayErrorContext(error).to_string())
    }
}

/// What is read of a transcript: not the time of each word, of which an hour has megabytes.
#[derive(Deserialize)]
struct Transcript {
    results: Results,
}

#[derive(Deserialize)]
struct Results {
    transcripts: Vec<Words>,
}

#[derive(Deserialize)]
struct Words {
    transcript: String,
}

/// Reads a transcript and returns its beginning.
///
/// # Errors
/// If it cannot be read, or is none.
pub async fn handle(s3: &Client, input: Input) -> Result<Output, Failure> {
    let object = s3.get_object().bucket(&input.bucket).key(&input.key).send().await?;
    let body = object.body.collect().await.map_err(|error| Failure::S3(error.to_string()))?;
    let transcript: Transcript = serde_json::from_slice(&body.into_bytes()).map_err(Failure::Unreadable)?;
    let words: Vec<_> = transcript.results.transcripts.into_iter().map(|words| words.transcript).collect();
    let words = words.join(" ");
    let text = beginning(words.trim(), MAX_BYTES).to_owned();
    tracing::info!(key = input.key, bytes = words.len(), taken = text.len(), "a transcript");
    Ok(Output { text })
}

/// As much of a text as fits: whole sentences if one ends in the second half, whole words otherwise, and whole characters
/// in any case.
fn beginning(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let cut = &text[..text.floor_char_boundary(max)];
    let end_of_sentence = cut.rfind(['.', '!', '?', '。', '！', '？']).filter(|end| *end > max / 2);
    let end = end_of_sentence.map(|end| end + cut[end..].chars().next().map_or(0, char::len_utf8));
    let ends_with_a_word = text[cut.len()..].starts_with(char::is_whitespace);
    let last_word = || cut.rfind(char::is_whitespace).filter(|_| !ends_with_a_word);
    let end = end.or_else(last_word).unwrap_or(cut.len());
    cut[..end].trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_after_a_sentence_a_word_or_a_character() {
        for (text, max, expected) in [
            ("Short.", 10, "Short."),
            ("One is said. Two is not", 20, "One is said."),
            ("A. and then on and on", 18, "A. and then on and"),
            ("今天天气很好。我们去海边", 24, "今天天气很好。"),
            ("今天天气很好我们去海边", 10, "今天天"),
        ] {
            assert_eq!(beginning(text, max), expected);
        }
    }
}
