//! What Lambda itself writes into a function's log.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

/// The lines around an invocation that took so long, in base 64. Nothing here is billed or has a memory of its own.
pub(super) fn tail(took: Duration) -> String {
    let id = Uuid::new_v4();
    let millis = took.as_secs_f64() * 1000.0;
    STANDARD.encode(format!(
        "START RequestId: {id} Version: $LATEST\nEND RequestId: {id}\nREPORT RequestId: {id}\tDuration: {millis:.2} ms\t\n"
    ))
}
