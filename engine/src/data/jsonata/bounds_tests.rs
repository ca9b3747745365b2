//! What the evaluator could not bear is refused, and nothing else is.

use std::time::{Duration, Instant};

use super::tests::{evaluate, fails, gives};
use super::*;
use serde_json::json;

const MEMORY: &str = "threw an error during evaluation: Expression evaluation memory limit exceeded: Check for excessive memory usage";

#[test]
fn what_would_take_all_memory_or_go_on_for_ever_is_refused() {
    let wide = format!("'{}'", "#".repeat(1_001));
    let ranges = vec!["1..800000"; 300].join(", ");
    let doubled = ".{'l': $, 'r': $}".repeat(8);
    let parts = vec!["$b"; 500].join(", ");
    for text in [
        "[-1e308..1e308]",
        "[1..10000001]",
        "[-9223372036854775808..9223372036854775807]",
        "($a := $states.input.low; $b := $states.input.high; [$a..$b])",
        "$map([1e15], function($n) { [$n..9e18] })",
        "$formatInteger(1e18, 'I')",
        "$formatInteger(1e18, $states.input.roman)",
        "1e18 ~> $formatInteger('i')",
        "[1e18].$formatInteger('I')",
        "($f := $formatInteger; $f(1e18, 'I'))",
        "$formatInteger(?, 'I')(1e18)",
        "$map(['I'], $formatInteger(1e18, ?))",
        "($apply := function($f) { $f(1e18, 'I') }; $apply($formatInteger))",
        "$fromMillis(0, '[Y,1000000000]')",
        "$fromMillis(0, '[Y,1-99999999999999999999999]')",
        "$now('[Y,1000000000]')",
        "('x').$pad(1e12)",
        "('x').$pad(1e12, '-')",
        "($p := $pad; $p('x', 1e12))",
        "$join($map([1..100000], $string), $pad('', 100000, 'x'))",
        "$replace($pad('', 1000000, 'x'), 'x', $pad('', 100000, 'y'))",
        "$split($pad('', 7000000, 'x'), '')",
        "$pad('', 7000000, 'x').$split('x')",
        "$match($pad('', 1000000, 'x'), /x/)",
        "$pad('', 1000000, 'x').$match(/x/)",
        &format!("($b := [1..100000]; $zip({parts}))"),
        &format!("[{ranges}]"),
        &format!("('x'){doubled}{doubled}{doubled}"),
        "[1..870000].{'a': {'b': {'c': {'d': {'e': {'f': {'g': $}}}}}}}",
        "$reduce([1..40], function($a, $i) { $string([$a, $a]) })",
        "$reduce([1..40], function($a, $i) { $a & $a }, 'x')",
        "$reduce([1..40], function($a, $i) { $append($a, $a) }, [1, 2])",
    ] {
        let began = Instant::now();
        let error = evaluate(text).map(|value| value.to_text().len()).expect_err(text);
        assert!(error.cause.ends_with(MEMORY) || error.cause.contains("timeout"), "{text}: {}", error.cause);
        assert!(began.elapsed() < Duration::from_secs(10), "{text} took {:?}", began.elapsed());
    }
    for function in ["formatNumber(1", "formatInteger(1", "parseInteger('1'", "toMillis('1'", "fromMillis(1"]
    {
        fails(&format!("${function}, {wide})"), MEMORY);
    }
    fails(&format!("$now({wide})"), MEMORY);
    fails(&format!("$formatNumber(1, '0', {{'minus-sign': {wide} & $pad('', 10000)}})"), MEMORY);
}

#[test]
fn what_javascript_stumbles_over_fails_the_expression() {
    fails("$parseInteger('1','١')", "threw an error during evaluation: Invalid code point -1535");
    fails(
        "$fromMillis(1e300, '[MN]')",
        "threw an error during evaluation: Cannot read properties of undefined (reading 'length')",
    );
}

#[test]
fn functions_of_functions_are_bounded_as_well() {
    for text in [
        "($f := $reduce([1..5000], function($f, $i) { function($x) { $f($x) } }, function($x) { $x }); $f(1))",
        "($f := $reduce([1..5000], function($f, $i) { $map(?, $f) }, function($x) { $x }); $f([1]))",
        "($f := $reduce([1..5000], function($f, $i) { $f ~> $f }, $string); $f(1))",
        "($f := $reduce([1..150], function($f, $i) { function($x) { $map($x, $f) } }, function($x) { $x }); $f([1]))",
        "$reduce([1..5000], function($a, $i) { {'a': $a} })",
        "$reduce([1..5000], function($a, $i) { [[$a], 1] })",
        "$reduce([1..5000], function($a, $i) { $a ~> |$|{'a': $}| }, {})",
        "$sort([1..100], function($l, $r) { $sort([1..100], function($a, $b) { $sort([1..100], $string) }) })",
        "$match($pad('', 5000, 'a'), /(a|aa|a*)*b/)",
        "$replace($pad('', 100000, 'a'), /a/, $pad('', 100000, 'b'))",
    ] {
        let error = evaluate(text).map(|value| value.to_text().len()).expect_err(text);
        assert!(error.cause.contains("threw an error during evaluation"), "{text}: {}", error.cause);
    }
    // What is bound and holds itself is given up in the end.
    gives("($f := function($n) { $n = 0 ? 'end' : $f($n - 1) }; $g := [$f]; $f(10000))", json!("end"));
}

#[test]
fn keys_and_distinct_items_are_found_in_a_time_that_grows_with_their_number() {
    let began = Instant::now();
    gives("$count($distinct([1..300000]))", json!(300_000));
    gives("$count($keys($map([1..20000], function($n) { {'key' & $n: 1} })))", json!(20_000));
    assert!(began.elapsed() < Duration::from_secs(20), "it took {:?}", began.elapsed());
    gives("$distinct([1, 2, 1, 'a', 'a', true, null, null, -0, 0])", json!([1, 2, "a", true, null, 0]));
    gives(
        "$distinct([{'a': 1, 'b': [2]}, {'b': [2], 'a': 1}, {'a': 1}])",
        json!([{"a": 1, "b": [2]}, {"a": 1}]),
    );
    gives("$distinct(5)", json!(5));
    gives("$distinct($states.input.items.p)", json!([1, 2]));
    gives("$map([[1, 1, 2]], $distinct)", json!([1, 2]));
    gives("$keys({'b': 1, 'a': 2})", json!(["b", "a"]));
    gives("$keys({'b': 1})", json!("b"));
    gives("$keys([{'a': 1}, {'b': 1, 'a': 2}])", json!(["a", "b"]));
    gives("$states.input.items[0].$keys()", json!("p"));
    fails("$keys(5)", "returned nothing (undefined).");
}

#[test]
fn what_is_bounded_answers_as_before_within_its_bounds() {
    gives("[1..3]", json!([1, 2, 3]));
    gives("[3..1]", json!([]));
    gives("$count([0..($states.input.items.p)[1]])", json!(3));
    gives("$formatInteger(1999, 'I')", json!("MCMXCIX"));
    gives("$formatInteger(12, 'w')", json!("twelve"));
    gives("$formatInteger(1e15, '#,##0')", json!("1,000,000,000,000,000"));
    gives("[1, 4].$formatInteger('i')", json!(["i", "iv"]));
    gives("5 ~> $formatInteger('w')", json!("five"));
    gives("$map([1, 2], $formatInteger(?, 'w'))", json!(["one", "two"]));
    gives("($f := $formatInteger; $f(3, 'A'))", json!("C"));
    gives("$parseInteger('twelve', 'w')", json!(12));
    gives("$formatNumber(1234.5, '#,##0.00')", json!("1,234.50"));
    gives("$toMillis('2023-11-14T22:13:20.123Z')", json!(1_700_000_000_123_i64));
    gives("$toMillis('14/11/2023', '[D01]/[M01]/[Y0001]')", json!(1_699_920_000_000_i64));
    gives("$fromMillis(1700000000123, '[Y0001]-[M01]-[D01] [F,3-3]')", json!("2023-11-14 tue"));
    gives("$join(['a', 'b'], ', ')", json!("a, b"));
    gives("$join(['a', 'b'])", json!("ab"));
    gives("['a', 'b'] ~> $join('-')", json!("a-b"));
    gives("['a', 'b'] ~> $join", json!("ab"));
    gives("$replace('aXbX', 'X', '--')", json!("a--b--"));
    gives("$replace('abc', /b/, function($m) { $uppercase($m.match) })", json!("aBc"));
    gives("$replace('a.b.c', '.', '', 1)", json!("ab.c"));
    gives("('aXb').$replace('X', '')", json!("ab"));
    gives("$split('a,b', ',')", json!(["a", "b"]));
    gives("$split('a1b2c', /[0-9]/, 2)", json!(["a", "b"]));
    gives("('a b').$split(' ')", json!(["a", "b"]));
    gives("$match('ab', /a/).match", json!("a"));
    gives("$count($match('aaa', /a/, 2))", json!(2));
    gives("('aaa').$match(/a/)[1].index", json!(1));
    fails("$match('b', /a/)", "returned nothing (undefined).");
    gives("$zip([1, 2], ['a', 'b'])", json!([[1, "a"], [2, "b"]]));
    gives("$pad('x', -3, '0')", json!("00x"));
    gives("('x').$pad(3, '-')", json!("x--"));
    gives("$string({'a': [1]}, true)", json!("{\n  \"a\": [\n    1\n  ]\n}"));
    gives("$map([1, true], $string)", json!(["1", "true"]));
    gives("$states.input.items.{'q': p}.{'r': q}", json!([{"r": 1}, {"r": 2}]));
    gives("$states.input.items.{'q': p}.{'r': q}.r", json!([1, 2]));
    gives("$states.input.items.{'q': p} = [{'q': 1}, {'q': 2}]", json!(true));
    gives("($a := [1, 2]; $b := {'a': $a}; $b.a[1])", json!(2));
    gives("($one := [7]; $one)", json!([7]));
    gives("$type($join)", json!("function"));
}

#[test]
fn a_variable_under_the_name_of_a_bounded_function_is_read() {
    let (input, context) = (Json::empty_object(), Json::empty_object());
    let mut variables = crate::data::Variables::new();
    variables.assign("match", Json::from(5));
    variables.assign("keys", Json::from(json!({"a": 1})));
    let random = crate::data::Random::new(5);
    let scope = Scope::new(&input, &context, &variables, &random, jiff::Timestamp::UNIX_EPOCH);
    let value = |text: &str| {
        Expression::parse(&format!("{{% {text} %}}")).unwrap().evaluate(&scope, "").unwrap().to_text()
    };
    assert_eq!(value("$match"), "5");
    assert_eq!(value("$match + 1"), "6");
    assert_eq!(value("[$keys, $keys.a]"), r#"[{"a":1},1]"#);
    assert_eq!(value("$keys.a + $match"), "6");
}

#[test]
fn no_function_takes_long_over_strange_arguments() {
    const FUNCTIONS: &str = "abs append assert average base64decode base64encode boolean ceil contains count decodeUrl \
        decodeUrlComponent distinct each encodeUrl encodeUrlComponent error eval exists filter floor formatBase \
        formatInteger formatNumber fromMillis join keys length lookup lowercase map match max merge millis min not now \
        number pad parse parseInteger partition power random range reduce replace reverse round shuffle sift single sort \
        split spread sqrt string substring substringAfter substringBefore sum toMillis trim type uppercase uuid zip hash";
    const ARGUMENTS: [&str; 12] = [
        "1e308",
        "-9007199254740993",
        "0.1",
        "'I'",
        "'[Y0001]-[M01,*-99]'",
        "'\u{661}\u{1d7ce}\u{e9}'",
        "$pad('', 20000, 'ab')",
        "[1..100]",
        "{'a': [1, {'b': null}]}",
        "/(a|b)*/",
        "function($x) { $x }",
        "null",
    ];
    let mut slowest = (Duration::ZERO, String::new());
    for function in FUNCTIONS.split_ascii_whitespace() {
        for (at, first) in ARGUMENTS.iter().enumerate() {
            let second = ARGUMENTS[(at * 5 + function.len()) % ARGUMENTS.len()];
            for text in [
                format!("${function}({first})"),
                format!("({first}).${function}({second})"),
                format!("({first} ~> ${function})"),
                format!("($f := ${function}; $f({first}, {second}))"),
                format!("${function}({first}, {second}, {first})"),
            ] {
                if Expression::parse(&format!("{{% {text} %}}")).is_err() {
                    // A pattern cannot follow a bracket.
                    continue;
                }
                let began = Instant::now();
                let _ = evaluate(&text);
                slowest = slowest.max((began.elapsed(), text));
            }
        }
    }
    let (took, text) = slowest;
    // The bound of two seconds, and what one call without optimisation may take after it.
    assert!(took < Duration::from_secs(6), "{text} took {took:?}");
}
