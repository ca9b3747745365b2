//! A call of an intrinsic function in the first line, a document in the rest.
#![no_main]

use libfuzzer_sys::fuzz_target;
use asl_engine::data::{Json, Random, Scope, Selector, Variables};

fuzz_target!(|text: &str| {
    let (call, document) = text.split_once('\n').unwrap_or((text, r#"{"a":[1,{"b":"c"}],"d":"text"}"#));
    let Ok(document) = Json::parse(document) else { return };
    let (context, variables, random) = (Json::empty_object(), Variables::new(), Random::new(1));
    let scope = Scope::new(&document, &context, &variables, &random, jiff::Timestamp::UNIX_EPOCH);
    if let Ok(selector) = Selector::parse(call) {
        drop(selector.evaluate(&scope, "value.$"));
    }
});
