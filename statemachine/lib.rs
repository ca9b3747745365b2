//! The state machines of this project, as the text that is deployed.
//!
//! Each constant is a file beside this one. Crates that need a definition take it from here instead of reading another
//! crate's folder. The placeholders `${…}` are not filled: the deployment and the local stack do that.

/// `lottery.asl.json`: one draw of a lottery, from its request to the notified winners.
pub const LOTTERY: &str = include_str!("lottery.asl.json");

/// `import-participants.asl.json`: a big list of participants, from its upload to the last batch.
pub const IMPORT_PARTICIPANTS: &str = include_str!("import-participants.asl.json");
