//! Behind the state `GenerateThumbnail`: a small picture of a picture, in another bucket.

use std::io::Cursor;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, SdkError};
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use lambda_runtime::Diagnostic;
use serde::{Deserialize, Serialize};

/// The longer side of a thumbnail, in pixels.
const SIDE: u32 = 96;

/// The largest picture that is decoded: a few bytes can claim to be gigapixels.
const MAX_SIDE: u32 = 16_384;

/// The memory that decoding may take, in bytes. The function has 1769 MB.
const MAX_MEMORY: u64 = 1024 * 1024 * 1024;

/// Which picture.
#[derive(Debug, Deserialize)]
pub struct Input {
    bucket: String,
    key: String,
}

/// Where the thumbnail is, and its size in pixels.
#[derive(Debug, PartialEq, Serialize)]
pub struct Thumbnail {
    bucket: String,
    key: String,
    width: u32,
    height: u32,
}

/// Why there is no thumbnail.
#[derive(Debug)]
pub enum Failure {
    /// The picture cannot be decoded: to try again is of no use.
    Decode(ImageError),
    /// S3 did not give it, or did not take the thumbnail. That can pass.
    S3(String),
}

/// `Retry` and `Catch` of the state machine name these errors.
impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Diagnostic {
        let (error_type, error_message) = match failure {
            Failure::Decode(error) => ("ImageDecodeError", error.to_string()),
            Failure::S3(reason) => ("S3Error", reason),
        };
        Diagnostic { error_type: error_type.to_owned(), error_message }
    }
}

impl From<ImageError> for Failure {
    fn from(error: ImageError) -> Failure {
        Failure::Decode(error)
    }
}

impl<E: std::error::Error + 'static> From<SdkError<E>> for Failure {
    fn from(error: SdkError<E>) -> Failure {
        Failure::S3(DisplayErrorContext(error).to_string())
    }
}

/// Reads the picture and stores its thumbnail in the bucket `thumbnails`, under the same key with `.jpg` after it. A second
/// run stores the same.
///
/// # Errors
/// If the picture cannot be decoded, or S3 fails.
pub async fn handle(s3: &Client, thumbnails: &str, input: Input) -> Result<Thumbnail, Failure> {
    let object = s3.get_object().bucket(&input.bucket).key(&input.key).send().await?;
    let body = object.body.collect().await.map_err(|error| Failure::S3(error.to_string()))?;
    let small = thumbnail(&body.into_bytes())?;
    let mut jpeg = Cursor::new(Vec::new());
    small.write_to(&mut jpeg, ImageFormat::Jpeg)?;
    let key = format!("{}.jpg", input.key);
    let put = s3.put_object().bucket(thumbnails).key(&key).content_type("image/jpeg");
    put.body(jpeg.into_inner().into()).send().await?;
    Ok(Thumbnail { bucket: thumbnails.to_owned(), key, width: small.width(), height: small.height() })
}

/// Decodes within bounds, and turns the picture as the camera was held. A thumbnail has no transparency: it is a JPEG.
fn thumbnail(picture: &[u8]) -> Result<DynamicImage, ImageError> {
    let mut reader = ImageReader::new(Cursor::new(picture)).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut small = DynamicImage::from_decoder(decoder)?.thumbnail(SIDE, SIDE);
    small.apply_orientation(orientation);
    Ok(DynamicImage::ImageRgb8(small.to_rgb8()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photograph_of_a_camera_on_its_side_is_turned() {
        let small = thumbnail(include_bytes!("../pictures/harbour.jpg")).unwrap();
        assert_eq!((small.width(), small.height()), (96, 72));
        // The sky is above the sea.
        let blue_of = |y| small.to_rgb8().get_pixel(48, y).0;
        assert!(blue_of(4)[0] > 150 && blue_of(68)[0] < 60, "{:?} {:?}", blue_of(4), blue_of(68));
    }

    #[test]
    fn a_picture_that_claims_to_be_huge_or_ends_early_is_refused() {
        let mut huge = include_bytes!("../pictures/logo.png").to_vec();
        // The width, and a checksum that nobody looks at before.
        huge[16..20].copy_from_slice(&1_000_000_u32.to_be_bytes());
        assert!(thumbnail(&huge).is_err());
        let whole = include_bytes!("../pictures/logo.png");
        assert!(thumbnail(&whole[..whole.len() / 2]).is_err());
    }
}
