//! A definition: validated, and parsed where validation finds no error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use asl_engine::data::Json;
use asl_engine::definition::StateMachine;
use asl_engine::validation::{Options, validate, validate_state};

fuzz_target!(|text: &str| {
    let options = Options::standard();
    let report = validate(text, &options);
    drop(report.lint_text("fuzz"));
    drop(validate_state(text, &options));
    if let Ok(definition) = Json::parse(text) {
        // Parsing refuses what validation refuses and may refuse more, but never panics.
        drop(StateMachine::parse(&definition));
    }
});
