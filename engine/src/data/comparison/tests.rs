use serde_json::json;

use super::*;
use crate::data::{Random, Variables};

fn evaluate(operator: &str, value: serde_json::Value, input: serde_json::Value) -> Result<bool, EvalError> {
    let comparison = Comparison::parse("$.v", operator, &value.into()).unwrap();
    let (input, variables, random) = (Json::from(input), Variables::new(), Random::new(1));
    comparison.evaluate(&Scope::new(&input, &Json::Null, &variables, &random, jiff::Timestamp::UNIX_EPOCH))
}

fn holds(operator: &str, value: serde_json::Value, variable: serde_json::Value) -> bool {
    evaluate(operator, value, json!({ "v": variable })).unwrap()
}

/// Values of every kind; an operator is false for all that it is not made for.
fn samples() -> Vec<serde_json::Value> {
    vec![
        json!(null),
        json!(""),
        json!("Hello"),
        json!("2012-10-09T19:00:55Z"),
        json!("2012-10-09T19:00:55"),
        json!("2023-02-24"),
        json!(0),
        json!(1.1),
        json!([]),
        json!([""]),
        json!({}),
        json!(true),
        json!(false),
    ]
}

#[test]
fn each_property_is_seen_and_nothing_else() {
    let kept = |operator: &str| -> Vec<_> {
        let all = samples().into_iter();
        let yes: Vec<_> = all.clone().filter(|value| holds(operator, json!(true), value.clone())).collect();
        let no: Vec<_> = all.filter(|value| holds(operator, json!(false), value.clone())).collect();
        assert_eq!(yes.len() + no.len(), samples().len());
        yes
    };
    assert_eq!(kept("IsNull"), [json!(null)]);
    assert_eq!(kept("IsNumeric"), [json!(0), json!(1.1)]);
    assert_eq!(kept("IsBoolean"), [json!(true), json!(false)]);
    assert_eq!(kept("IsTimestamp"), [json!("2012-10-09T19:00:55Z")]);
    assert_eq!(kept("IsString").len(), 5);
    assert_eq!(kept("IsPresent").len(), samples().len());
}

#[test]
fn values_of_another_kind_make_a_comparison_false() {
    for (operator, value, equal) in [
        ("StringEquals", json!("Hello"), json!("Hello")),
        ("NumericEquals", json!(0.0), json!(0)),
        ("BooleanEquals", json!(true), json!(true)),
        ("TimestampEquals", json!("2012-10-09T20:00:55+01:00"), json!("2012-10-09T19:00:55Z")),
    ] {
        let kept: Vec<_> = samples()
            .into_iter()
            .filter(|variable| holds(operator, value.clone(), variable.clone()))
            .collect();
        assert_eq!(kept, [equal], "{operator}");
    }
}

#[test]
fn orders_are_those_of_the_kind() {
    let relations = [
        ("LessThan", [true, false, false]),
        ("LessThanEquals", [true, true, false]),
        ("GreaterThan", [false, false, true]),
        ("GreaterThanEquals", [false, true, true]),
        ("Equals", [false, true, false]),
    ];
    let values = [
        ("String", [json!("A"), json!("AB"), json!("a")]),
        ("Numeric", [json!(-1), json!(1.0), json!(2)]),
        (
            "Timestamp",
            [json!("2012-10-09T19:00:54Z"), json!("2012-10-09T19:00:55Z"), json!("2012-10-09T19:00:56Z")],
        ),
    ];
    for (kind, [low, middle, high]) in values {
        for (relation, expected) in relations {
            let operator = format!("{kind}{relation}");
            let found = [&low, &middle, &high].map(|value| holds(&operator, middle.clone(), value.clone()));
            assert_eq!(found, expected, "{operator}");
            let with_path = [&low, &middle, &high].map(|value| {
                evaluate(&format!("{operator}Path"), json!("$.w"), json!({"v": value, "w": middle})).unwrap()
            });
            assert_eq!(with_path, expected, "{operator}Path");
        }
    }
    // A pair of surrogates comes before U+FFFF in UTF-16, and after it by code point.
    assert!(holds("StringLessThan", json!("\u{ffff}"), json!("\u{10000}")));
}

#[test]
fn a_value_of_another_kind_behind_a_path_makes_it_false() {
    assert!(!evaluate("NumericEqualsPath", json!("$.w"), json!({"v": 1, "w": "1"})).unwrap());
    assert!(!evaluate("BooleanEqualsPath", json!("$.w"), json!({"v": true, "w": null})).unwrap());
    assert!(evaluate("BooleanEqualsPath", json!("$.w"), json!({"v": false, "w": false})).unwrap());
}

#[test]
fn only_is_present_may_look_where_nothing_is() {
    assert!(evaluate("IsPresent", json!(false), json!({})).unwrap());
    assert!(evaluate("IsPresent", json!(true), json!({"v": null})).unwrap());
    for (operator, value, input) in
        [("IsNull", json!(true), json!({})), ("NumericEqualsPath", json!("$.w"), json!({"v": 1}))]
    {
        let error = evaluate(operator, value, input).unwrap_err();
        assert_eq!(error.name, "States.Runtime");
        assert!(
            error.cause.ends_with("': The choice state's condition path references an invalid value."),
            "{error}"
        );
    }
}

#[test]
fn what_is_no_comparison_is_refused() {
    let refusal = |operator: &str, value: serde_json::Value| {
        Comparison::parse("$.v", operator, &value.into()).map(|_| ()).unwrap_err()
    };
    assert_eq!(refusal("BooleanLessThan", json!(true)), ComparisonError::UnknownOperator);
    assert_eq!(refusal("StringMatchesPath", json!("$.x")), ComparisonError::UnknownOperator);
    assert_eq!(refusal("Variable", json!("$.x")), ComparisonError::UnknownOperator);
    assert_eq!(refusal("NumericEquals", json!("1")), ComparisonError::Literal("a number"));
    assert_eq!(refusal("TimestampEquals", json!("2023-02-24")), ComparisonError::Literal("a timestamp"));
    assert_eq!(refusal("IsNull", json!("true")), ComparisonError::Literal("true or false"));
    assert!(matches!(refusal("NumericEqualsPath", json!("x")), ComparisonError::Operand(_)));
    assert!(matches!(Comparison::parse("v", "IsNull", &Json::Bool(true)), Err(ComparisonError::Variable(_))));
    assert!(Comparison::is_operator("TimestampGreaterThanEqualsPath"));
}
