use proptest::prelude::*;

use super::*;
use crate::data::{Random, Variables};

fn with_scope<T>(input: &Json, act: impl FnOnce(&Scope<'_>) -> T) -> T {
    let context = Json::from(serde_json::json!({"Execution": {"Id": "arn", "Input": {"a-b": 1}}}));
    let mut variables = Variables::new();
    variables.assign("list", Json::from(serde_json::json!([{"x": 1}, {"x": 2}])));
    act(&Scope::new(input, &context, &variables, &Random::new(1), jiff::Timestamp::UNIX_EPOCH))
}

/// What a path gives, as JSON text, or the cause of its failure.
fn query(path: &str, input: &serde_json::Value) -> String {
    let path = JsonPath::parse(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    with_scope(&input.into(), |scope| match path.query(scope) {
        Ok(value) => value.to_text(),
        Err(error) => error.cause,
    })
}

fn check(input: serde_json::Value, cases: &[(&str, &str)]) {
    for (path, expected) in cases {
        assert_eq!(query(path, &input), *expected, "{path}");
    }
}

fn store() -> serde_json::Value {
    serde_json::json!({"store": {
        "book": [
            {"category": "reference", "author": "Nigel Rees", "title": "Sayings of the Century", "price": 8.95},
            {"category": "fiction", "author": "Evelyn Waugh", "title": "Sword of Honour", "price": 12.99},
            {"category": "fiction", "author": "Herman Melville", "title": "Moby Dick", "isbn": "0-553-21311-3",
             "price": 8.99},
            {"category": "fiction", "author": "J. R. R. Tolkien", "title": "The Lord of the Rings",
             "isbn": "0-395-19395-8", "price": 22.99}
        ],
        "bicycle": {"color": "red", "price": 19.95}
    }, "limit": 10})
}

#[test]
fn the_well_known_store_is_read() {
    check(
        store(),
        &[
            ("$.store.bicycle.color", r#""red""#),
            (
                "$.store.book[*].author",
                r#"["Nigel Rees","Evelyn Waugh","Herman Melville","J. R. R. Tolkien"]"#,
            ),
            ("$..author", r#"["Nigel Rees","Evelyn Waugh","Herman Melville","J. R. R. Tolkien"]"#),
            ("$.store..price", "[8.95,12.99,8.99,22.99,19.95]"),
            ("$..book[2].title", r#"["Moby Dick"]"#),
            ("$.store.book[-1].price", "22.99"),
            ("$..book[0,1].price", "[8.95,12.99]"),
            ("$..book[:2].price", "[8.95,12.99]"),
            ("$.store.book[1:3].price", "[12.99,8.99]"),
            ("$.store.book[-2:].price", "[8.99,22.99]"),
            ("$..book[?(@.isbn)].price", "[8.99,22.99]"),
            ("$..book[?(!@.isbn)].price", "[8.95,12.99]"),
            ("$.store.book[?(@.price < 10)].price", "[8.95,8.99]"),
            ("$.store.book[?(@.price > $.limit)].price", "[12.99,22.99]"),
            ("$..book[?(@.price <= $['limit'] && @.category == 'fiction')].title", r#"["Moby Dick"]"#),
            ("$..book[?(@.author =~ /.*REES/i)].price", "[8.95]"),
            ("$..book[?(@.category in ['reference', \"x\"] || @.price >= 20)].price", "[8.95,22.99]"),
            ("$..book.length()", "[4]"),
            ("$.store.book.length()", "4"),
            ("$.store.bicycle['color','price']", r#"{"color":"red","price":19.95}"#),
            (
                "$.store.book[0,1]['title','isbn']",
                r#"[{"title":"Sayings of the Century"},{"title":"Sword of Honour"}]"#,
            ),
        ],
    );
}

#[test]
fn names_may_hold_what_the_language_allows() {
    check(
        serde_json::json!({"delivery-partner": 1, "a b": {"c'd": 2}, "\u{4e2d}": {"@type": 3}, "x": {"": 4}}),
        &[
            ("$.delivery-partner", "1"),
            ("$['a b']['c\\'d']", "2"),
            ("$[\"a b\"]", r#"{"c'd":2}"#),
            ("$.\u{4e2d}.@type", "3"),
            ("$.x['']", "4"),
            ("$$.Execution.Input.a-b", "1"),
            ("$$.Execution.Id", r#""arn""#),
            ("$list[1].x", "2"),
            ("$list[*].x", "[1,2]"),
            ("$list[?(@.x == 2)]", r#"[{"x":2}]"#),
        ],
    );
}

#[test]
fn a_path_that_may_name_several_places_gives_an_array_even_of_nothing() {
    check(
        serde_json::json!({}),
        &[
            ("$[*]", "[]"),
            ("$.items[*]", "[]"),
            ("$.items[1:5].itemValue", "[]"),
            ("$.item.items[:1]", "[]"),
            ("$..x", "[]"),
        ],
    );
    check(
        serde_json::json!({"users": [{"year": 1997, "status": 0}, {"year": 1998, "status": 1}]}),
        &[("$.users[?(@.status == 0)]", r#"[{"year":1997,"status":0}]"#)],
    );
}

/// AWS, us-east-1, and Jayway 2.4 over Jackson's JsonNode, whose arrays return null for an index they do not have.
#[test]
fn an_index_beyond_an_array_reads_null() {
    check(
        serde_json::json!({"a": [1], "empty": [], "nested": [[], [[]]]}),
        &[
            ("$.a[5]", "null"),
            ("$.a[-7]", "null"),
            ("$.empty[0]", "null"),
            ("$.a[0,100]", "[1,null]"),
            ("$.nested[*][0]", "[null,[]]"),
            ("$..[0]", "[1,null,[],null,[],null]"),
            ("$.a.[0]", "1"),
            ("$.['a'].[0]", "1"),
            ("$.nested[?(@[0] == null)]", "[[]]"),
        ],
    );
    let input = Json::from(serde_json::json!({"a": [1]}));
    let found = |text: &str| with_scope(&input, |scope| JsonPath::parse(text).unwrap().find(scope));
    assert_eq!(found("$.a[1]"), None, "nothing is there for IsPresent");
    assert!(found("$.a[0]").is_some());
}

#[test]
fn a_missing_place_is_told_in_the_words_of_aws() {
    check(
        serde_json::json!({"a": {"b": [1]}, "text": "x", "null": null}),
        &[
            (
                "$.NoSuchInputPath",
                "Invalid path '$.NoSuchInputPath' : No results for path: $['NoSuchInputPath']",
            ),
            ("$.x.y", "Invalid path '$.x.y' : Missing property in path $['x']"),
            ("$.a.c[3]", "Invalid path '$.a.c[3]' : Missing property in path $['a']['c']"),
            ("$.a.b[3][0]", "Invalid path '$.a.b[3][0]' : The path $['a']['b'][3] is null"),
            ("$.null[0]", "Invalid path '$.null[0]' : The path $['null'] is null"),
            (
                "$.text[0]",
                "Invalid path '$.text[0]' : Filter: [0] can only be applied to arrays. Current context is: \"x\"",
            ),
            (
                "$.text.y",
                "Invalid path '$.text.y' : Expected to find an object with property ['y'] in path $['text'] but \
                 found 'java.lang.String'. This is not a json object according to the JsonProvider: \
                 'com.jayway.jsonpath.spi.json.JacksonJsonProvider'.",
            ),
        ],
    );
    let path = JsonPath::parse("$.no_such_jsonpath").unwrap();
    let input = Json::from(serde_json::json!({"int-literal": 0}));
    let error = with_scope(&input, |scope| path.query_field(scope, "value.$")).unwrap_err();
    assert_eq!(
        (error.name, error.cause.as_str()),
        (
            "States.Runtime",
            "The JSONPath '$.no_such_jsonpath' specified for the field 'value.$' could not be found in the input \
             '{\"int-literal\":0}'"
        )
    );
}

#[test]
fn filters_compare_as_jayway_does() {
    let kept = |condition: &str| {
        let input = serde_json::json!({"v": [
            {"n": 1, "s": "ab", "l": [1, 2], "o": {}}, {"n": 2.0, "s": "", "l": [], "z": null}
        ]});
        query(&format!("$.v[?({condition})].n"), &input)
    };
    for (condition, expected) in [
        ("@.n == 2", "[2.0]"),
        ("@.n == '1'", "[1]"),
        ("@.n != 1", "[2.0]"),
        ("@.missing != 1", "[1,2.0]"),
        ("@.missing == null", "[]"),
        ("@.z == null", "[2.0]"),
        ("@.z", "[2.0]"),
        ("@.s size 2", "[1]"),
        ("@.l empty true", "[2.0]"),
        ("@.l contains 2", "[1]"),
        ("@.s contains 'b'", "[1]"),
        ("@.l subsetof [1,2,3]", "[1,2.0]"),
        ("@.n nin [1]", "[2.0]"),
        ("@.o == {}", "[1]"),
        ("!(@.n == 1 || @.n == 3)", "[2.0]"),
        ("'a' == 'a'", "[1,2.0]"),
        ("@['n'] >= 2", "[2.0]"),
        ("@.l[0] == 1", "[1]"),
    ] {
        assert_eq!(kept(condition), expected, "{condition}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    for (text, offset) in [
        ("", 0),
        ("a", 0),
        ("$.", 2),
        ("$..", 3),
        ("$[", 2),
        ("$[a]", 2),
        ("$.a b", 3),
        ("$['a'", 5),
        ("$['a", 4),
        ("$[1", 3),
        ("$[1,]", 4),
        ("$[?(@.a]", 7),
        ("$[?(@.a ~ 1)]", 8),
        ("$[?(@.a foo 1)]", 11),
        ("$[?(@.a =~ /(/)]", 14),
        ("$1a", 3),
        ("$[::0]", 5),
    ] {
        assert_eq!(
            JsonPath::parse(text).map(|path| path.to_string()).map_err(|e| e.offset),
            Err(offset),
            "{text}"
        );
    }
}

#[test]
fn nesting_and_work_are_bounded() {
    let deep = format!("$[?({}@.a{})]", "(".repeat(10_000), ")".repeat(10_000));
    assert!(JsonPath::parse(&deep).unwrap_err().message.contains("too deep"));
    assert!(JsonPath::parse(&"$[?(@[?(".repeat(10_000)).is_err());
    let mut value = Json::from(1);
    for _ in 0..900 {
        value = Json::array([value]);
    }
    let path = JsonPath::parse("$..[*]..[*]..[*]..[*]").unwrap();
    let error = with_scope(&value, |scope| path.query(scope)).unwrap_err();
    assert!(error.cause.ends_with("The path selects too many values."), "{error}");
}

#[test]
fn a_reference_path_writes_and_leaves_the_original_alone() {
    let original = Json::from(serde_json::json!({"a": {"b": 1}, "list": [1, 2], "null": null}));
    let set = |path: &str| {
        let path = ReferencePath::parse(path).unwrap();
        path.set(original.clone(), Json::from("new"))
            .map(|value| value.to_text())
            .map_err(|error| error.cause)
    };
    assert_eq!(set("$").unwrap(), r#""new""#);
    assert_eq!(set("$.a.b").unwrap(), r#"{"a":{"b":"new"},"list":[1,2],"null":null}"#);
    assert_eq!(set("$.a.c.d").unwrap(), r#"{"a":{"b":1,"c":{"d":"new"}},"list":[1,2],"null":null}"#);
    assert_eq!(set("$.list[1]").unwrap(), r#"{"a":{"b":1},"list":[1,"new"],"null":null}"#);
    assert_eq!(set("$.list[3]").unwrap(), r#"{"a":{"b":1},"list":[1,2,null,"new"],"null":null}"#);
    assert_eq!(set("$.null.x").unwrap(), r#"{"a":{"b":1},"list":[1,2],"null":{"x":"new"}}"#);
    assert_eq!(set("$.a.b.c").unwrap_err(), "Unable to apply step \"c\" to input 1");
    assert_eq!(set("$.list[999999999]").unwrap_err(), "Unable to apply step \"[999999999]\" to input [1,2]");
    assert_eq!(original.to_text(), r#"{"a":{"b":1},"list":[1,2],"null":null}"#);
}

#[test]
fn a_reference_path_names_one_place() {
    for path in [
        "$.a[*]",
        "$..a",
        "$.a[0:1]",
        "$.a[?(@.b)]",
        "$$.a",
        "$x.a",
        "$.a[-1]",
        "$.a['b','c']",
        "$.a.length()",
    ] {
        assert!(ReferencePath::parse(path).is_err(), "{path}");
    }
    let path = ReferencePath::parse("$.a['b'][0]").unwrap();
    let document = Json::from(serde_json::json!({"a": {"b": [7]}}));
    assert_eq!(path.find(&document), Some(&Json::from(7)));
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\$[\\PC]{0,40}|\\$[.\\[\\]()'\"?@*,:=!&|~/a-z0-9\\\\ -]{0,60}") {
        if let Ok(path) = JsonPath::parse(&text) {
            let input = Json::from(store());
            with_scope(&input, |scope| { let _ = path.query(scope); });
            prop_assert_eq!(JsonPath::parse(path.text()).map(|again| again.to_string()), Ok(path.to_string()));
        }
        let _ = ReferencePath::parse(&text);
    }

    #[test]
    fn a_value_written_is_found_again(steps in prop::collection::vec("[a-c]", 1..5), value in any::<i64>()) {
        let path = ReferencePath::parse(&format!("$.{}", steps.join("."))).unwrap();
        let document = path.set(Json::empty_object(), Json::from(value)).unwrap();
        prop_assert_eq!(path.find(&document), Some(&Json::from(value)));
    }
}
