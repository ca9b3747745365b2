//! The list: who sees what of it, searched, sorted, filtered, counted.

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::support::{Answer, Service};

const LIST: &str = "/lotteries/party/participants";

/// Six people as JSON; they came in one after the other.
fn people() -> Vec<Value> {
    vec![
        json!({ "participant_id": "103", "name": "王小明", "phone": "+12025550103", "group": "销售部" }),
        json!({ "participant_id": "101", "name": "Rose Tyler", "phone": "+12025550101", "email": "rose@example.com",
            "group": "Sales", "tickets": 5 }),
        json!({ "participant_id": "102", "name": "aaron", "email": "aaron@example.com", "group": "Sales" }),
        json!({ "participant_id": "105", "name": "Ｂｅａ", "excluded": true }),
        json!({ "participant_id": "104", "name": "Tracy", "phone": "+12025550104", "tickets": 7 }),
        json!({ "participant_id": "106", "name": "王伟", "group": "Ｓａｌｅｓ  Team" }),
    ]
}

async fn with_people() -> Service {
    let service = Service::with(|config| config.has_email_sender = true).await;
    let party =
        json!({ "id": "party", "name": "Party", "email_through": "ses", "time_zone": "America/New_York" });
    service.post("/lotteries", party).await.expect(201);
    for person in people() {
        service.import("application/json", person.to_string()).await.expect(200);
        service.wait(1);
    }
    service
}

async fn get_as(service: &Service, scope: &str, path: &str) -> Answer {
    let token = service.issuer.token(scope);
    let request = Request::get(path).header("authorization", format!("Bearer {token}"));
    service.call(request.body(Body::empty()).unwrap()).await
}

/// The ids on a page, in their order.
fn ids(page: &Value) -> Vec<&str> {
    let people = page["participants"].as_array().unwrap().iter();
    people.map(|person| person["participant_id"].as_str().unwrap()).collect()
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn the_list_is_in_full_for_those_who_may_read_it_and_masked_for_those_who_may_write_it() {
    let service = with_people().await;
    for (scope, is_masked, name, phone, email) in [
        ("participants:read", false, "Rose Tyler", "+12025550101", "rose@example.com"),
        ("participants:read participants:write", false, "Rose Tyler", "+12025550101", "rose@example.com"),
        ("participants:write", true, "R*** T***", "***01", "r***@e***.com"),
    ] {
        let list = get_as(&service, scope, LIST).await.expect(200);
        assert_eq!(list.header("cache-control"), "no-store");
        let list = list.json();
        assert_eq!(list["masked"], is_masked, "{scope}");
        assert_eq!(ids(&list), ["101", "102", "103", "104", "105", "106"]);
        let code = list["participants"][0]["code"].clone();
        assert_eq!(code.as_str().map(str::len), Some("A3F9-20C1".len()), "{code}");
        let expected = json!({ "participant_id": "101", "name": name, "phone": phone, "email": email, "group": "Sales",
            "tickets": 5, "excluded": false, "registered_at": "2026-11-22T12:00:01Z", "present_at": null, "answer": null,
            "code": code });
        assert_eq!(list["participants"][0], expected, "{scope}");
        let mut one = get_as(&service, scope, &format!("{LIST}/101")).await.expect(200).json();
        assert_eq!(one.as_object_mut().unwrap().shift_remove("masked"), Some(is_masked.into()), "{scope}");
        assert_eq!(one, expected, "{scope}");
    }
    get_as(&service, "participants:read", &format!("{LIST}/999")).await.expect(404);
    get_as(&service, "participants:read", "/lotteries/none/participants").await.expect(404);
}

#[tokio::test]
async fn nobody_else_learns_anything_of_the_list() {
    let service = with_people().await;
    for path in [LIST.to_owned(), format!("{LIST}/101"), "/lotteries/party/counts".to_owned()] {
        service.get(&path).await.expect(401);
        for scope in ["draws:write results:read", "participants", "participants:readx", ""] {
            let refused = get_as(&service, scope, &path).await.expect(403);
            assert!(refused.body.contains("participants:read"), "{}", refused.body);
            assert!(refused.header("www-authenticate").contains("insufficient_scope"));
        }
    }
    let edit = |scope: &str| {
        let token = service.issuer.token(scope);
        let request = Request::builder().method(Method::PATCH).uri(format!("{LIST}/101"));
        let request = request.header("authorization", format!("Bearer {token}"));
        request.header("content-type", "application/json").body(Body::from("{\"name\":\"X\"}")).unwrap()
    };
    for scope in ["participants:read", "draws:write results:read"] {
        service.call(edit(scope)).await.expect(403);
    }
    assert_eq!(service.get_as_organiser(&format!("{LIST}/101")).await.json()["name"], "Rose Tyler");
}

#[tokio::test]
async fn people_are_found_as_one_types_them() {
    let service = with_people().await;
    for (search, found) in [
        ("王", &["103", "106"][..]),
        ("小明", &["103"]),
        ("ROSE  tyler", &["101"]),
        ("ｒｏｓｅ", &["101"]),
        ("bea", &["105"]),
        ("(202) 555-0104", &["104"]),
        ("+1 202 555", &["101", "103", "104"]),
        ("２０２５５５０１０３", &["103"]),
        ("aaron@EXAMPLE", &["102"]),
        ("销售", &["103"]),
        ("sales", &["101", "102", "106"]),
        ("sales team", &["106"]),
        ("104", &["104"]),
        ("nobody", &[]),
    ] {
        let list =
            service.get_as_organiser(&format!("{LIST}?search={}", encoded(search))).await.expect(200).json();
        assert_eq!(ids(&list), found, "{search}");
    }
    // Blank, it is no search.
    assert_eq!(ids(&service.get_as_organiser(&format!("{LIST}?search=%20")).await.json()).len(), 6);
    service.get_as_organiser(&format!("{LIST}?search={}", "x".repeat(257))).await.expect(400);
}

#[tokio::test]
async fn a_search_does_not_tell_what_the_mask_hides() {
    let service = with_people().await;
    for (search, found) in [
        ("rose", &[][..]),
        ("小明", &[]),
        ("2025550101", &[]),
        ("example", &[]),
        ("101", &["101"]),
        ("sales", &["101", "102", "106"]),
    ] {
        let path = format!("{LIST}?search={}", encoded(search));
        let list = get_as(&service, "participants:write", &path).await.expect(200).json();
        assert_eq!(ids(&list), found, "{search}");
    }
}

#[tokio::test]
async fn the_list_is_sorted_and_each_order_is_paged() {
    let service = with_people().await;
    for (sort, expected) in [
        ("id", ["101", "102", "103", "104", "105", "106"]),
        ("name", ["102", "105", "101", "104", "106", "103"]),
        ("group", ["101", "102", "106", "103", "104", "105"]),
        ("tickets", ["104", "101", "102", "103", "105", "106"]),
        ("newest", ["106", "104", "105", "102", "101", "103"]),
    ] {
        let all = service.get_as_organiser(&format!("{LIST}?sort={sort}")).await.expect(200).json();
        assert_eq!(ids(&all), expected, "{sort}");
        assert_eq!(all["next_cursor"], Value::Null);
        let (mut paged, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("{LIST}?sort={sort}&limit=2&cursor={cursor}");
            let page = service.get_as_organiser(&path).await.expect(200).json();
            paged.extend(ids(&page).into_iter().map(str::to_owned));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
            assert!(paged.len() < 7, "{sort} goes round");
        }
        assert_eq!(paged, expected, "{sort}");
    }
}

#[tokio::test]
async fn a_list_that_is_too_long_to_sort_says_so_and_is_still_there_by_id() {
    let service = with_people().await;
    service.aws.set(("LOTTERY#party#SUMMARY", "COUNTS#00"), &[("total", json!({ "N": "100001" }))]);
    let total = service.get_as_organiser("/lotteries/party/counts").await.json()["total"].clone();
    assert!(total.as_u64().unwrap() > 100_000);
    let refused = service.get_as_organiser(&format!("{LIST}?sort=name")).await.expect(422);
    assert_eq!(refused.problem(), "too-many-to-sort");
    let refused = refused.json();
    assert_eq!(
        (&refused["code"], &refused["parameters"]["most"]),
        (&json!("TooManyToSort"), &json!(100_000))
    );
    assert_eq!((&refused["parameters"]["total"], &refused["errors"][0]["field"]), (&total, &json!("sort")));
    assert_eq!(ids(&service.get_as_organiser(LIST).await.expect(200).json()).len(), 6);
}

#[tokio::test]
async fn the_list_is_filtered_by_what_people_have_and_by_group() {
    let service = with_people().await;
    for (query, expected) in [
        ("only=with_phone".to_owned(), &["101", "103", "104"][..]),
        ("only=with_email".to_owned(), &["101", "102"]),
        ("only=unreachable".to_owned(), &["105", "106"]),
        ("only=excluded".to_owned(), &["105"]),
        ("group=Sales".to_owned(), &["101", "102"]),
        (format!("group={}", encoded(" Ｓａｌｅｓ ")), &["101", "102"]),
        (format!("group={}", encoded("Sales Team")), &["106"]),
        (format!("group={}", encoded("销售部")), &["103"]),
        ("group=sales".to_owned(), &[]),
        ("without_group=true".to_owned(), &["104", "105"]),
        ("without_group=false&group=Sales&only=with_phone".to_owned(), &["101"]),
        ("without_group=true&sort=tickets&search=10".to_owned(), &["104", "105"]),
    ] {
        let list = service.get_as_organiser(&format!("{LIST}?{query}")).await.expect(200).json();
        assert_eq!(ids(&list), expected, "{query}");
    }
}

#[tokio::test]
async fn a_query_that_cannot_be_meant_is_refused_by_name() {
    let service = with_people().await;
    for (query, problem, field) in [
        ("serch=rose", "unknown-parameter", "serch"),
        ("page=2", "unknown-parameter", "page"),
        ("only=with_fax", "bad-query", "only"),
        ("sort=Name", "bad-query", "sort"),
        ("limit=0", "bad-query", "limit"),
        ("limit=1001", "bad-query", "limit"),
        ("without_group=yes", "bad-query", "without_group"),
        ("group=A&without_group=true", "bad-query", "without_group"),
        ("group=A&group=B", "bad-query", "group"),
        ("sort=name&cursor=999", "bad-query", "cursor"),
        ("cursor=%00", "bad-query", "cursor"),
    ] {
        let refused = service.get_as_organiser(&format!("{LIST}?{query}")).await.expect(400);
        assert_eq!(refused.problem(), problem, "{query}");
        assert_eq!(refused.json()["errors"][0]["field"], field, "{query}");
    }
    for path in [format!("{LIST}/101?full=true"), "/lotteries/party/counts?group=Sales".to_owned()] {
        let refused = service.get_as_organiser(&path).await.expect(400);
        assert_eq!(refused.problem(), "unknown-parameter", "{path}");
    }
}

#[tokio::test]
async fn the_counts_are_exact_at_any_time() {
    let service = with_people().await;
    let counts = |scope: &'static str| {
        let service = &service;
        async move { get_as(service, scope, "/lotteries/party/counts").await.expect(200).json() }
    };
    let expected = json!({
        "total": 6, "with_phone": 3, "with_email": 2, "unreachable": 2, "excluded": 1, "tickets": 15,
        "groups": [{ "group": "Sales", "people": 2 }, { "group": "Sales Team", "people": 1 }, { "group": "销售部", "people": 1 }],
        "in_other_groups": 0, "without_group": 2, "present": 0
    });
    assert_eq!(counts("participants:read").await, expected);
    assert_eq!(counts("participants:write").await, expected);
    service.delete(&format!("{LIST}/101")).await.expect(204);
    let after = counts("participants:read").await;
    assert_eq!((&after["total"], &after["tickets"]), (&json!(5), &json!(10)));
    assert_eq!(after["groups"][0], json!({ "group": "Sales", "people": 1 }));
    get_as(&service, "participants:read", "/lotteries/none/counts").await.expect(404);
    // Nobody at all.
    service.post("/lotteries", json!({ "id": "empty", "name": "Empty" })).await.expect(201);
    let none = service.get_as_organiser("/lotteries/empty/counts").await.expect(200).json();
    assert_eq!((&none["total"], &none["groups"]), (&json!(0), &json!([])));
}
