//! Why a stack does not start, each in one sentence for the person who started it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why [`crate::Stack::start`] gave up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else listens on the port.
    #[error("the address {address} is already in use; choose another one with {option}")]
    AddressInUse {
        /// The address as configured.
        address: SocketAddr,
        /// The option that sets it.
        option: &'static str,
    },
    /// The address cannot be listened on for another reason.
    #[error("cannot listen on {address}: {source}; choose another address with {option}")]
    Listen {
        /// The address as configured.
        address: SocketAddr,
        /// The option that sets it.
        option: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// The data directory, or a file in it, cannot be created or written.
    #[error("cannot write to {}: {source}", path.display())]
    Unwritable {
        /// The directory or file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another process has the data directory.
    #[error("the data directory {} is in use by another process", path.display())]
    DirectoryInUse {
        /// The directory.
        path: PathBuf,
    },
    /// A file in the data directory is not what it should be.
    #[error("{} cannot be used: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// `lambda_endpoint` is not an address of HTTP.
    #[error("{0} is not an http:// address of a Lambda Invoke API")]
    LambdaEndpoint(String),
    /// `smtp_url` is not an address of an SMTP server.
    #[error("{0} is not an smtp:// or smtps:// address")]
    SmtpUrl(String),
    /// The engine does not start.
    #[error(transparent)]
    Engine(#[from] statemachine::EngineError),
    /// A state machine, a table or a topic cannot be created.
    #[error("cannot set up {what}: {reason}")]
    SetUp {
        /// What should have been there.
        what: String,
        /// What the service said.
        reason: String,
    },
}
