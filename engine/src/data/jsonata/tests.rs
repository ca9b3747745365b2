use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::data::{Random, Variables};

fn with_scope<T>(input: serde_json::Value, act: impl FnOnce(&Scope<'_>) -> T) -> T {
    let (input, context) = (Json::from(input), Json::from(json!({"State": {"Name": "S"}})));
    let mut variables = Variables::new();
    variables.assign("x", Json::from(json!({"a": [1, 2, 3], "big": 9_007_199_254_740_993_i64})));
    variables.assign("n", Json::from(5));
    let result = Json::from(json!([1, 0, 1]));
    let random = Random::new(5);
    let now = jiff::Timestamp::from_millisecond(1_700_000_000_123).unwrap();
    act(&Scope::new(&input, &context, &variables, &random, now).with_result(&result))
}

fn parse(text: &str) -> Expression {
    Expression::parse(&format!("{{% {text} %}}")).unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
}

pub(super) fn evaluate(text: &str) -> Result<Json, EvalError> {
    let deep = (0..500).fold(json!(1), |inner, _| serde_json::Value::Array(vec![inner]));
    let input = json!({"items": [{"p": 1}, {"p": 2}], "one": [7], "s": "abc", "low": -9e18, "high": 9e18,
        "roman": "I", "deep": deep});
    with_scope(input, |scope| parse(text).evaluate(scope, "Output"))
}

pub(super) fn gives(text: &str, expected: serde_json::Value) {
    match evaluate(text) {
        Ok(value) => assert_eq!(value.to_text(), Json::from(expected).to_text(), "{text}"),
        Err(error) => panic!("{text}: {error}"),
    }
}

/// What follows "The JSONata expression '…' specified for the field 'Output' ".
pub(super) fn fails(text: &str, message: &str) {
    let error = evaluate(text).map(|value| value.to_text()).expect_err(text);
    assert_eq!(error.name, "States.QueryEvaluationError");
    assert_eq!(error.location.as_deref(), Some("Output"));
    assert_eq!(
        error.cause,
        format!("The JSONata expression '{text}' specified for the field 'Output' {message}")
    );
}

#[test]
fn states_and_variables_are_seen() {
    gives("$states.input.s", json!("abc"));
    gives("$states.input.items.p", json!([1, 2]));
    gives("$states.input.one", json!([7]));
    gives("$sum($states.input.items.p) + $n", json!(8));
    gives("$count($states.result[$ = 1])", json!(2));
    gives(
        "$map($states.result, function($v) { $v = 1 ? 'pass' : 'failed' })",
        json!(["pass", "failed", "pass"]),
    );
    gives("$states.context.State.Name", json!("S"));
    gives("$uppercase($states.context.State.Name & $states.input.s)", json!("SABC"));
    gives("$x.a[1]", json!(2));
    gives("$x.big", json!(9_007_199_254_740_993_i64));
    gives("$keys($states)", json!(["input", "context", "result"]));
    gives("$variable := 1", json!(1));
    gives("$contains(\"hello$world\", /^hello\\$/)", json!(true));
    gives("$not($states.input.s = 'Private')", json!(true));
    gives("null", json!(null));
    gives("1.0", json!(1));
    gives("1e2", json!(100));
    gives("0.5", json!(0.5));
    gives("{'b': 1, 'a': [2]}", json!({"b": 1, "a": [2]}));
}

#[test]
fn what_only_names_a_value_gives_what_evaluating_it_gives() {
    let input = json!({"a": {"b": {"c": [[1], {"d": 1}]}, "n": null, "f": false}, "l": [{"m": 1}, {"m": [2]}], "e": []});
    with_scope(input, |scope| {
        for path in [
            "a", "a.b", "a.b.c", "a.b.c.d", "a.n", "a.n.x", "a.f", "l", "l.m", "e", "e.x", "no", "no.x",
            "a.no",
        ] {
            let named = parse(&format!("$states.input.{path}"));
            assert!(named.0.analysis.route.is_some());
            let evaluated = parse(&format!("($states.input.{path})"));
            assert!(evaluated.0.analysis.route.is_none());
            assert_eq!(named.evaluate(scope, "").ok(), evaluated.evaluate(scope, "").ok(), "{path}");
        }
    });
}

#[test]
fn the_functions_of_step_functions_answer_as_aws_does() {
    gives("$partition([1,2,3,4], 3)", json!([[1, 2, 3], [4]]));
    gives("$partition([0], 5)", json!([[0]]));
    gives("$range(0, 9, 3)", json!([0, 3, 6, 9]));
    gives("$range(1, 9, 9)", json!(1));
    gives("$range(3, 1, -1.9)", json!([3, 2, 1]));
    gives("$hash('input', 'SHA-1')", json!("140f86aae51ab9e1cda9b4254fe98a74eb54c1a1"));
    gives("$parse('{\"a\": [1, null]}').a", json!([1, null]));
    gives("$parse('-0')", json!(0));
    gives("$random(42)", json!(0.7275636800328681));
    gives("$random() < 1", json!(true));
    gives("$length($uuid())", json!(36));
    gives("$uuid() != $uuid()", json!(true));
    gives("$now()", json!("2023-11-14T22:13:20.123Z"));
    gives("$now('[Y0001]')", json!("2023"));
    gives("$millis()", json!(1_700_000_000_123_i64));
    gives("1/0", json!("Infinity"));
    gives("$map(['1', '[2]'], $parse)", json!([1, [2]]));
    gives("'{\"a\": 1}' ~> $parse", json!({"a": 1}));
    gives("'input' ~> $hash('SHA-1') ~> $length", json!(40));
    gives("$count($map([1, 2], function() { $uuid() }))", json!(2));
    gives("$sort($shuffle([1..9]))", json!([1, 2, 3, 4, 5, 6, 7, 8, 9]));
    gives("$shuffle([1..9])", json!([4, 9, 1, 3, 8, 5, 2, 6, 7]));
    fails("$range(1, 2, 0)", "returned nothing (undefined).");
    fails(
        "$partition([1], -2)",
        "threw an error during evaluation. D3137: Second argument must be zero or greater",
    );
    fails("$parse('{')", "threw an error during evaluation. D3137: Invalid JSON");
    fails(
        "$uuid(1)",
        "threw an error during evaluation. T0410: Argument 1 of function \"uuid\" does not match function signature",
    );
    fails(
        "$hash('x', 'CRC')",
        "threw an error during evaluation. D3137: Hash algorithm 'CRC' must be one of SHA-1, SHA-384, SHA-256, \
         SHA-512, MD5",
    );
    fails("$eval('1+1')", "threw an error during evaluation. T1006: Attempted to invoke a non-function");
}

#[test]
fn random_numbers_go_on_from_expression_to_expression() {
    with_scope(json!({}), |scope| {
        let random = parse("$random()");
        assert_ne!(random.evaluate(scope, ""), random.evaluate(scope, ""));
        assert_eq!(scope.random.drawn(), 2);
    });
}

#[test]
fn failures_are_told_in_the_words_of_aws() {
    fails("$doesNotExist", "returned nothing (undefined).");
    fails("$states.input.missing", "returned nothing (undefined).");
    fails("$states.errorOutput", "returned nothing (undefined).");
    fails("$fn := function($x){$x}", "returned an unsupported result type.");
    fails("{'f': $string}", "returned an unsupported result type.");
    fails("$nofn(1)", "threw an error during evaluation. T1006: Attempted to invoke a non-function");
    fails(
        "$abs('x')",
        "threw an error during evaluation. T0410: Argument 1 of function \"abs\" does not match function signature",
    );
    fails(
        "$sum('a')",
        "threw an error during evaluation. T0412: Argument 1 of function \"sum\" must be an array of \"numbers\"",
    );
    fails(
        "1 + 'a'",
        "threw an error during evaluation. T2002: The right side of the \"+\" operator must evaluate to a number",
    );
    fails("$number('x')", "threw an error during evaluation. D3030: Unable to cast value to a number: \"x\"");
    fails("$error('boo')", "threw an error during evaluation. D3137: boo");
}

#[test]
fn a_value_of_another_type_than_the_field_asks_is_told() {
    with_scope(json!({}), |scope| {
        let cause = |text: &str, expected| {
            parse(text).evaluate_as(scope, "Items", expected).map_err(|error| error.cause).unwrap_err()
        };
        assert_eq!(
            cause("{'foo': 'bar'}", Expected::Array),
            "The JSONata expression '{'foo': 'bar'}' specified for the field 'Items' returned an unexpected result \
             type. Expected 'array', but was 'object' for value: {\"foo\":\"bar\"}"
        );
        assert!(cause("null", Expected::Array).ends_with("Expected 'array', but was 'null' for value: null"));
        assert!(cause("1.5", Expected::Integer).contains("Expected 'integer'"));
        assert_eq!(parse("2.0").evaluate_as(scope, "Seconds", Expected::Integer), Ok(Json::from(2)));
    });
}

#[test]
fn whatever_does_not_end_is_ended() {
    let timeout = "threw an error during evaluation: Expression evaluation timeout: Check for infinite loop";
    let stack = "threw an error during evaluation: Stack overflow error: Check for non-terminating recursive \
                 function. Consider rewriting as tail-recursive.";
    let memory = "threw an error during evaluation: Expression evaluation memory limit exceeded: Check for \
                  excessive memory usage";
    fails("($f := function($x){ $f($x+1) }; $f(1))", timeout);
    fails("($f := function($x){ 1 + $f($x) }; $f(1))", stack);
    fails("[1..900000] ~> $count()", memory);
    fails("$sum([1..900000])", memory);
    gives("$count([1..873782])", json!(873_782));
    fails("($f := function($x){ $f($x & $x) }; $f('x'))", memory);
    fails("($f := function($x){ $f([$x, $x]) }; $f([1]))", memory);
    fails("($f := function($x){ $f({'l': $x, 'r': $x}) }; $f(1))", memory);
    fails("$reduce([1..60], function($a, $i){ {'l': $a, 'r': $a} }, 'x')", memory);
    fails("$reduce([1..60], function($a, $i){ $a.{'l': $, 'r': $} }, {'x': 1})", memory);
    fails("$reduce([1..60], function($a, $i){ $join([$a, $a]) }, 'x')", memory);
    fails("$pad('x', 1000000000000)", memory);
    fails("$pad('x', -1000000000000)", memory);
    fails("($s := $pad('', 100000, 'x'); $replace($s, 'x', $s))", memory);
    fails("($s := $pad('', 1000000, 'x'); $join($map([1..1000], function($i){ $s })))", memory);
    gives("$length($pad('', 1000, 'x') & 'y')", json!(1001));
}

#[test]
fn depth_is_bounded_where_aws_bounds_it() {
    let sum = |terms: usize| evaluate(&vec!["1"; terms].join("+")).map_err(|error| error.cause);
    assert_eq!(sum(100), Ok(Json::from(100)));
    assert!(sum(101).unwrap_err().contains("Stack overflow error"));
    assert!(sum(300).unwrap_err().contains("Stack overflow error"));
    let recursive =
        |n: usize| evaluate(&format!("($f := function($n){{ $n = 0 ? 0 : 1 + $f($n-1) }}; $f({n}))"));
    assert_eq!(recursive(31), Ok(Json::from(31)));
    assert!(recursive(32).is_err());
    let joined = vec!["$states.input.s"; 90].join(" & ");
    assert_eq!(evaluate(&joined), Ok(Json::from("abc".repeat(90))));
    let nested = format!("{{% {}1{} %}}", "(".repeat(100_000), ")".repeat(100_000));
    assert!(Expression::parse(&nested).is_err());
}

#[test]
fn what_aws_refuses_at_creation_is_refused() {
    let refused = |text: &str| -> Vec<String> {
        let errors = Expression::parse(&format!("{{% {text} %}}")).err().unwrap_or_default();
        errors.iter().map(ToString::to_string).collect()
    };
    for (text, message) in [
        ("a[1,2)", "Expected \"]\", got \",\""),
        ("\"unterminated", "String literal must be terminated by a matching quote"),
        ("1 +", "Unexpected end of expression"),
        ("{\"a\":}", "The symbol \"}\" cannot be used as a unary operator"),
        ("$x :=", "Unexpected end of expression"),
    ] {
        assert_eq!(refused(text), [format!("INVALID_JSONATA_EXPRESSION: {message}")], "{text}");
    }
    let unsupported = |name: &str| {
        format!("UNSUPPORTED_JSONATA_EXPRESSION: Reference to '{name}' at the top level is not supported.")
    };
    assert_eq!(refused("phone"), [unsupported("phone")]);
    assert_eq!(refused("phone.number & fax & phone"), [unsupported("phone"), unsupported("fax")]);
    assert_eq!(refused("$$"), [unsupported("$$")]);
    assert_eq!(refused("$map($x, function($v){ $v = foo })"), [unsupported("foo")]);
    assert_eq!(refused("$states.input[foo = $.bar].baz.{'a': $, 'b': qux}^(a)"), [] as [String; 0]);
    assert_eq!(refused("$x ~> |a|{'b': c}|"), [] as [String; 0]);
}

#[test]
fn the_names_an_expression_reads_are_known() {
    let names = |text: &str| parse(text).variables().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(names("($a := $b + 1; $map($c.d, function($v, $i){ $v + $a + $i }))"), ["b", "c", "map"]);
    assert_eq!(names("$states.input.x"), ["states"]);
    assert!(parse("$states.result.x").uses_result() && !parse("$states.input.x").uses_result());
    assert!(parse("$states.errorOutput").uses_error_output() && parse("$states").uses_error_output());
}

#[test]
fn templates_are_evaluated_with_their_places_named() {
    let evaluate = |template: serde_json::Value| {
        let template = JsonataTemplate::parse(&template.into()).unwrap();
        with_scope(json!({"s": "abc"}), |scope| template.evaluate(scope, "Output"))
    };
    let literal = json!([null, 0, 0.1, true, [], {"constant": 0}, " {% states.input %} ", "$states.input", "{%", "{%}"]);
    assert_eq!(evaluate(literal.clone()).unwrap(), Json::from(literal));
    assert_eq!(
        evaluate(json!({"a": ["{% $states.input.s %}", {"b": "{%$n+1%}"}], "c": 1})).unwrap().to_text(),
        r#"{"a":["abc",{"b":6}],"c":1}"#
    );
    assert_eq!(evaluate(json!("{% $n %}")).unwrap(), Json::from(5));
    let error = evaluate(json!({"a": {"b": [[0, "{% $no %}"]]}})).unwrap_err();
    assert_eq!(error.location.as_deref(), Some("Output/a/b[0][1]"));
    let faults =
        JsonataTemplate::parse(&json!({"a/b": ["{% 1 + %}"], "c": "{% d & e %}"}).into()).unwrap_err();
    let locations: Vec<_> = faults.iter().map(|fault| fault.location.as_str()).collect();
    assert_eq!(locations, ["/a~1b/0", "/c", "/c"]);
}

#[test]
fn expressions_go_from_thread_to_thread() {
    fn check<T: Send + Sync>() {}
    check::<Expression>();
    check::<JsonataTemplate>();
}

proptest! {
    #[test]
    fn no_text_makes_parsing_or_evaluating_panic(text in "[\\PC]{0,30}|[$()\\[\\]{}.,:;'\"a-e0-9 +*/&|~>=<?%^@#-]{0,40}") {
        if let Ok(expression) = Expression::parse(&format!("{{%{text}%}}")) {
            with_scope(json!({"a": [1]}), |scope| { let _ = expression.evaluate(scope, "x"); });
        }
    }
}
