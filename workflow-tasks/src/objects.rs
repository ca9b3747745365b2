//! The bucket of uploaded lists: under `uploads/` the files as they came, under `work/` the batches, under `results/` what came of
//! each line.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::TaskError;

/// Bytes of a part of an object that is put in parts: S3 takes no smaller ones but for the last.
const PART_BYTES: usize = 8 * 1024 * 1024;
/// Objects that are deleted at the same time.
const CONCURRENCY: usize = 16;

/// The bucket of uploaded lists, with a client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListObjects<'a> {
    pub(crate) s3: &'a Client,
    pub(crate) bucket: &'a str,
}

impl<'a> ListObjects<'a> {
    /// An object as it arrives. It must be the one of this ETag.
    pub(crate) async fn stream(&self, key: &str, etag: &str) -> Result<ByteStream, TaskError> {
        let etag = format!("\"{}\"", etag.trim_matches('"'));
        let get = self.s3.get_object().bucket(self.bucket).key(key).if_match(etag);
        get.send().await.map(|object| object.body).map_err(failed)
    }

    /// A whole object.
    pub(crate) async fn read(&self, key: &str) -> Result<Vec<u8>, TaskError> {
        let object = self.s3.get_object().bucket(self.bucket).key(key).send().await.map_err(failed)?;
        let bytes = object.body.collect().await.map_err(|error| unavailable(error.into()))?;
        Ok(bytes.to_vec())
    }

    /// Puts a small object.
    pub(crate) async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), TaskError> {
        let put = self.s3.put_object().bucket(self.bucket).key(key).body(bytes.into());
        put.send().await.map(drop).map_err(failed)
    }

    /// Deletes objects; one that is gone is as good.
    pub(crate) async fn delete(&self, keys: Vec<String>) -> Result<(), TaskError> {
        let deletions = keys.into_iter().map(|key| async move {
            self.s3.delete_object().bucket(self.bucket).key(key).send().await.map(drop).map_err(failed)
        });
        stream::iter(deletions).buffer_unordered(CONCURRENCY).try_collect().await
    }

    /// Begins an object that is put in parts, if it is large.
    pub(crate) fn write(self, key: String) -> Parts<'a> {
        Parts { objects: self, key, pending: Vec::new(), upload: None, parts: Vec::new() }
    }
}

/// An object on its way, of which no more than a part is held.
pub(crate) struct Parts<'a> {
    objects: ListObjects<'a>,
    key: String,
    pending: Vec<u8>,
    /// Of an object that has more than one part.
    upload: Option<String>,
    parts: Vec<CompletedPart>,
}

impl Parts<'_> {
    pub(crate) async fn push(&mut self, bytes: &[u8]) -> Result<(), TaskError> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= PART_BYTES { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), TaskError> {
        let ListObjects { s3, bucket } = self.objects;
        let upload = match &self.upload {
            Some(upload) => upload.clone(),
            None => {
                let create = s3.create_multipart_upload().bucket(bucket).key(&self.key);
                let created = create.send().await.map_err(failed)?;
                created.upload_id.ok_or_else(|| unavailable("an upload has no id".into()))?
            }
        };
        let number = i32::try_from(self.parts.len()).unwrap_or(i32::MAX - 1) + 1;
        let part = s3.upload_part().bucket(bucket).key(&self.key).upload_id(&upload).part_number(number);
        let part = part.body(std::mem::take(&mut self.pending).into()).send().await.map_err(failed)?;
        self.parts.push(CompletedPart::builder().part_number(number).set_e_tag(part.e_tag).build());
        self.upload = Some(upload);
        Ok(())
    }

    /// Puts the rest.
    pub(crate) async fn finish(mut self) -> Result<String, TaskError> {
        if self.upload.is_none() {
            self.objects.put(&self.key, self.pending).await?;
            return Ok(self.key);
        }
        if !self.pending.is_empty() {
            self.flush().await?;
        }
        let ListObjects { s3, bucket } = self.objects;
        let parts = CompletedMultipartUpload::builder().set_parts(Some(self.parts)).build();
        let complete = s3.complete_multipart_upload().bucket(bucket).key(&self.key);
        let complete = complete.set_upload_id(self.upload).multipart_upload(parts);
        complete.send().await.map_err(failed)?;
        Ok(self.key)
    }
}

/// That the bucket did not answer.
pub(crate) fn unavailable(error: Box<dyn std::error::Error + Send + Sync>) -> TaskError {
    TaskError::StorageUnavailable(error)
}

fn failed<E>(error: SdkError<E>) -> TaskError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match error.code() {
        Some("NoSuchKey" | "PreconditionFailed") => TaskError::ListLost,
        Some("AccessDenied" | "NoSuchBucket") => TaskError::StorageRefused(error.into()),
        _ => unavailable(error.into()),
    }
}
