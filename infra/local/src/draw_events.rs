//! What the lottery's template makes of EventBridge on AWS: the event bus on which draws tell of themselves.

use serde_json::json;

use crate::StartError;
use crate::definitions::DRAW_EVENTS;
use crate::events::{Events, EventsError};

/// Makes what is not there yet.
pub(crate) async fn create(events: &Events) -> Result<(), StartError> {
    let failed = |error: EventsError| StartError::SetUp {
        what: "the event bus of the draws".to_owned(),
        reason: error.to_string(),
    };
    let bus = json!({"Name": DRAW_EVENTS, "Description": "What happens to the draws, by ids alone"});
    match events.call("CreateEventBus", bus).await {
        Ok(_) => Ok(()),
        Err(error) if error.name == "ResourceAlreadyExistsException" => Ok(()),
        Err(error) => Err(failed(error)),
    }
}
