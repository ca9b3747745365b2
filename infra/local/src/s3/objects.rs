//! Operations on single objects: writing, copying, deleting, tagging.

use axum::body::Body;
use http::{Response, header};
use percent_encoding::percent_decode_str;

use super::receive::{Received, document};
use super::request::Request;
use super::service::{empty, xml_response};
use super::store::{Headers, Object, WriteCondition};
use super::xml::{self, Document};
use super::{ObjectEvent, S3, S3Error};

/// The most bytes of an object's own metadata.
const MAX_METADATA: usize = 2 * 1024;

/// The headers of a write that are kept with the object.
const STORED_HEADERS: [&str; 8] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
    "x-amz-storage-class",
    "x-amz-website-redirect-location",
];

/// The headers and tags that a write gives its object.
pub(super) fn description(request: &Request<'_>) -> Result<(Headers, Headers), S3Error> {
    let mut headers = Headers::new();
    for name in STORED_HEADERS {
        let Some(value) = request.header(name) else { continue };
        let value = match name {
            "content-encoding" => {
                let codings = value.split(',').map(str::trim).filter(|coding| *coding != "aws-chunked");
                codings.collect::<Vec<_>>().join(",")
            }
            _ => value.to_owned(),
        };
        let is_default = value.is_empty() || (name == "x-amz-storage-class" && value == "STANDARD");
        if !is_default {
            headers.insert(name.to_owned(), value);
        }
    }
    let mut bytes = 0;
    for (name, value) in request.headers {
        if let Some(own) = name.as_str().strip_prefix("x-amz-meta-") {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            bytes += own.len() + value.len();
            headers.insert(name.as_str().to_owned(), value);
        }
    }
    if bytes > MAX_METADATA {
        return Err(S3Error::new(
            400,
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
        ));
    }
    let tags = request.header("x-amz-tagging").map_or_else(|| Ok(Headers::new()), xml::tags_of_header)?;
    Ok((headers, tags))
}

/// The conditions of a write.
pub(super) fn write_condition(request: &Request<'_>) -> Result<WriteCondition, S3Error> {
    let if_none_match = match request.header("if-none-match") {
        None => false,
        Some("*") => true,
        Some(_) => return Err(S3Error::not_implemented("If-None-Match with an ETag on a write")),
    };
    Ok(WriteCondition { if_match: request.header("if-match").map(str::to_owned), if_none_match })
}

impl S3 {
    /// PutObject.
    pub(super) async fn put_object(
        &self,
        request: &Request<'_>,
        body: Body,
    ) -> Result<Response<Body>, S3Error> {
        let (mut headers, tags) = description(request)?;
        let condition = write_condition(request)?;
        let (received, unfinished) = self.receive(request, body).await?;
        let Received { bytes, size, md5, checksums } = received;
        headers.extend(checksums.clone());
        let now = self.now();
        let object = Object {
            key: request.key.clone(),
            size,
            etag: md5.clone(),
            modified: now,
            headers,
            tags,
            segments: Vec::new(),
        };
        let bucket = request.bucket.clone();
        self.on_store(move |store| store.put(&bucket, object, bytes, &condition)).await?;
        if let Some(unfinished) = unfinished {
            unfinished.keep();
        }
        self.created("ObjectCreated:Put", request, size, &md5, now).await;
        let mut response = empty(200);
        tag_and_sums(&mut response, &md5, &checksums);
        Ok(response)
    }

    /// Tells of an object that was created.
    pub(super) async fn created(
        &self,
        name: &'static str,
        request: &Request<'_>,
        size: u64,
        etag: &str,
        time: i64,
    ) {
        let (bucket, key) = (request.bucket.clone(), request.key.clone());
        self.observers.tell(&ObjectEvent { name, bucket, key, size, etag: etag.to_owned(), time }).await;
    }

    /// CopyObject.
    pub(super) async fn copy_object(&self, request: &Request<'_>) -> Result<Response<Body>, S3Error> {
        let source = self.copy_source(request).await?;
        let (given, given_tags) = description(request)?;
        let replaces = |name: &str| request.header(name) == Some("REPLACE");
        let is_same = source.0 == request.bucket && source.1.key == request.key;
        if is_same && !replaces("x-amz-metadata-directive") && !given.contains_key("x-amz-storage-class") {
            return Err(S3Error::new(
                400,
                "InvalidRequest",
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
            ));
        }
        let condition = write_condition(request)?;
        let mut copy = source.1;
        copy.key.clone_from(&request.key);
        copy.modified = self.now();
        if replaces("x-amz-metadata-directive") {
            copy.headers.retain(|name, _| name.starts_with("x-amz-checksum-"));
            copy.headers.extend(given);
        }
        if replaces("x-amz-tagging-directive") {
            copy.tags = given_tags;
        }
        // The MD5 sum of one content; the sum of sums of several stays as it is.
        let (size, etag, modified) = (copy.size, copy.etag.clone(), copy.modified);
        let bucket = request.bucket.clone();
        self.on_store(move |store| store.copy(&bucket, copy, &condition)).await?;
        self.created("ObjectCreated:Copy", request, size, &etag, modified).await;
        let mut document = Document::new("CopyObjectResult");
        document.leaf("LastModified", &xml::time(modified)).leaf("ETag", &format!("\"{etag}\""));
        Ok(xml_response(200, document.finish()))
    }

    /// The bucket and the object that a copy is made of, if its conditions hold.
    pub(super) async fn copy_source(&self, request: &Request<'_>) -> Result<(String, Object), S3Error> {
        let invalid = || {
            S3Error::invalid_argument(
                "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            )
        };
        let source = request.header("x-amz-copy-source").ok_or_else(invalid)?;
        if source.contains("?versionId=") {
            return Err(S3Error::not_implemented("versions of objects"));
        }
        let source = percent_decode_str(source).decode_utf8().map_err(|_| invalid())?;
        let (bucket, key) = source.trim_start_matches('/').split_once('/').ok_or_else(invalid)?;
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let from = bucket.clone();
        let object = self.on_store(move |store| store.object(&bucket, &key)).await?;
        let names = |etag: &str| etag.trim_matches('"') == object.etag;
        let holds = request.header("x-amz-copy-source-if-match").is_none_or(names)
            && !request.header("x-amz-copy-source-if-none-match").is_some_and(names);
        if holds { Ok((from, object)) } else { Err(S3Error::precondition_failed()) }
    }

    /// DeleteObject.
    pub(super) async fn delete_object(&self, request: &Request<'_>) -> Result<Response<Body>, S3Error> {
        let condition = write_condition(request)?;
        self.delete_key(&request.bucket, &request.key, condition).await?;
        Ok(empty(204))
    }

    async fn delete_key(&self, bucket: &str, key: &str, condition: WriteCondition) -> Result<(), S3Error> {
        let (owned_bucket, owned_key) = (bucket.to_owned(), key.to_owned());
        let was_there =
            self.on_store(move |store| store.delete(&owned_bucket, &owned_key, &condition)).await?;
        if was_there {
            let (bucket, key, time) = (bucket.to_owned(), key.to_owned(), self.now());
            let name = "ObjectRemoved:Delete";
            self.observers.tell(&ObjectEvent { name, bucket, key, size: 0, etag: String::new(), time }).await;
        }
        Ok(())
    }

    /// DeleteObjects.
    pub(super) async fn delete_objects(
        &self,
        request: &Request<'_>,
        body: Body,
    ) -> Result<Response<Body>, S3Error> {
        let (keys, is_quiet) = xml::read_delete(&document(request, body).await?)?;
        let mut document = Document::new("DeleteResult");
        for key in keys {
            match self.delete_key(&request.bucket, &key, WriteCondition::default()).await {
                Ok(()) if is_quiet => {}
                Ok(()) => {
                    document.begin("Deleted").leaf("Key", &key).end();
                }
                Err(error) if error.code == "NoSuchBucket" => return Err(error),
                Err(error) => {
                    document.begin("Error").leaf("Key", &key);
                    document.leaf("Code", error.code).leaf("Message", &error.message).end();
                }
            }
        }
        Ok(xml_response(200, document.finish()))
    }

    /// GetObjectTagging, PutObjectTagging and DeleteObjectTagging.
    pub(super) async fn object_tags(
        &self,
        request: &Request<'_>,
        body: Body,
    ) -> Result<Response<Body>, S3Error> {
        let (bucket, key) = (request.bucket.clone(), request.key.clone());
        match request.method.as_str() {
            "GET" => {
                let object = self.on_store(move |store| store.object(&bucket, &key)).await?;
                Ok(xml_response(200, xml::tagging(&object.tags)))
            }
            "PUT" => {
                let tags = xml::read_tags(&document(request, body).await?)?;
                self.on_store(move |store| store.tag(&bucket, &key, &tags)).await?;
                Ok(empty(200))
            }
            _ => {
                self.on_store(move |store| store.tag(&bucket, &key, &Headers::new())).await?;
                Ok(empty(204))
            }
        }
    }
}

/// The headers that answer a write: the ETag, and the checksums that the client gave.
pub(super) fn tag_and_sums(response: &mut Response<Body>, etag: &str, checksums: &Headers) {
    let headers = response.headers_mut();
    headers.insert(header::ETAG, crate::aws::header_value(format!("\"{etag}\"")));
    for (name, value) in checksums {
        if let Ok(name) = header::HeaderName::try_from(name.as_str()) {
            headers.insert(name, crate::aws::header_value(value));
            headers.insert("x-amz-checksum-type", header::HeaderValue::from_static("FULL_OBJECT"));
        }
    }
    headers.insert("x-amz-server-side-encryption", header::HeaderValue::from_static("AES256"));
}
