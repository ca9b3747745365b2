//! Patterns beside events, by AWS's documentation; and reasons of refusal.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn holds(pattern: &Value, event: &Value) -> bool {
    Pattern::parse(&pattern.to_string()).unwrap_or_else(|reason| panic!("{pattern}: {reason}")).matches(event)
}

#[test]
fn each_condition_holds_for_what_the_documentation_says() {
    for (condition, yes, no) in [
        (json!("a"), json!(["a"]), json!(["A", "", 1, null])),
        (json!(300), json!([300, 300.0]), json!(["300", 301])),
        (json!(null), json!([null]), json!(["null", "", 0])),
        (json!(true), json!([true]), json!([false, "true"])),
        (json!(""), json!([""]), json!([null, "a"])),
        (json!({"prefix": "us-"}), json!(["us-east-1", "us-"]), json!(["eu-us-", "US-east-1", 5])),
        (json!({"prefix": {"equals-ignore-case": "EC2"}}), json!(["ec2.x", "Ec2"]), json!(["xec2"])),
        (json!({"suffix": ".png"}), json!(["a.png"]), json!(["a.PNG", "png"])),
        (json!({"suffix": {"equals-ignore-case": ".PNG"}}), json!(["a.png", ".Png"]), json!(["a.pn"])),
        (json!({"equals-ignore-case": "Alice"}), json!(["ALICE", "alice"]), json!(["alice ", null])),
        (
            json!({"wildcard": "dir/*.png"}),
            json!(["dir/a.png", "dir/.png", "dir/b/c.png"]),
            json!(["dir/png", "x/dir/a.png"]),
        ),
        (json!({"wildcard": "*a*b"}), json!(["ab", "xaxb", "aabb"]), json!(["ba", "abx"])),
        (json!({"wildcard": "a\\*b\\\\"}), json!(["a*b\\"]), json!(["axb\\"])),
        (json!({"wildcard": "*"}), json!(["", "x"]), json!([1])),
        (json!({"numeric": ["=", 3.018e2]}), json!([301.8]), json!([301, "301.8"])),
        (json!({"numeric": [">", 0, "<=", 5]}), json!([5, 0.1]), json!([0, 5.1, "3"])),
        (json!({"numeric": ["<", 10]}), json!([9, -1e9]), json!([10])),
        (json!({"numeric": [">=", 10]}), json!([10]), json!([9.99])),
        (json!({"cidr": "10.0.0.0/24"}), json!(["10.0.0.255"]), json!(["10.0.1.0", "::1", "x"])),
        (json!({"cidr": "0.0.0.0/0"}), json!(["1.2.3.4"]), json!(["::1"])),
        (json!({"cidr": "2001:db8::/32"}), json!(["2001:db8:1::"]), json!(["2001:db9::"])),
        (json!({"anything-but": "a"}), json!(["b", 1, null]), json!(["a"])),
        (json!({"anything-but": ["a", "b"]}), json!(["c"]), json!(["a", "b"])),
        (json!({"anything-but": [1, 2]}), json!([3, "1"]), json!([1, 2.0])),
        (json!({"anything-but": {"prefix": "init"}}), json!(["x"]), json!(["initial"])),
        (json!({"anything-but": {"prefix": ["a", "b"]}}), json!(["c"]), json!(["ax", "bx"])),
        (json!({"anything-but": {"suffix": [".txt", ".rtf"]}}), json!([".png"]), json!(["a.rtf"])),
        (json!({"anything-but": {"equals-ignore-case": ["INIT"]}}), json!(["x"]), json!(["Init"])),
        (json!({"anything-but": {"wildcard": "*/lib/*"}}), json!(["a/b"]), json!(["a/lib/b"])),
    ] {
        let pattern = json!({"detail": {"field": [condition]}});
        for (values, expected) in [(yes, true), (no, false)] {
            for value in values.as_array().unwrap() {
                let event = json!({"detail": {"field": value}});
                assert_eq!(holds(&pattern, &event), expected, "{pattern} {event}");
            }
        }
        assert!(!holds(&pattern, &json!({"detail": {}})), "{pattern} without the field");
    }
}

#[test]
fn one_of_a_list_is_enough_and_members_hold_together() {
    let pattern = json!({"resources": [{"prefix": "arn:b"}], "detail": {"state": ["on", {"prefix": "o"}]}});
    assert!(holds(&pattern, &json!({"resources": ["arn:a", "arn:b/c"], "detail": {"state": "off"}})));
    assert!(!holds(&pattern, &json!({"resources": ["arn:a"], "detail": {"state": "on"}})));
    assert!(!holds(&pattern, &json!({"resources": [], "detail": {"state": "on"}})));
    let people = json!({"people": {"name": ["Ada"], "age": [{"numeric": [">", 30]}]}});
    assert!(holds(&people, &json!({"people": [{"name": "Bob", "age": 20}, {"name": "Ada", "age": 36}]})));
    assert!(!holds(&people, &json!({"people": [{"name": "Bob", "age": 36}, {"name": "Ada", "age": 20}]})));
}

#[test]
fn a_point_in_a_name_means_an_object() {
    let nested = json!({"detail": {"state": {"status": ["running"]}}});
    let joined = json!({"detail": {"state.status": ["running"]}});
    for (detail, expected) in [
        (json!({"state": {"status": "running"}}), true),
        (json!({"state.status": "running", "state": {"since": 1}}), true),
        (json!({"state": {"since": 1}, "state.status": "running"}), true),
        (json!({"state.status": {"status": "running"}}), false),
        (json!({"state": 1, "state.status": "running"}), false),
    ] {
        let event = json!({"detail": detail});
        assert_eq!((holds(&nested, &event), holds(&joined, &event)), (expected, expected), "{event}");
    }
}

#[test]
fn existence_is_that_of_a_value() {
    let there = json!({"detail": {"a": {"b": [{"exists": true}]}}});
    let absent = json!({"detail": {"a": {"b": [{"exists": false}]}}});
    for (event, exists) in [
        (json!({"detail": {"a": {"b": null}}}), true),
        (json!({"detail": {"a": {"b": [1]}}}), true),
        (json!({"detail": {"a": {"b": []}}}), false),
        (json!({"detail": {"a": {"b": {"c": 1}}}}), false),
        (json!({"detail": {"a": 1}}), false),
        (json!({}), false),
    ] {
        assert_eq!((holds(&there, &event), holds(&absent, &event)), (exists, !exists), "{event}");
    }
    let or_missing = json!({"detail": {"error": [{"exists": false}, null, "none"]}});
    assert!(
        holds(&or_missing, &json!({"detail": {}})) && holds(&or_missing, &json!({"detail": {"error": null}}))
    );
}

#[test]
fn alternatives_join_what_stands_beside_them() {
    let pattern = json!({
        "source": ["aws.cloudwatch"],
        "detail": {"$or": [{"c": [{"numeric": [">", 0, "<=", 5]}]}, {"d": {"e": ["x"]}}, {"f": ["y"], "g": ["z"]}]},
    });
    let of = |detail: Value| json!({"source": "aws.cloudwatch", "detail": detail});
    for (detail, expected) in [
        (json!({"c": 5}), true),
        (json!({"d": {"e": "x"}}), true),
        (json!({"f": "y"}), false),
        (json!({"f": "y", "g": "z"}), true),
        (json!({"c": 6}), false),
    ] {
        assert_eq!(holds(&pattern, &of(detail.clone())), expected, "{detail}");
    }
    assert!(!holds(&pattern, &json!({"source": "other", "detail": {"c": 5}})));
}

#[test]
fn a_pattern_that_is_none_is_refused_in_the_words_of_the_event_ruler() {
    for (pattern, reason) in [
        (r"[]", "Filter is not an object"),
        (r"{}", "Empty objects are not allowed"),
        (r#"{"source": "a"}"#, "\"source\" must be an object or an array"),
        (r#"{"source": []}"#, "Empty arrays are not allowed"),
        (r#"{"source": [[1]]}"#, "Match value must be String, number, true, false, or null"),
        (r#"{"source": [{}]}"#, "Match expression name not found"),
        (r#"{"source": [{"like": "a"}]}"#, "Unrecognized match type like"),
        (r#"{"source": [{"prefix": "a", "suffix": "b"}]}"#, "Only one key allowed in match expression"),
        (r#"{"source": [{"prefix": 1}]}"#, "prefix match pattern must be a string"),
        (r#"{"source": [{"exists": 1}]}"#, "exists match pattern must be either true or false."),
        (r#"{"source": [{"wildcard": "a**"}]}"#, "Consecutive wildcard characters at pos 2"),
        (r#"{"source": [{"wildcard": "a\\b"}]}"#, "Invalid escape character at pos 2"),
        (r#"{"source": [{"numeric": ["<", "a"]}]}"#, "Value of < must be numeric"),
        (r#"{"source": [{"numeric": ["=", 1, "<", 2]}]}"#, "Too many elements in numeric expression"),
        (r#"{"source": [{"numeric": ["!", 1]}]}"#, "Unrecognized numeric range operator: !"),
        (r#"{"source": [{"numeric": [">", 2, ">", 1]}]}"#, "Bad numeric range operator: >"),
        (r#"{"source": [{"numeric": [">", 2, "<", 1]}]}"#, "Bottom must be less than top"),
        (r#"{"source": [{"numeric": []}]}"#, "Invalid member in numeric match: "),
        (r#"{"source": [{"cidr": "10.0.0.0"}]}"#, "Malformed CIDR, one '/' required"),
        (r#"{"source": [{"cidr": "10.0.0.0/33"}]}"#, "IPv4 mask bits must be < 32"),
        (
            r#"{"source": [{"anything-but": [1, "a"]}]}"#,
            "Inside anything but list, either all values are number or string, mixed type is not supported",
        ),
        (
            r#"{"source": [{"anything-but": [null]}]}"#,
            "Inside anything but list, start|null|boolean is not supported.",
        ),
        (
            r#"{"source": [{"anything-but": {"numeric": ["=", 1]}}]}"#,
            "Unsupported anything-but pattern: numeric",
        ),
        (r#"{"source": [{"anything-but": {"prefix": ""}}]}"#, "Null prefix/suffix not allowed"),
        (r#"{"source": [{"anything-but": {"prefix": 1}}]}"#, "prefix/suffix match pattern must be a string"),
        (
            r#"{"source": [{"anything-but": {"suffix": {"equals-ignore-case": "a"}}}]}"#,
            "Value of anything-but must be an array or single string/number value.",
        ),
        (r#"{"source": [{"anything-but": {"wildcard": [1]}}]}"#, "wildcard match pattern must be a string"),
        (
            r#"{"source": [{"anything-but": {"equals-ignore-case": [1]}}]}"#,
            "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.",
        ),
        (r#"{"$or": {"a": ["b"]}}"#, "It must be an Array followed with $or."),
        (r#"{"$or": [{"a": ["b"]}]}"#, "There must have at least 2 Objects in $or relationship."),
        (
            r#"{"$or": [{"a": ["b"]}, {"prefix": ["b"]}]}"#,
            "prefix is Ruler reserved fieldName which cannot be used inside $or.",
        ),
    ] {
        assert_eq!(Pattern::parse(pattern), Err(reason.to_owned()), "{pattern}");
    }
    assert!(Pattern::parse("{").is_err());
}

/// What a wildcard means, slowly: each `*` is tried at every length.
fn slowly(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|skip| slowly(rest, &text[skip..])),
        Some((character, rest)) => text.first() == Some(character) && slowly(rest, &text[1..]),
    }
}

proptest! {
    #[test]
    fn a_wildcard_means_any_characters(pattern in "[ab]{0,2}(\\*[ab]{1,2}){0,3}\\*?", text in "[ab]{0,8}") {
        let condition = json!({"f": [{"wildcard": pattern}]});
        let characters = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(
            holds(&condition, &json!({"f": text})),
            slowly(&characters(&pattern), &characters(&text))
        );
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[\\[\\]{}\",:$or0-9a-z*\\\\-]{0,40}") {
        let _ = Pattern::parse(&text);
    }

    #[test]
    fn anything_but_holds_where_the_condition_does_not(name in "prefix|suffix|equals-ignore-case|wildcard", argument in "[a-b]{1,2}", text in "[a-b]{0,4}") {
        let of = |condition: Value| holds(&json!({"f": [condition]}), &json!({"f": text}));
        prop_assert_ne!(of(json!({&name: argument})), of(json!({"anything-but": {&name: argument}})));
    }
}

#[test]
fn a_pattern_says_which_sources_it_could_be_about() {
    let may = |pattern: &str, source: &str| Pattern::parse(pattern).unwrap().may_be_about(source);
    assert!(may(r#"{"source": ["aws.s3", "mine"], "detail": {"a": [1]}}"#, "aws.s3"));
    assert!(!may(r#"{"source": ["aws.s3", "mine"]}"#, "aws.states"));
    assert!(may(r#"{"source": [{"prefix": "aws."}]}"#, "aws.states"));
    assert!(!may(r#"{"source": [{"anything-but": "aws.states"}]}"#, "aws.states"));
    assert!(may(r#"{"detail-type": ["whatever"]}"#, "aws.states"), "it says nothing of the source");
    assert!(may(r#"{"$or": [{"source": ["aws.s3"]}, {"detail-type": ["x"]}]}"#, "aws.states"));
}
