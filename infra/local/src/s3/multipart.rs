//! The operations of multipart uploads.

use axum::body::Body;
use http::Response;

use super::objects::{description, tag_and_sums, write_condition};
use super::receive::{Received, Unfinished, document};
use super::request::Request;
use super::send::byte_range;
use super::service::{empty, xml_response};
use super::store::Headers;
use super::uploads::{Part, Upload};
use super::xml::{self, Document};
use super::{S3, S3Error};

/// The largest number of a part.
const MAX_PARTS: u64 = 10_000;

impl S3 {
    /// CreateMultipartUpload.
    pub(super) async fn create_upload(&self, request: &Request<'_>) -> Result<Response<Body>, S3Error> {
        let (headers, tags) = description(request)?;
        let id = uuid::Uuid::new_v4().simple().to_string();
        let (bucket, key) = (request.bucket.clone(), request.key.clone());
        let upload = Upload { id: id.clone(), key, created: self.now(), headers, tags };
        self.on_store(move |store| store.create_upload(&bucket, &upload)).await?;
        let mut document = Document::new("InitiateMultipartUploadResult");
        document.leaf("Bucket", &request.bucket).leaf("Key", &request.key).leaf("UploadId", &id);
        Ok(xml_response(200, document.finish()))
    }

    /// UploadPart and UploadPartCopy.
    pub(super) async fn upload_part(
        &self,
        request: &Request<'_>,
        body: Body,
    ) -> Result<Response<Body>, S3Error> {
        let number = request.number("partNumber")?.filter(|number| (1..=MAX_PARTS).contains(number));
        let number = number.and_then(|number| u16::try_from(number).ok()).ok_or_else(|| {
            S3Error::invalid_argument("Part number must be an integer between 1 and 10000, inclusive")
        })?;
        let upload = self.upload(request).await?.id;
        if request.header("x-amz-copy-source").is_some() {
            return self.upload_part_copy(request, upload, number).await;
        }
        let (received, mut unfinished) = self.receive(request, body).await?;
        let Received { bytes, size, md5, checksums } = received;
        let content = self.stored(bytes, &mut unfinished).await?;
        let part = Part { number, size, etag: md5.clone(), modified: self.now(), content };
        self.on_store(move |store| store.put_part(&upload, &part)).await?;
        if let Some(unfinished) = unfinished {
            unfinished.keep();
        }
        let mut response = empty(200);
        tag_and_sums(&mut response, &md5, &checksums);
        Ok(response)
    }

    async fn upload_part_copy(
        &self,
        request: &Request<'_>,
        upload: String,
        number: u16,
    ) -> Result<Response<Body>, S3Error> {
        use md5::{Digest as _, Md5};
        let (_, source) = self.copy_source(request).await?;
        let range = match request.header("x-amz-copy-source-range") {
            None => 0..source.size,
            Some(text) => byte_range(text, source.size)?.ok_or_else(|| {
                S3Error::invalid_argument(
                    "The x-amz-copy-source-range value must be of the form bytes=first-last",
                )
            })?,
        };
        let (mut unfinished, mut stored, mut sum): (Option<Unfinished>, u64, Md5) = (None, 0, Md5::new());
        let mut offset = range.start;
        let mut chunk = Vec::new();
        while offset < range.end {
            let (segments, end) = (source.segments.clone(), range.end);
            let piece = self.on_store(move |store| store.read(&segments, offset, end)).await?;
            offset += piece.len() as u64;
            sum.update(&piece);
            chunk.extend_from_slice(&piece);
            if chunk.len() >= super::database::CHUNK {
                let rest = chunk.split_off(super::database::CHUNK);
                let full = std::mem::replace(&mut chunk, rest);
                self.store_chunk(&mut unfinished, &mut stored, full).await?;
            }
        }
        self.store_chunk(&mut unfinished, &mut stored, chunk).await?;
        let content = self.stored(super::store::Bytes::Stored(Vec::new()), &mut unfinished).await?;
        let etag = lottery::hex(&sum.finalize());
        let modified = self.now();
        let part = Part { number, size: range.end - range.start, etag: etag.clone(), modified, content };
        self.on_store(move |store| store.put_part(&upload, &part)).await?;
        if let Some(unfinished) = unfinished {
            unfinished.keep();
        }
        let mut document = Document::new("CopyPartResult");
        document.leaf("LastModified", &xml::time(modified)).leaf("ETag", &format!("\"{etag}\""));
        Ok(xml_response(200, document.finish()))
    }

    /// The upload that the query names.
    async fn upload(&self, request: &Request<'_>) -> Result<Upload, S3Error> {
        let id = request.query("uploadId").unwrap_or_default().to_owned();
        let (bucket, key) = (request.bucket.clone(), request.key.clone());
        self.on_store(move |store| store.upload(&bucket, &key, &id)).await
    }

    /// CompleteMultipartUpload.
    pub(super) async fn complete_upload(
        &self,
        request: &Request<'_>,
        body: Body,
    ) -> Result<Response<Body>, S3Error> {
        let condition = write_condition(request)?;
        let chosen = xml::read_parts(&document(request, body).await?)?;
        let upload = self.upload(request).await?;
        let (bucket, now) = (request.bucket.clone(), self.now());
        let object = self
            .on_store(move |store| store.complete_upload(&bucket, &upload, &chosen, (now, &condition)))
            .await?;
        self.created("ObjectCreated:CompleteMultipartUpload", request, object.size, &object.etag, now).await;
        let mut document = Document::new("CompleteMultipartUploadResult");
        document
            .leaf("Location", &format!("/{}/{}", request.bucket, request.key))
            .leaf("Bucket", &request.bucket)
            .leaf("Key", &request.key)
            .leaf("ETag", &format!("\"{}\"", object.etag));
        let mut response = xml_response(200, document.finish());
        tag_and_sums(&mut response, &object.etag, &Headers::new());
        Ok(response)
    }

    /// AbortMultipartUpload.
    pub(super) async fn abort_upload(&self, request: &Request<'_>) -> Result<Response<Body>, S3Error> {
        let upload = self.upload(request).await?;
        self.on_store(move |store| store.abort_upload(&upload.id)).await?;
        Ok(empty(204))
    }

    /// ListParts.
    pub(super) async fn list_parts(&self, request: &Request<'_>) -> Result<Response<Body>, S3Error> {
        let upload = self.upload(request).await?;
        let id = upload.id.clone();
        let parts = self.on_store(move |store| store.parts(&id)).await?;
        let limit = request.number("max-parts")?.unwrap_or(1000).min(1000) as usize;
        let after = request.number("part-number-marker")?.unwrap_or(0);
        let mut later = parts.into_iter().filter(|part| u64::from(part.number) > after).peekable();
        let mut document = Document::new("ListPartsResult");
        document
            .leaf("Bucket", &request.bucket)
            .leaf("Key", &request.key)
            .leaf("UploadId", &upload.id)
            .leaf("PartNumberMarker", &after.to_string())
            .leaf("MaxParts", &limit.to_string());
        let mut last = 0;
        for part in later.by_ref().take(limit) {
            last = part.number;
            document
                .begin("Part")
                .leaf("PartNumber", &part.number.to_string())
                .leaf("LastModified", &xml::time(part.modified))
                .leaf("ETag", &format!("\"{}\"", part.etag))
                .leaf("Size", &part.size.to_string())
                .end();
        }
        let is_truncated = later.peek().is_some();
        document.leaf("IsTruncated", if is_truncated { "true" } else { "false" });
        if is_truncated {
            document.leaf("NextPartNumberMarker", &last.to_string());
        }
        Ok(xml_response(200, document.finish()))
    }

    /// ListMultipartUploads: all of the bucket at once.
    pub(super) async fn list_uploads(&self, request: &Request<'_>) -> Result<Response<Body>, S3Error> {
        let bucket = request.bucket.clone();
        let uploads = self.on_store(move |store| store.uploads(&bucket, None)).await?;
        let prefix = request.query("prefix").unwrap_or_default();
        let mut document = Document::new("ListMultipartUploadsResult");
        document.leaf("Bucket", &request.bucket).leaf("Prefix", prefix).leaf("IsTruncated", "false");
        for upload in uploads.iter().filter(|upload| upload.key.starts_with(prefix)) {
            document
                .begin("Upload")
                .leaf("Key", &upload.key)
                .leaf("UploadId", &upload.id)
                .leaf("Initiated", &xml::time(upload.created))
                .end();
        }
        Ok(xml_response(200, document.finish()))
    }
}
