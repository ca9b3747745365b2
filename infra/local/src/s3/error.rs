//! The refusals of S3, with its own codes.

use rusqlite::ErrorCode;

/// A refusal: its code and status as S3 has them, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct S3Error {
    pub(crate) code: &'static str,
    pub(crate) status: u16,
    pub(crate) message: String,
}

impl S3Error {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> S3Error {
        S3Error { code, status, message: message.into() }
    }

    pub(super) fn no_such_bucket() -> S3Error {
        S3Error::new(404, "NoSuchBucket", "The specified bucket does not exist")
    }

    pub(super) fn no_such_key() -> S3Error {
        S3Error::new(404, "NoSuchKey", "The specified key does not exist.")
    }

    pub(super) fn no_such_upload() -> S3Error {
        S3Error::new(
            404,
            "NoSuchUpload",
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
        )
    }

    pub(super) fn precondition_failed() -> S3Error {
        S3Error::new(
            412,
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
        )
    }

    pub(super) fn invalid_argument(message: impl Into<String>) -> S3Error {
        S3Error::new(400, "InvalidArgument", message)
    }

    pub(super) fn malformed_xml() -> S3Error {
        S3Error::new(
            400,
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        )
    }

    pub(super) fn not_implemented(what: &str) -> S3Error {
        S3Error::new(501, "NotImplemented", format!("The local stack does not have {what}"))
    }

    pub(super) fn unavailable(message: impl Into<String>) -> S3Error {
        S3Error::new(503, "ServiceUnavailable", message)
    }
}

impl From<rusqlite::Error> for S3Error {
    fn from(error: rusqlite::Error) -> S3Error {
        if error.sqlite_error_code() == Some(ErrorCode::DiskFull) {
            return S3Error::unavailable(
                "There is no room for more objects: the disk, or the memory that they may take, is full",
            );
        }
        tracing::error!(%error, "the database of S3 refused a request");
        S3Error::new(500, "InternalError", "We encountered an internal error. Please try again.")
    }
}
