//! Behind the state `ExtractMetadata`: what a picture in S3 says of itself.

use std::collections::BTreeMap;
use std::io::Cursor;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, SdkError};
use exif::{In, Tag};
use image::ImageReader;
use lambda_runtime::Diagnostic;
use serde::{Deserialize, Serialize};

/// The largest picture that is read, in bytes: what Rekognition takes from S3.
const MAX_BYTES: u64 = 15 * 1024 * 1024;

/// What is kept of EXIF, and as what. Where a picture was taken is nobody's business.
const FIELDS: [(Tag, &str); 5] = [
    (Tag::Make, "make"),
    (Tag::Model, "model"),
    (Tag::DateTimeOriginal, "taken_at"),
    (Tag::ExposureTime, "exposure"),
    (Tag::FNumber, "aperture"),
];

/// Which picture.
#[derive(Debug, Deserialize)]
pub struct Input {
    bucket: String,
    key: String,
}

/// What it says.
#[derive(Debug, PartialEq, Serialize)]
pub struct Metadata {
    /// `JPEG`, `PNG` or `GIF`.
    format: &'static str,
    /// In pixels, as stored.
    width: u32,
    /// In pixels, as stored.
    height: u32,
    /// The size of the object.
    bytes: u64,
    /// What the camera wrote, for people to read.
    exif: BTreeMap<&'static str, String>,
}

/// Why there is no metadata.
#[derive(Debug, PartialEq)]
pub enum Failure {
    /// It is no picture, or none that is known here: to try again is of no use.
    Identify(String),
    /// It has this many bytes.
    TooLarge(u64),
    /// S3 did not give it. That can pass.
    S3(String),
}

/// `Retry` and `Catch` of the state machine name these errors.
impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Diagnostic {
        let (error_type, error_message) = match failure {
            Failure::Identify(reason) => ("ImageIdentifyError", reason),
            Failure::TooLarge(bytes) => ("ImageTooLarge", format!("{bytes} bytes are more than {MAX_BYTES}")),
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

/// Reads the picture and what it says of itself.
///
/// # Errors
/// If it cannot be read, or is no picture.
pub async fn handle(s3: &Client, input: Input) -> Result<Metadata, Failure> {
    let object = s3.get_object().bucket(&input.bucket).key(&input.key).send().await?;
    let bytes = object.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or(0);
    if bytes > MAX_BYTES {
        return Err(Failure::TooLarge(bytes));
    }
    let body = object.body.collect().await.map_err(|error| Failure::S3(error.to_string()))?;
    let metadata = metadata(&body.into_bytes())?;
    tracing::info!(key = input.key, ?metadata, "a picture");
    Ok(metadata)
}

fn metadata(picture: &[u8]) -> Result<Metadata, Failure> {
    let identify = |error: image::ImageError| Failure::Identify(error.to_string());
    let reader = ImageReader::new(Cursor::new(picture)).with_guessed_format();
    let reader = reader.map_err(|error| Failure::Identify(error.to_string()))?;
    let format = match reader.format() {
        Some(image::ImageFormat::Jpeg) => "JPEG",
        Some(image::ImageFormat::Png) => "PNG",
        Some(image::ImageFormat::Gif) => "GIF",
        Some(other) => return Err(Failure::Identify(format!("pictures in {other:?} are not read here"))),
        None => return Err(Failure::Identify("it does not begin as a picture does".to_owned())),
    };
    let (width, height) = reader.into_dimensions().map_err(identify)?;
    Ok(Metadata { format, width, height, bytes: picture.len() as u64, exif: exif(picture) })
}

/// What the camera wrote; nothing if it wrote nothing, or something that cannot be read.
fn exif(picture: &[u8]) -> BTreeMap<&'static str, String> {
    let mut reader = exif::Reader::new();
    // Many a camera writes something wrong beside what is right.
    let found = reader.continue_on_error(true).read_from_container(&mut Cursor::new(picture));
    let Ok(found) = found.or_else(|error| error.distill_partial_result(|_| {})) else {
        return BTreeMap::new();
    };
    let text = |tag| {
        let field = found.get_field(tag, In::PRIMARY)?;
        Some(field.display_value().with_unit(&found).to_string().trim_matches('"').to_owned())
    };
    FIELDS.iter().filter_map(|(tag, name)| Some((*name, text(*tag)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photograph_says_its_size_and_its_camera_and_not_where_it_was_taken() {
        let metadata = metadata(include_bytes!("../pictures/harbour.jpg")).unwrap();
        assert_eq!((metadata.format, metadata.width, metadata.height), ("JPEG", 240, 320));
        let exif: Vec<_> = metadata.exif.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let expected = [("exposure", "1/250 s"), ("make", "Obscura"), ("model", "Mark I")];
        assert_eq!(exif[..3], expected);
        assert_eq!(exif[3..], [("taken_at", "2026-06-21 18:30:00")]);
    }

    #[test]
    fn what_is_no_picture_has_an_error_of_its_own() {
        for bytes in [&b""[..], b"milk, bread, eggs", b"\xff\xd8\xff\xe0 cut off", b"\x89PNG\r\n\x1a\n"] {
            assert!(matches!(metadata(bytes), Err(Failure::Identify(_))), "{bytes:?}");
        }
        let gif = metadata(include_bytes!("../pictures/spinner.gif")).unwrap();
        assert_eq!((gif.format, gif.exif.len()), ("GIF", 0));
    }
}
