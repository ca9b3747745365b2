use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::data::{Random, Variables};

fn evaluate(text: &str, input: serde_json::Value) -> Result<Json, EvalError> {
    let call = Call::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let (input, context) = (Json::from(input), Json::from(json!({"StateMachine": {"Name": "a-b-c"}})));
    let mut variables = Variables::new();
    variables.assign("name", Json::from("Ada"));
    call.evaluate(&Scope::new(&input, &context, &variables, &Random::new(5), jiff::Timestamp::UNIX_EPOCH))
}

fn gives(text: &str, input: serde_json::Value, expected: serde_json::Value) {
    match evaluate(text, input) {
        Ok(value) => assert_eq!(value, Json::from(expected), "{text}"),
        Err(error) => panic!("{text}: {error}"),
    }
}

fn fails(text: &str, input: serde_json::Value) {
    let error = evaluate(text, input).expect_err(text);
    assert_eq!(error.name, "States.IntrinsicFailure", "{text}");
    assert!(error.cause.starts_with(&format!("The function '{text}' had the following error: ")), "{error}");
}

#[test]
fn format_puts_values_as_java_writes_them() {
    let template = "States.Format('fst={} and snd={}.', $.a, $name)";
    for (value, written) in [
        (json!(""), ""),
        (json!(null), "null"),
        (json!(1), "1"),
        (json!(1.1), "1.1"),
        (json!({"Arg1": 1, "Arg2": [], "s": ["x", {"y": "z"}]}), "{Arg1=1, Arg2=[], s=[x, {y=z}]}"),
    ] {
        gives(template, json!({"a": value}), json!(format!("fst={written} and snd=Ada.")));
    }
    gives(r"States.Format('it\'s \{\} {} \\ { }', 1)", json!({}), json!(r"it's {} 1 \ { }"));
    gives("States.Format($.t, 'x')", json!({"t": "<{}>"}), json!("<x>"));
    gives("States.Format('plain')", json!({}), json!("plain"));
    fails("States.Format('{}')", json!({}));
    fails("States.Format('{}', 1, 2)", json!({}));
    fails("States.Format($.t, 1)", json!({"t": 1}));
}

#[test]
fn json_goes_to_text_and_back() {
    gives("States.StringToJson($.t)", json!({"t": "{\"a\": [1, \"x\"]}"}), json!({"a": [1, "x"]}));
    gives("States.JsonToString($)", json!({"a": [1, "x", null, 1.1]}), json!("{\"a\":[1,\"x\",null,1.1]}"));
    gives("States.JsonToString($.t)", json!({"t": "Hello"}), json!("\"Hello\""));
    gives("States.StringToJson($.t)", json!({"t": ""}), json!(null));
    gives("States.StringToJson($.t)", json!({"t": " \n"}), json!(null));
    fails("States.StringToJson($.t)", json!({"t": "{"}));
    fails("States.StringToJson($.t)", json!({"t": 1}));
    let deep = "[".repeat(5000) + &"]".repeat(5000);
    fails("States.StringToJson($.t)", json!({ "t": deep }));
}

#[test]
fn arrays_are_made_cut_and_searched() {
    gives("States.Array()", json!({}), json!([]));
    gives(
        "States.Array($.a, 'x', 1, -1.5, true, null)",
        json!({"a": {}}),
        json!([{}, "x", 1, -1.5, true, null]),
    );
    gives("States.ArrayPartition($.a, 4)", json!({"a": [1, 2, 3, 4, 5]}), json!([[1, 2, 3, 4], [5]]));
    gives("States.ArrayPartition($.a, 1.5)", json!({"a": [1, 2, 3]}), json!([[1, 2], [3]]));
    gives("States.ArrayContains($.a, $.b)", json!({"a": [[1, 2], 2], "b": [1, 2]}), json!(true));
    gives("States.ArrayContains($.a, $.b)", json!({"a": [{"1": 2, "2": []}], "b": []}), json!(false));
    gives("States.ArrayContains($.a, 5)", json!({"a": [5.0]}), json!(true));
    gives("States.ArrayRange(0, 9, 3)", json!({}), json!([0, 3, 6, 9]));
    gives("States.ArrayRange(0, 10, 3)", json!({}), json!([0, 3, 6, 9]));
    gives("States.ArrayRange(1, 9, 9)", json!({}), json!([1]));
    gives("States.ArrayRange(9, 1, -4)", json!({}), json!([9, 5, 1]));
    gives("States.ArrayRange(5, 1, 1)", json!({}), json!([]));
    gives("States.ArrayRange(3, 3, 1)", json!({}), json!([3]));
    gives("States.ArrayGetItem($.a, 1)", json!({"a": [1, 2]}), json!(2));
    gives("States.ArrayLength($.a)", json!({"a": [1, [2, 3]]}), json!(2));
    gives(
        "States.ArrayUnique($.a)",
        json!({"a": [1, "1", 1.0, null, null, [], [], {"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1}, true]}),
        json!([1, "1", null, [], {"a": 1, "b": 2}, {"a": 1}, true]),
    );
    fails("States.ArrayPartition($.a, 0)", json!({"a": [1]}));
    fails("States.ArrayPartition($.a, -1)", json!({"a": [1]}));
    fails("States.ArrayPartition(1, 1)", json!({}));
    fails("States.ArrayRange(0, 1000, 1)", json!({}));
    fails("States.ArrayRange(0, 1, 0)", json!({}));
    fails("States.ArrayRange(-9223372036854775808, 9223372036854775807, 1)", json!({}));
    fails("States.ArrayGetItem($.a, 2)", json!({"a": [1, 2]}));
    fails("States.ArrayGetItem($.a, -1)", json!({"a": [1, 2]}));
    fails("States.ArrayLength('x')", json!({}));
}

#[test]
fn texts_are_encoded_hashed_and_split() {
    gives("States.Base64Encode('Data to encode')", json!({}), json!("RGF0YSB0byBlbmNvZGU="));
    gives("States.Base64Decode('RGF0YSB0byBlbmNvZGU=')", json!({}), json!("Data to encode"));
    gives("States.Base64Decode('aGVsbG8')", json!({}), json!("hello"));
    fails("States.Base64Decode('aGVsb')", json!({}));
    gives("States.Hash('input data', 'SHA-1')", json!({}), json!("aaff4a450a104cd177d28d18d74485e8cae074b7"));
    gives("States.Hash('', 'MD5')", json!({}), json!("d41d8cd98f00b204e9800998ecf8427e"));
    for (text, delimiters, parts) in [
        (" , ", ",", json!([" ", " "])),
        (",,,,", ",", json!([])),
        ("This.is+a,test=string", ".+,=", json!(["This", "is", "a", "test", "string"])),
        ("split on T and \nnew line", "T\n", json!(["split on ", " and ", "new line"])),
        ("a\u{e9}b", "\u{e9}", json!(["a", "b"])),
        ("ab", "", json!(["ab"])),
    ] {
        gives("States.StringSplit($.t, $.d)", json!({"t": text, "d": delimiters}), parts);
    }
    gives("States.StringSplit('Hello\nWorld', '\n')", json!({}), json!(["Hello", "World"]));
    fails("States.Base64Decode('*')", json!({}));
    fails("States.Base64Encode($.t)", json!({"t": "x".repeat(10_001)}));
    fails("States.Hash('x', 'CRC')", json!({}));
    fails("States.StringSplit(1, ',')", json!({}));
}

#[test]
fn objects_are_merged_one_level_deep() {
    let input = json!({"a": {"a": {"a1": 1}, "b": 2, "d": 3}, "b": {"a": {"a3": 1}, "c": 3, "d": 4}});
    gives(
        "States.JsonMerge($.a, $.b, false)",
        input.clone(),
        json!({"a": {"a3": 1}, "b": 2, "c": 3, "d": 4}),
    );
    fails("States.JsonMerge($.a, $.b, true)", input.clone());
    fails("States.JsonMerge($.a, 1, false)", input.clone());
    fails("States.JsonMerge($.a, $.b, 'no')", input);
}

#[test]
fn numbers_are_rounded_halves_upwards_and_added() {
    for (left, right, sum) in [
        (json!(-9), json!(3), -6),
        (json!(1.49), json!(1.5), 3),
        (json!(-1.49), json!(-1.5), -2),
        (json!(-1.5), json!(-1.51), -3),
        (json!(-0.5), json!(0.5), 1),
        (json!(2.5), json!(0), 3),
        (json!(-2.5), json!(0), -2),
    ] {
        gives("States.MathAdd($.a, $.b)", json!({"a": left, "b": right}), json!(sum));
    }
    fails("States.MathAdd('1', 1)", json!({}));
    fails("States.MathAdd(9223372036854775807, 1)", json!({}));
    fails("States.MathAdd(1e300, 1)", json!({}));
}

#[test]
fn random_numbers_lie_between_their_bounds() {
    for _ in 0..100 {
        let value = evaluate("States.MathRandom(12.5, 44.51)", json!({})).unwrap().as_i64().unwrap();
        assert!((13..45).contains(&value), "{value}");
    }
    let seeded = || evaluate("States.MathRandom(-99999, -9999, 42)", json!({})).unwrap();
    assert_eq!(seeded(), seeded());
    fails("States.MathRandom(5, 5)", json!({}));
    assert_eq!(evaluate("States.UUID()", json!({})).unwrap().as_str().unwrap().len(), 36);
}

#[test]
fn invocations_may_be_nested_ten_deep() {
    gives(
        "States.ArrayGetItem(States.StringSplit($$.StateMachine.Name, '-'), \
         States.MathAdd(States.ArrayLength(States.StringSplit($$.StateMachine.Name, '-')), -1))",
        json!({}),
        json!("c"),
    );
    let nested = |depth: usize| format!("{}1{}", "States.Array(".repeat(depth), ")".repeat(depth));
    assert!(Call::parse(&nested(11)).is_ok());
    assert!(Call::parse(&nested(12)).unwrap_err().message.contains("nested"));
    assert!(Call::parse(&nested(100_000)).is_err());
}

#[test]
fn a_missing_argument_is_a_runtime_error_that_names_the_path() {
    let error = evaluate("States.Format('{}', $.x)", json!({"y": 1})).unwrap_err();
    assert_eq!(
        (error.name, error.cause.as_str()),
        (
            "States.Runtime",
            "The function 'States.Format('{}', $.x)' had the following error: The JsonPath argument for the field \
             '$.x' could not be found in the input '{\"y\":1}'"
        )
    );
}

#[test]
fn what_is_not_an_invocation_is_refused() {
    for text in [
        "States.Nothing()",
        "States.UUID(1)",
        "States.Format()",
        "States.MathAdd(1)",
        "States.Array(1",
        "States.Array(1 2)",
        "States.Array(1,)",
        "States.Array('x)",
        r"States.Array('\n')",
        r"States.Format('\n')",
        "States.Array(foo)",
        "States.Array(1)[0]",
        "States.Array (1)",
        "Format('x')",
        "States.Array($.)",
    ] {
        assert!(Call::parse(text).is_err(), "{text}");
    }
}

#[test]
fn the_variables_of_an_invocation_are_known() {
    let call = Call::parse("States.Format($a, States.Array($b.c, $.d, $$.e), 'f')").unwrap();
    let (mut variables, mut paths) = (Vec::new(), Vec::new());
    call.variables(&mut variables);
    call.paths(&mut paths);
    assert_eq!(variables, ["a", "b"]);
    assert_eq!(paths.len(), 4);
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(
        name in "Format|Array|MathAdd|StringSplit|Hash|JsonMerge|[A-Z]{0,3}",
        rest in "[\\PC]{0,30}|[$.()',{}\\\\a-z0-9 \\[\\]?@-]{0,40}",
    ) {
        let text = format!("States.{name}({rest}");
        for text in [format!("{text})"), text] {
            if let Ok(call) = Call::parse(&text) {
                let input = Json::from(json!({"a": [1, "x"]}));
                let random = Random::new(1);
                let _ = call.evaluate(
                    &Scope::new(&input, &Json::Null, &Variables::new(), &random, jiff::Timestamp::UNIX_EPOCH));
            }
        }
    }
}
