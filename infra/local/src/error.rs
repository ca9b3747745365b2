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
    /// A file is not there, though others say that the directory has been used.
    #[error(
        "{} is missing or empty, although {} shows that this directory has been used: put it back from a backup, or begin \
         anew with another --data-dir; a new one beside what is left would not fit to it",
        path.display(),
        evidence.display()
    )]
    Lost {
        /// The file.
        path: PathBuf,
        /// A file that comes to be after it.
        evidence: PathBuf,
    },
    /// Draws wait for rounds of a beacon whose key is gone.
    #[error(
        "{} {found}, and {draws} cannot be drawn without the beacon that it was when they were sealed: nothing else can give \
         their rounds; put the file back from a backup. Until then they stay sealed, and their lotteries with them; to hold \
         other lotteries meanwhile, use another --data-dir",
        path.display()
    )]
    BeaconLost {
        /// The file of the key.
        path: PathBuf,
        /// What is wrong with it.
        found: &'static str,
        /// The draws, in words.
        draws: String,
    },
    /// Other users of the machine can read the data directory, and it cannot be closed to them.
    #[error("other users of this machine can read {}: {reason}", path.display())]
    Exposed {
        /// The directory.
        path: PathBuf,
        /// Why the stack does not change that, and what to do.
        reason: String,
    },
    /// The clock shows a time that cannot be right.
    #[error("{0}, and start the stack again")]
    Clock(String),
    /// `lambda_endpoint` is not an address of HTTP.
    #[error("{0} is not an http:// address of a Lambda Invoke API")]
    LambdaEndpoint(String),
    /// `smtp_url` is not an address of an SMTP server.
    #[error("{0} is not an smtp:// or smtps:// address")]
    SmtpUrl(String),
    /// The engine does not start.
    #[error(transparent)]
    Engine(#[from] asl_engine::EngineError),
    /// A state machine, a table or a topic cannot be created.
    #[error("cannot set up {what}: {reason}")]
    SetUp {
        /// What should have been there.
        what: String,
        /// What the service said.
        reason: String,
    },
}
