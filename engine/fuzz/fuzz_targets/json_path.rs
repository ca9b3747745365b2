//! A path in the first line, a document in the rest.
#![no_main]

use libfuzzer_sys::fuzz_target;
use asl_engine::data::{Json, JsonPath, Random, ReferencePath, Scope, Variables};

fuzz_target!(|text: &str| {
    let (path, document) = text.split_once('\n').unwrap_or((text, r#"{"a":[1,{"b":"c"}],"d":null}"#));
    let Ok(document) = Json::parse(document) else { return };
    let (context, variables, random) = (Json::empty_object(), Variables::new(), Random::new(1));
    let scope = Scope::new(&document, &context, &variables, &random, jiff::Timestamp::UNIX_EPOCH);
    if let Ok(path) = JsonPath::parse(path) {
        drop(path.query(&scope));
    }
    if let Ok(path) = ReferencePath::parse(path) {
        drop(path.set(document.clone(), Json::from(1)));
    }
});
