//! The protocol, request by request; `tests/python/objects.py` has what the SDK does with it.

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{Request, Response, StatusCode};

use super::*;

async fn ask(s3: &S3, method: &str, uri: &str, headers: &[(&str, &str)], body: &[u8]) -> Response<Bytes> {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let head = request.body(()).unwrap().into_parts().0;
    let response = s3.answer(&head, Body::from(body.to_vec())).await;
    let (head, body) = response.into_parts();
    Response::from_parts(head, to_bytes(body, usize::MAX).await.unwrap())
}

fn code(response: &Response<Bytes>) -> String {
    let text = String::from_utf8_lossy(response.body());
    text.split("<Code>").nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default().to_owned()
}

async fn with_bucket() -> S3 {
    let s3 = S3::new(None, Clock::system(), None);
    assert_eq!(ask(&s3, "PUT", "/bucket", &[], b"").await.status(), StatusCode::OK);
    s3
}

#[tokio::test]
async fn what_is_put_is_got_with_its_description_in_ranges_and_under_conditions() {
    let s3 = with_bucket().await;
    let described =
        [("content-type", "text/csv"), ("x-amz-meta-origin", "test"), ("x-amz-tagging", "a=1&b=2")];
    let put = ask(&s3, "PUT", "/bucket/a/b%20c", &described, b"hello world").await;
    let etag = "\"5eb63bbbe01eeed093cb22bb8f5acdc3\"";
    assert_eq!((put.status(), put.headers()["etag"].to_str().unwrap()), (StatusCode::OK, etag));
    let got = ask(&s3, "GET", "/bucket/a/b%20c", &[], b"").await;
    assert_eq!(got.body(), "hello world");
    assert_eq!(got.headers()["content-type"], "text/csv");
    assert_eq!(got.headers()["x-amz-meta-origin"], "test");
    assert_eq!(got.headers()["x-amz-tagging-count"], "2");
    let part = ask(&s3, "GET", "/bucket/a/b%20c", &[("range", "bytes=6-")], b"").await;
    assert_eq!((part.status(), &part.body()[..]), (StatusCode::PARTIAL_CONTENT, &b"world"[..]));
    assert_eq!(part.headers()["content-range"], "bytes 6-10/11");
    let head = ask(&s3, "HEAD", "/bucket/a/b%20c", &[], b"").await;
    assert_eq!((head.headers()["content-length"].to_str().unwrap(), head.body().len()), ("11", 0));

    let unchanged = ask(&s3, "GET", "/bucket/a/b%20c", &[("if-none-match", etag)], b"").await;
    assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED);
    let other = ask(&s3, "GET", "/bucket/a/b%20c", &[("if-match", "\"x\"")], b"").await;
    assert_eq!(
        (other.status(), code(&other)),
        (StatusCode::PRECONDITION_FAILED, "PreconditionFailed".to_owned())
    );
    for (condition, value, expected) in [
        ("if-none-match", "*", 412),
        ("if-match", "\"x\"", 412),
        ("if-match", etag, 200),
        ("if-match", etag, 412),
    ] {
        let put = ask(&s3, "PUT", "/bucket/a/b%20c", &[(condition, value)], b"new").await;
        assert_eq!(put.status(), expected, "{condition}: {value}");
    }
    assert_eq!(ask(&s3, "DELETE", "/bucket/a/b%20c", &[], b"").await.status(), StatusCode::NO_CONTENT);
    assert_eq!(code(&ask(&s3, "GET", "/bucket/a/b%20c", &[], b"").await), "NoSuchKey");
}

#[tokio::test]
async fn large_objects_go_in_and_out_in_pieces_also_encoded() {
    let s3 = with_bucket().await;
    let bytes: Vec<u8> = (0..3_500_000_u32).flat_map(u32::to_le_bytes).collect();
    assert_eq!(ask(&s3, "PUT", "/bucket/large", &[], &bytes).await.status(), StatusCode::OK);
    assert_eq!(ask(&s3, "GET", "/bucket/large", &[], b"").await.body(), &bytes);
    let range = [("range", "bytes=1048570-2097160")];
    assert_eq!(ask(&s3, "GET", "/bucket/large", &range, b"").await.body(), &bytes[1_048_570..=2_097_160]);

    let mut encoded = Vec::new();
    for chunk in bytes.chunks(65_536) {
        encoded.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        encoded.extend_from_slice(chunk);
        encoded.extend_from_slice(b"\r\n");
    }
    let mut sum = crc32fast::Hasher::new();
    sum.update(&bytes);
    let sum =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sum.finalize().to_be_bytes());
    for (sum, expected) in [(sum.as_str(), ""), ("AAAAAA==", "BadDigest")] {
        let mut body = encoded.clone();
        body.extend_from_slice(format!("0\r\nx-amz-checksum-crc32:{sum}\r\n\r\n").as_bytes());
        let length = bytes.len().to_string();
        let headers = [
            ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
            ("x-amz-trailer", "x-amz-checksum-crc32"),
            ("x-amz-decoded-content-length", &length),
            ("content-encoding", "aws-chunked"),
        ];
        assert_eq!(code(&ask(&s3, "PUT", "/bucket/encoded", &headers, &body).await), expected);
    }
    let got = ask(&s3, "GET", "/bucket/encoded", &[], b"").await;
    assert_eq!((got.body() == &bytes, got.headers().contains_key("content-encoding")), (true, false));
}

#[tokio::test]
async fn bad_requests_get_the_codes_of_s3() {
    let s3 = with_bucket().await;
    ask(&s3, "PUT", "/bucket/k", &[], b"12345").await;
    let long = format!("/bucket/{}", "k".repeat(1025));
    let metadata = "v".repeat(2049);
    for (method, uri, headers, body, expected) in [
        ("GET", "/nobody/k", vec![], "", "NoSuchBucket"),
        ("PUT", "/nobody/k", vec![], "x", "NoSuchBucket"),
        ("GET", "/bucket/none", vec![], "", "NoSuchKey"),
        ("PUT", "/Bad_Name", vec![], "", "InvalidBucketName"),
        ("DELETE", "/bucket", vec![], "", "BucketNotEmpty"),
        ("PUT", long.as_str(), vec![], "", "KeyTooLongError"),
        ("GET", "/bucket/k", vec![("range", "bytes=9-")], "", "InvalidRange"),
        ("PUT", "/bucket/x", vec![("content-md5", "AAAA")], "x", "InvalidDigest"),
        ("PUT", "/bucket/x", vec![("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")], "x", "BadDigest"),
        ("PUT", "/bucket/x", vec![("content-length", "5")], "x", "IncompleteBody"),
        ("PUT", "/bucket/x", vec![("content-length", "6000000000")], "", "EntityTooLarge"),
        ("PUT", "/bucket/x", vec![("x-amz-meta-a", metadata.as_str())], "", "MetadataTooLarge"),
        ("POST", "/bucket?delete", vec![], "<no", "MalformedXML"),
        ("GET", "/bucket?max-keys=many", vec![], "", "InvalidArgument"),
        ("GET", "/bucket?list-type=2&continuation-token=%21", vec![], "", "InvalidArgument"),
        ("PUT", "/bucket/k?uploadId=u&partNumber=0", vec![], "", "InvalidArgument"),
        ("PUT", "/bucket/k?uploadId=u&partNumber=1", vec![], "", "NoSuchUpload"),
        ("PUT", "/bucket?versioning", vec![], "", "NotImplemented"),
        ("GET", "/bucket?policy", vec![], "", "NoSuchBucketPolicy"),
        ("GET", "/bucket/k?X-Amz-Date=20200101T000000Z&X-Amz-Expires=9", vec![], "", "AccessDenied"),
    ] {
        let answer = ask(&s3, method, uri, &headers, body.as_bytes()).await;
        assert_eq!(code(&answer), expected, "{method} {uri}");
    }
}

#[tokio::test]
async fn observers_learn_of_objects_that_are_stored() {
    let s3 = with_bucket().await;
    let seen: Arc<std::sync::Mutex<Vec<String>>> = Arc::default();
    let notes = seen.clone();
    s3.observers.add(move |event| {
        notes.lock().unwrap().push(format!("{} {} {}", event.name, event.key, event.size));
        None
    });
    ask(&s3, "PUT", "/bucket/k", &[], b"12345").await;
    ask(&s3, "PUT", "/bucket/copy", &[("x-amz-copy-source", "/bucket/k")], b"").await;
    ask(&s3, "PUT", "/bucket/k", &[("content-md5", "AAAA")], b"x").await;
    ask(&s3, "DELETE", "/bucket/k", &[], b"").await;
    ask(&s3, "DELETE", "/bucket/k", &[], b"").await;
    let expected = ["ObjectCreated:Put k 5", "ObjectCreated:Copy copy 5", "ObjectRemoved:Delete k 0"];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[tokio::test]
async fn objects_outlive_the_process_and_unfinished_writes_do_not() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("s3.sqlite");
    let s3 = S3::new(Some(file.clone()), Clock::system(), None);
    ask(&s3, "PUT", "/bucket", &[], b"").await;
    ask(&s3, "PUT", "/bucket/k", &[], b"kept").await;
    // A write that the process does not survive.
    let content = s3.on_store(Store::begin_content).await.unwrap();
    s3.on_store(move |store| store.append(content, 0, b"lost")).await.unwrap();
    s3.stop().await;
    let s3 = S3::new(Some(file), Clock::system(), None);
    assert_eq!(ask(&s3, "GET", "/bucket/k", &[], b"").await.body(), "kept");
    let count = |store: &mut Store| {
        Ok(store.database.query_row("SELECT count(*) FROM chunks", [], |row| row.get(0))?)
    };
    assert_eq!(s3.on_store(count).await, Ok(1));
    s3.stop().await;
}

#[tokio::test]
async fn a_bucket_says_which_pages_may_use_it() {
    let s3 = with_bucket().await;
    let own = "http://localhost:8080";
    let asks = |origin, method| {
        [
            ("origin", origin),
            ("access-control-request-method", method),
            ("access-control-request-headers", "Content-Type"),
        ]
    };
    let preflight = async |origin, method| {
        ask(&s3, "OPTIONS", "/bucket/a?X-Amz-Signature=1", &asks(origin, method), b"").await
    };
    let refused = preflight(own, "PUT").await;
    assert_eq!((refused.status(), code(&refused)), (StatusCode::FORBIDDEN, "AccessForbidden".to_owned()));
    let rules = format!(
        "<CORSConfiguration><CORSRule><AllowedMethod>PUT</AllowedMethod><AllowedOrigin>{own}</AllowedOrigin>\
         <AllowedHeader>content-type</AllowedHeader><MaxAgeSeconds>60</MaxAgeSeconds></CORSRule></CORSConfiguration>"
    );
    let broken = ask(&s3, "PUT", "/bucket?cors", &[], b"<CORSConfiguration/>").await;
    assert_eq!(code(&broken), "MalformedXML");
    assert_eq!(ask(&s3, "PUT", "/bucket?cors", &[], rules.as_bytes()).await.status(), StatusCode::OK);
    let allowed = preflight(own, "PUT").await;
    assert_eq!(allowed.status(), StatusCode::OK);
    for (name, value) in [
        ("access-control-allow-origin", own),
        ("access-control-allow-methods", "PUT"),
        ("access-control-allow-headers", "content-type"),
        ("access-control-max-age", "60"),
    ] {
        assert_eq!(allowed.headers()[name], value, "{name}");
    }
    for (origin, method) in
        [(own, "DELETE"), ("http://localhost:3000", "PUT"), ("https://evil.example", "PUT")]
    {
        let refused = preflight(origin, method).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{origin} {method}");
        assert!(refused.headers().get("access-control-allow-origin").is_none());
    }
    // The page reads the answers, refusals among them; another page does not.
    for (origin, is_shared) in [(own, true), ("https://evil.example", false)] {
        let put = ask(&s3, "PUT", "/bucket/a", &[("origin", origin)], b"x").await;
        assert_eq!(put.headers().contains_key("access-control-allow-origin"), is_shared, "{origin}");
    }
    let expired = "/bucket/a?X-Amz-Date=20200101T000000Z&X-Amz-Expires=60";
    let over = ask(&s3, "PUT", expired, &[("origin", own)], b"x").await;
    assert_eq!((over.status(), code(&over)), (StatusCode::FORBIDDEN, "AccessDenied".to_owned()));
    assert_eq!(over.headers()["access-control-allow-origin"], own);
    assert_eq!(ask(&s3, "DELETE", "/bucket?cors", &[], b"").await.status(), StatusCode::NO_CONTENT);
    assert_eq!(preflight(own, "PUT").await.status(), StatusCode::FORBIDDEN);
}
