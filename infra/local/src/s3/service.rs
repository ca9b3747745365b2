//! Which operation a request is, and the operations on buckets.

use std::fmt::Display;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, header};

use super::receive::document;
use super::request::{Request, check_bucket_name};
use super::store::ListingRequest;
use super::xml::{self, Document};
use super::{S3, S3Error};
use crate::config::{ACCOUNT, REGION};

/// The operations that Task states can call, as the API names them.
const OPERATIONS: [&str; 29] = [
    "AbortMultipartUpload",
    "CompleteMultipartUpload",
    "CopyObject",
    "CreateBucket",
    "CreateMultipartUpload",
    "DeleteBucket",
    "DeleteBucketCors",
    "DeleteObject",
    "DeleteObjectTagging",
    "DeleteObjects",
    "GetBucketCors",
    "GetBucketLocation",
    "GetBucketNotificationConfiguration",
    "GetBucketTagging",
    "GetObject",
    "GetObjectTagging",
    "HeadBucket",
    "HeadObject",
    "ListBuckets",
    "ListMultipartUploads",
    "ListObjects",
    "ListObjectsV2",
    "ListParts",
    "PutBucketCors",
    "PutBucketNotificationConfiguration",
    "PutBucketTagging",
    "PutObject",
    "PutObjectTagging",
    "UploadPartCopy",
];

/// Whether the local stack has an operation for Task states.
pub(crate) fn has(operation: &str) -> bool {
    OPERATIONS.contains(&operation)
}

/// Documents that configure a bucket and are kept as they are, with what S3 answers where there is none: a document, or the
/// code of a refusal.
const CONFIGURATIONS: [(&str, Missing); 13] = [
    ("accelerate", Missing::Empty("AccelerateConfiguration")),
    ("cors", Missing::Refused("NoSuchCORSConfiguration")),
    ("encryption", Missing::Refused("ServerSideEncryptionConfigurationNotFoundError")),
    ("lifecycle", Missing::Refused("NoSuchLifecycleConfiguration")),
    ("logging", Missing::Empty("BucketLoggingStatus")),
    ("notification", Missing::Empty("NotificationConfiguration")),
    ("object-lock", Missing::Refused("ObjectLockConfigurationNotFoundError")),
    ("ownershipControls", Missing::Refused("OwnershipControlsNotFoundError")),
    ("policy", Missing::Refused("NoSuchBucketPolicy")),
    ("publicAccessBlock", Missing::Refused("NoSuchPublicAccessBlockConfiguration")),
    ("replication", Missing::Refused("ReplicationConfigurationNotFoundError")),
    ("tagging", Missing::Refused("NoSuchTagSet")),
    ("website", Missing::Refused("NoSuchWebsiteConfiguration")),
];

/// What is answered for a configuration that is not there.
#[derive(Clone, Copy)]
enum Missing {
    Empty(&'static str),
    Refused(&'static str),
}

/// The most keys of a page.
const MAX_KEYS: u64 = 1000;

impl S3 {
    /// Answers one request.
    pub(crate) async fn answer(&self, head: &Parts, body: Body) -> Response<Body> {
        let id = uuid::Uuid::new_v4().simple().to_string().to_uppercase();
        let answered = async {
            let request = Request::parse(head)?;
            if request.method == Method::OPTIONS {
                return self.preflight(&request).await;
            }
            request.check_expiry(self.now())?;
            self.dispatch(&request, body).await
        };
        let mut response = answered.await.unwrap_or_else(|error| {
            let document = xml::error(&error, head.uri.path(), &id);
            let mut response = xml_response(error.status, document);
            if head.method == Method::HEAD {
                *response.body_mut() = Body::empty();
            }
            response.extensions_mut().insert(error);
            response
        });
        self.share(head, &mut response).await;
        let headers = response.headers_mut();
        headers.insert("x-amz-id-2", crate::aws::header_value(format!("{id}{id}")));
        headers.insert("x-amz-request-id", crate::aws::header_value(&id[..16]));
        response
    }

    async fn dispatch(&self, request: &Request<'_>, body: Body) -> Result<Response<Body>, S3Error> {
        if request.bucket.is_empty() {
            return match *request.method {
                Method::GET | Method::HEAD => self.list_buckets().await,
                _ => Err(method_not_allowed()),
            };
        }
        if request.key.is_empty() {
            self.on_bucket(request, body).await
        } else {
            self.on_object(request, body).await
        }
    }

    async fn on_object(&self, request: &Request<'_>, body: Body) -> Result<Response<Body>, S3Error> {
        if request.query("versionId").is_some_and(|version| version != "null") {
            return Err(S3Error::not_implemented("versions of objects"));
        }
        let unknown = ["acl", "attributes", "legal-hold", "retention", "restore", "select", "torrent"];
        if let Some(unknown) = request.first_of(&unknown) {
            return Err(S3Error::not_implemented(&format!("the part {unknown:?} of an object")));
        }
        let is_upload = request.query("uploadId").is_some();
        match (request.method.as_str(), request.first_of(&["tagging", "uploads", "partNumber"])) {
            ("GET" | "PUT" | "DELETE", Some("tagging")) => self.object_tags(request, body).await,
            ("POST", Some("uploads")) => self.create_upload(request).await,
            ("POST", _) if is_upload => self.complete_upload(request, body).await,
            ("PUT", Some("partNumber")) if is_upload => self.upload_part(request, body).await,
            ("GET", _) if is_upload => self.list_parts(request).await,
            ("DELETE", _) if is_upload => self.abort_upload(request).await,
            ("GET" | "HEAD", Some("partNumber")) => Err(S3Error::not_implemented("reading of single parts")),
            ("GET", _) => self.get_object(request, false).await,
            ("HEAD", _) => self.get_object(request, true).await,
            ("PUT", _) if request.header("x-amz-copy-source").is_some() => self.copy_object(request).await,
            ("PUT", _) => self.put_object(request, body).await,
            ("DELETE", _) => self.delete_object(request).await,
            _ => Err(method_not_allowed()),
        }
    }

    async fn on_bucket(&self, request: &Request<'_>, body: Body) -> Result<Response<Body>, S3Error> {
        let kinds = CONFIGURATIONS.map(|(kind, _)| kind);
        if let Some(kind) = request.first_of(&kinds) {
            return self.configuration(request, kind, body).await;
        }
        let bucket = request.bucket.clone();
        match (
            request.method.as_str(),
            request.first_of(&[
                "delete",
                "location",
                "uploads",
                "versioning",
                "requestPayment",
                "acl",
                "versions",
                "inventory",
                "analytics",
                "metrics",
                "policyStatus",
            ]),
        ) {
            ("PUT", None) => {
                check_bucket_name(&bucket)?;
                let now = self.now();
                self.on_store(move |store| store.create_bucket(&bucket, now)).await?;
                let mut response = empty(200);
                let location = crate::aws::header_value(format!("/{}", request.bucket));
                response.headers_mut().insert(header::LOCATION, location);
                Ok(response)
            }
            ("HEAD", None) => {
                self.on_store(move |store| store.check_bucket(&bucket)).await?;
                let mut response = empty(200);
                response.headers_mut().insert("x-amz-bucket-region", HeaderValue::from_static(REGION));
                Ok(response)
            }
            ("DELETE", None) => {
                self.on_store(move |store| store.delete_bucket(&bucket)).await?;
                Ok(empty(204))
            }
            ("GET", None) => self.list_objects(request).await,
            ("POST", Some("delete")) => self.delete_objects(request, body).await,
            ("GET", Some("uploads")) => self.list_uploads(request).await,
            ("GET", Some(part @ ("location" | "versioning" | "requestPayment"))) => {
                self.on_store(move |store| store.check_bucket(&bucket)).await?;
                let mut document = Document::new(match part {
                    // No text means us-east-1.
                    "location" => "LocationConstraint",
                    "versioning" => "VersioningConfiguration",
                    _ => "RequestPaymentConfiguration",
                });
                if part == "requestPayment" {
                    document.leaf("Payer", "BucketOwner");
                }
                Ok(xml_response(200, document.finish()))
            }
            (_, Some(part)) => Err(S3Error::not_implemented(&format!("the part {part:?} of a bucket"))),
            _ => Err(method_not_allowed()),
        }
    }

    /// Reads, writes or deletes a document that configures a bucket.
    async fn configuration(
        &self,
        request: &Request<'_>,
        kind: &'static str,
        body: Body,
    ) -> Result<Response<Body>, S3Error> {
        let bucket = request.bucket.clone();
        match request.method.as_str() {
            "GET" => match self.on_store(move |store| store.configuration(&bucket, kind)).await? {
                Some(document) if kind == "policy" => Ok(typed(200, document, "application/json")),
                Some(document) => Ok(xml_response(200, document)),
                None => match CONFIGURATIONS.iter().find(|(known, _)| *known == kind) {
                    Some((_, Missing::Empty(root))) => Ok(xml_response(200, Document::new(root).finish())),
                    Some((_, Missing::Refused(code))) => {
                        Err(S3Error::new(404, code, "The specified configuration does not exist"))
                    }
                    None => Err(method_not_allowed()),
                },
            },
            "PUT" => {
                let document = document(request, body).await?;
                if kind == "cors" {
                    super::cors::check(&document)?;
                }
                self.on_store(move |store| store.configure(&bucket, kind, Some(&document))).await?;
                Ok(empty(200))
            }
            "DELETE" => {
                self.on_store(move |store| store.configure(&bucket, kind, None)).await?;
                Ok(empty(204))
            }
            _ => Err(method_not_allowed()),
        }
    }

    async fn list_buckets(&self) -> Result<Response<Body>, S3Error> {
        let buckets = self.on_store(|store| store.buckets()).await?;
        let mut document = Document::new("ListAllMyBucketsResult");
        document.begin("Owner").leaf("ID", ACCOUNT).end().begin("Buckets");
        for (name, created) in buckets {
            document.begin("Bucket").leaf("Name", &name).leaf("CreationDate", &xml::time(created)).end();
        }
        Ok(xml_response(200, document.finish()))
    }

    /// ListObjectsV2, and ListObjects, which has other names for the beginning of a page.
    async fn list_objects(&self, request: &Request<'_>) -> Result<Response<Body>, S3Error> {
        let is_second = request.query("list-type") == Some("2");
        let limit = request.number("max-keys")?.unwrap_or(MAX_KEYS).min(MAX_KEYS);
        let token = request.query("continuation-token").filter(|_| is_second);
        let after = match token {
            Some(token) => Some(key_of_token(token)?),
            None => request.query(if is_second { "start-after" } else { "marker" }).map(str::to_owned),
        };
        let after = after.filter(|after| !after.is_empty());
        let prefix = request.query("prefix").unwrap_or_default().to_owned();
        let delimiter = request.query("delimiter").map(str::to_owned);
        let wanted = ListingRequest { prefix, delimiter, after, limit: limit as usize };
        let (bucket, asked) = (request.bucket.clone(), wanted.clone());
        let listing = self.on_store(move |store| store.list(&bucket, &asked)).await?;
        let encoding = request.query("encoding-type");
        let key = |text: &str| xml::key(text, encoding);
        let mut document = Document::new("ListBucketResult");
        document
            .leaf("Name", &request.bucket)
            .leaf("Prefix", &key(&wanted.prefix))
            .leaf("MaxKeys", &limit.to_string())
            .leaf("IsTruncated", if listing.next.is_some() { "true" } else { "false" });
        if let Some(delimiter) = &wanted.delimiter {
            document.leaf("Delimiter", &key(delimiter));
        }
        if let Some(encoding) = encoding {
            document.leaf("EncodingType", encoding);
        }
        if is_second {
            document.leaf("KeyCount", &(listing.objects.len() + listing.prefixes.len()).to_string());
            if let Some(token) = token {
                document.leaf("ContinuationToken", token);
            }
            if let Some(after) = request.query("start-after") {
                document.leaf("StartAfter", &key(after));
            }
            if let Some(next) = &listing.next {
                document.leaf("NextContinuationToken", &URL_SAFE_NO_PAD.encode(next));
            }
        } else {
            document.leaf("Marker", &key(request.query("marker").unwrap_or_default()));
            if let Some(next) = &listing.next {
                document.leaf("NextMarker", &key(next));
            }
        }
        for object in &listing.objects {
            document
                .begin("Contents")
                .leaf("Key", &key(&object.key))
                .leaf("LastModified", &xml::time(object.modified))
                .leaf("ETag", &format!("\"{}\"", object.etag))
                .leaf("Size", &object.size.to_string())
                .leaf("StorageClass", object.headers.get("x-amz-storage-class").map_or("STANDARD", |it| it))
                .end();
        }
        for prefix in &listing.prefixes {
            document.begin("CommonPrefixes").leaf("Prefix", &key(prefix)).end();
        }
        Ok(xml_response(200, document.finish()))
    }
}

/// The answer to a caller whom no policy allows the call.
pub(crate) fn denied(message: &str) -> Response<Body> {
    xml_response(403, xml::error(&S3Error::new(403, "AccessDenied", message), "", "denied"))
}

fn key_of_token(token: &str) -> Result<String, S3Error> {
    let decoded = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.ok_or_else(|| S3Error::invalid_argument("The continuation token provided is incorrect"))
}

fn method_not_allowed() -> S3Error {
    S3Error::new(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
}

/// An answer without a body.
pub(super) fn empty(status: u16) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// An answer with a document.
pub(super) fn xml_response(status: u16, document: impl Display) -> Response<Body> {
    typed(status, document.to_string(), "application/xml")
}

fn typed(status: u16, text: String, media_type: &'static str) -> Response<Body> {
    let mut response = empty(status);
    *response.body_mut() = Body::from(text);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
