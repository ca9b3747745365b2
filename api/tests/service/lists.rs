//! Lists as people have them, through the import: encodings, forms, columns, phone numbers, addresses, names, ids.

use http::Method;
use rust_xlsxwriter::{Format, Workbook};
use serde_json::{Value, json};

use crate::support::{Answer, Service};

const PATH: &str = "/lotteries/party/participants";

impl Service {
    /// Imports bytes into `party`, with these query parameters.
    pub(crate) async fn import_as(&self, query: &str, body: impl Into<Vec<u8>>) -> Answer {
        let path = if query.is_empty() { PATH.to_owned() } else { format!("{PATH}?{query}") };
        let body: Vec<u8> = body.into();
        self.call(self.request(Method::POST, &path, "application/octet-stream", body)).await
    }

    /// Everybody who is stored, as `id name phone email group tickets excluded` with a dot for what they have not.
    pub(crate) async fn people(&self) -> Vec<String> {
        let party = lottery::LotteryId::parse("party").unwrap();
        let mut people = Vec::new();
        let mut cursor = None;
        loop {
            let page = self.store.participants(&party, cursor.as_deref(), 1_000, None).await.unwrap();
            people.extend(page.items.iter().map(shown));
            match page.cursor {
                Some(next) => cursor = Some(next),
                None => return people,
            }
        }
    }
}

fn shown(person: &lottery_store::ParticipantSummary) -> String {
    fn dot<T: ToString>(value: Option<&T>) -> String {
        value.map_or(".".to_owned(), ToString::to_string)
    }
    let mut parts = vec![
        dot(person.phone.as_ref()),
        dot(person.email.as_ref()),
        dot(person.group.as_ref()),
        person.tickets.get().to_string(),
        person.excluded.to_string(),
    ];
    for nothing in ["false", "1", ".", ".", "."] {
        if parts.last().is_some_and(|last| last == nothing) {
            parts.pop();
        } else {
            break;
        }
    }
    let known = format!("{} {}", person.participant_id, person.name);
    std::iter::once(known).chain(parts).collect::<Vec<_>>().join(" ")
}

/// The codes of remarks.
pub(crate) fn codes(report: &Value, remarks: &str) -> Vec<String> {
    let code = |one: &Value| format!("{}:{}", one["line"], one["code"].as_str().unwrap());
    report[remarks].as_array().unwrap().iter().map(code).collect()
}

/// A list, what is stored of it, which lines are refused and what is warned of.
struct Case<'a> {
    query: &'a str,
    body: &'a [u8],
    people: &'a [&'a str],
    refused: &'a [&'a str],
    warned: &'a [&'a str],
}

impl Case<'_> {
    async fn check(&self) -> Value {
        let Self { query, body, people, refused, warned } = self;
        let service = Service::with_party().await;
        let text = String::from_utf8_lossy(body);
        // The preview says the same, and stores nothing.
        let separator = if query.is_empty() { "" } else { "&" };
        let preview =
            service.import_as(&format!("{query}{separator}dry_run=true"), *body).await.expect(200).json();
        assert!(service.people().await.is_empty(), "{text}");
        let report = service.import_as(query, *body).await.expect(200).json();
        assert_eq!(service.people().await, *people, "{text}");
        for report in [&preview, &report] {
            assert_eq!(codes(report, "refusals"), *refused, "{text}");
            assert_eq!(codes(report, "warnings"), *warned, "{text}");
            assert_eq!(report["accepted"], people.len(), "{text}");
            assert_eq!((&report["updated"], &report["unchanged"]), (&json!(0), &json!(0)), "{text}");
        }
        assert_eq!((&preview["import"], &preview["dry_run"]), (&Value::Null, &json!(true)));
        assert_eq!(preview["detected"], report["detected"]);
        report
    }
}

fn plain<'a>(body: &'a [u8], people: &'a [&'a str]) -> Case<'a> {
    Case { query: "", body, people, refused: &[], warned: &[] }
}

#[tokio::test]
async fn files_in_the_encodings_of_old_spreadsheets_are_read_and_the_guess_is_said() {
    let gbk = b"participant_id,name\n1,\xd5\xc5\xce\xb0\n";
    let report = plain(gbk, &["1 张伟"]).check().await;
    assert_eq!(report["detected"]["encoding"], json!({ "name": "gb18030", "certainty": "guessed" }));
    // 工号,姓名 / 1,李娜
    plain(b"\xb9\xa4\xba\xc5,\xd0\xd5\xc3\xfb\r\n1,\xc0\xee\xc4\xc8\r\n", &["1 李娜"]).check().await;
    let latin = b"participant_id,name\n1,Jos\xe9 Garc\xeda\n";
    let report = plain(latin, &["1 José García"]).check().await;
    assert_eq!(report["detected"]["encoding"]["name"], "windows-1252");
    let named = Case { query: "charset=gbk", ..plain(gbk, &["1 张伟"]) };
    assert_eq!(named.check().await["detected"]["encoding"]["certainty"], "named");
    let utf16: Vec<u8> =
        "\u{feff}participant_id\tname\r\n1\t张伟\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let report = plain(&utf16, &["1 张伟"]).check().await;
    assert_eq!(report["detected"]["encoding"], json!({ "name": "utf-16le", "certainty": "sure" }));
    assert_eq!(report["detected"]["delimiter"], "\t");
}

#[tokio::test]
async fn a_charset_in_the_content_type_counts_and_utf_8_there_does_not_outweigh_the_bytes() {
    let service = Service::with_party().await;
    // 李娜 in Big5 would be other characters.
    let gbk: &[u8] = b"participant_id,name\n1,\xc0\xee\xc4\xc8\n";
    for content_type in ["text/csv; charset=gbk", "text/csv; charset=utf-8", "text/csv; Charset=\"GB18030\""]
    {
        service.import(content_type, gbk).await.expect(200);
        assert_eq!(service.people().await, ["1 李娜"], "{content_type}");
    }
    let refused = service.import_as("charset=klingon", gbk).await.expect(400).json();
    assert_eq!(
        (&refused["code"], &refused["errors"][0]["field"]),
        (&json!("UnknownCharset"), &json!("charset"))
    );
}

#[tokio::test]
async fn damaged_text_is_never_taken() {
    let case = Case {
        refused: &["3:ReplacementCharacter", "4:ReplacementCharacter"],
        ..plain("participant_id,name\n1,Rose\n2,\u{fffd}\u{fffd}\n3,Jos\u{fffd}\n".as_bytes(), &["1 Rose"])
    };
    case.check().await;
    let mut body = "participant_id,name\n1,张伟\n2,李娜\n5,王芳芳\n".as_bytes().to_vec();
    body.extend(b"3,\xff\xfe\n4,Rose\n");
    let case = Case {
        refused: &["5:NotDecodable"],
        ..plain(&body, &["1 张伟", "2 李娜", "4 Rose", "5 王芳芳"])
    };
    case.check().await;
}

#[tokio::test]
async fn text_tables_of_every_form_are_read() {
    for body in [
        "\u{feff}participant_id,name\n1,Rose\n",
        "\u{200b}participant_id,name\n1,Rose\n",
        "participant_id;name\n1;Rose\n",
        "participant_id\tname\n1\tRose\n",
        "participant_id|name\n1|Rose\n",
        "sep=,\nparticipant_id,name\n1,Rose\n",
        "sep=;\r\nparticipant_id;name\r\n1;Rose\r\n",
        "participant_id,name\r1,Rose\r",
        "\n\n\nparticipant_id,name\n1,Rose\n",
        "participant_id,name,,\n1,Rose,,\n,,,\n",
    ] {
        plain(body.as_bytes(), &["1 Rose"]).check().await;
    }
}

#[tokio::test]
async fn what_is_no_person_cannot_win() {
    let body = "Year-end party 2026,,\n\nparticipant_id,name,tickets\n1,Rose,2\nparticipant_id,name,tickets\n2,Tracy,1\nTotal,,3\n合计,合计,3\n";
    let warned = ["1:TitleLeftOut", "5:HeaderRepeated", "7:TotalsLeftOut", "8:TotalsLeftOut"];
    Case { warned: &warned, ..plain(body.as_bytes(), &["1 Rose . . . 2", "2 Tracy"]) }.check().await;
}

#[tokio::test]
async fn an_empty_line_above_the_header_of_a_long_file_loses_nobody() {
    let service = Service::with_party().await;
    let lines: String = (0..2_500).map(|n| format!("{n},Name {n}\n")).collect();
    let report = service.import_as("", format!("\nparticipant_id,name\n{lines}")).await.expect(200).json();
    assert_eq!(
        (&report["accepted"], &report["refused"], &report["rows"]),
        (&json!(2_500), &json!(0), &json!(2_500))
    );
    assert_eq!(report["detected"]["header_line"], 2);
}

#[tokio::test]
async fn columns_are_read_by_the_names_that_people_give_them_and_others_are_kept_out() {
    let body = b"ID,Full Name,Phone Number,E-mail\n1,Rose,+12025550101,rose@example.com\n";
    let report = plain(body, &["1 Rose +12025550101 rose@example.com"]).check().await;
    assert_eq!(report["detected"]["columns"][3], json!({ "header": "E-mail", "field": "email" }));
    plain(b"Employee ID,First Name,Last Name\n1,Rose,Tyler\n", &["1 Rose Tyler"]).check().await;
    let body = "工号,姓名,手机号,部门\n1,张伟,13800138000,销售部\n";
    Case { query: "country=CN", ..plain(body.as_bytes(), &["1 张伟 +8613800138000 . 销售部"]) }.check().await;
    let body = b"participant_id,name,badge,notes\n1,Rose,B7,likes tea\n";
    let report = Case { warned: &["1:ColumnsKeptOut"], ..plain(body, &["1 Rose"]) }.check().await;
    assert_eq!(report["warnings"][0]["parameters"]["columns"], "badge, notes");
    let json_rows = br#"[{"participant_id":"1","name":"Rose","department":"Sales","shoe":43}]"#;
    Case { warned: &["1:ColumnsKeptOut"], ..plain(json_rows, &["1 Rose . . Sales"]) }.check().await;
}

#[tokio::test]
async fn the_caller_may_say_what_the_columns_hold() {
    // {"Who":"name","3":"participant_id","Room":null}
    let mapping = "mapping=%7B%22Who%22%3A%22name%22%2C%223%22%3A%22participant_id%22%2C%22Room%22%3Anull%7D";
    let body = b"Who,Room,Nr\nRose,12,7\n";
    Case { query: mapping, ..plain(body, &["7 Rose"]) }.check().await;
    // {"1":"name","2":"participant_id"}, and no header.
    let mapping = "header_row=none&mapping=%7B%221%22%3A%22name%22%2C%222%22%3A%22participant_id%22%7D";
    Case { query: mapping, ..plain(b"Rose,7\nTracy,8\n", &["7 Rose", "8 Tracy"]) }.check().await;
    let service = Service::with_party().await;
    for (query, field) in [
        ("mapping=name", "mapping"),
        ("mapping=%7B%22a%22%3A%22nickname%22%7D", "mapping"),
        ("country=Atlantis", "country"),
        ("header_row=first", "header_row"),
        ("strict=yes", "strict"),
        ("dry_run=1", "dry_run"),
        ("mode=append", "mode"),
        ("clear=", "clear"),
        ("offset=-1", "offset"),
        ("limit=0", "limit"),
        ("import=x", "import"),
    ] {
        let refused = service.import_as(query, b"participant_id,name\n1,Rose\n").await.expect(400);
        assert_eq!(
            (refused.problem().as_str(), &refused.json()["errors"][0]["field"]),
            ("bad-query", &json!(field))
        );
    }
    assert!(service.people().await.is_empty());
}

#[tokio::test]
async fn names_alone_get_ids_that_stay_the_same() {
    let service = Service::with_party().await;
    for body in ["Rose\nTracy\n", "name\nTracy\nRose\n", "姓名\nRose\nTracy\n"] {
        service.import_as("", body).await.expect(200);
        assert_eq!(service.people().await.len(), 2, "{body}");
    }
    let report = service.import_as("", "Rose\nTracy\nBob\n").await.expect(200).json();
    assert_eq!((&report["accepted"], &report["unchanged"]), (&json!(1), &json!(2)));
    assert_eq!(
        (&report["detected"]["form"], &report["detected"]["ids_made"]),
        (&json!("names"), &json!(true))
    );
}

#[tokio::test]
async fn workbooks_are_read_and_their_cells_are_named() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.merge_range(0, 0, 0, 4, "2026 年会抽奖名单", &Format::new()).unwrap();
    for (column, header) in ["工号", "姓名", "部门", "手机号", "邮箱"].into_iter().enumerate() {
        sheet.write(1, column as u16, header).unwrap();
    }
    for row in 0..300_u32 {
        sheet.write(row + 2, 0, format!("{:03}", row + 1)).unwrap();
        sheet.write(row + 2, 1, format!("员工{row}")).unwrap();
        sheet.write(row + 2, 2, "销售部").unwrap();
        sheet.write(row + 2, 3, 13_800_138_000.0 + f64::from(row)).unwrap();
        sheet.write(row + 2, 4, format!("p{row}@example.com")).unwrap();
    }
    sheet.write(5, 3, "1.38E+10").unwrap();
    sheet.write(6, 1, "\u{200b}").unwrap();
    let bytes = workbook.save_to_buffer().unwrap();
    let service = Service::with(|config| config.has_email_sender = true).await;
    let party = json!({ "id": "party", "name": "年会", "locale": "zh-CN", "time_zone": "Asia/Shanghai" });
    service.post("/lotteries", party).await.expect(201);
    // Whatever type it is sent as.
    for content_type in ["text/csv", "application/vnd.ms-excel", "application/octet-stream"] {
        let request =
            service.request(Method::POST, &format!("{PATH}?dry_run=true"), content_type, bytes.clone());
        let preview = service.call(request).await.expect(200).json();
        assert_eq!((&preview["accepted"], &preview["detected"]["form"]), (&json!(299), &json!("xlsx")));
        assert_eq!(preview["sample"].as_array().unwrap().len(), 20);
        assert_eq!(
            preview["sample"][0],
            json!({ "line": 3, "participant_id": "001", "name": "员工0", "phone": "+8613800138000",
                "email": "p0@example.com", "group": "销售部", "tickets": null, "excluded": null, "refused": null,
                "cells": ["001", "员工0", "销售部", "13800138000", "p0@example.com"] })
        );
        assert_eq!(preview["sample"][4]["refused"]["code"], "Missing");
        assert_eq!(preview["sample"][4]["refused"]["cell"], "B7");
    }
    let report = service.import_as("", bytes).await.expect(200).json();
    assert_eq!((&report["accepted"], &report["refused"]), (&json!(299), &json!(1)));
    let spoilt =
        &report["warnings"].as_array().unwrap().iter().find(|one| one["code"] == "NumberSpoilt").unwrap();
    assert_eq!((&spoilt["cell"], &spoilt["line"]), (&json!("D6"), &json!(6)));
    assert_eq!(report["refusals"][0]["cell"], "B7");
    assert_eq!(report["refused_rows"][0]["cells"][0], "005");
    assert!(service.people().await[7].starts_with("009 员工8 +8613800138008 p8@example.com 销售部"));
}

#[tokio::test]
async fn phone_numbers_are_read_as_they_are_written_in_the_lottery_s_country() {
    let service = Service::new().await;
    let party = json!({ "id": "party", "name": "年会", "locale": "zh-CN" });
    let created = service.post("/lotteries", party).await.expect(201).json();
    assert_eq!(created["country"], "CN");
    let body = "participant_id,name,phone\n1,张伟,13800138000\n2,李娜,138 0013 8001\n3,王芳,+86-138-0013-8002\n4,赵敏,008613800138003\n\
        5,Rose,+1 (202) 555-0101\n6,Bob,１３８００１３８００６\n7,李雷,+86100000000\n8,Eve,N/A\n9,Dan,无\n10,Ann,-\n";
    let report = service.import_as("", body).await.expect(200).json();
    assert_eq!((&report["accepted"], &report["refused"]), (&json!(10), &json!(0)));
    assert_eq!(codes(&report, "warnings"), ["8:PhoneNotInPlan"]);
    assert_eq!(
        service.people().await,
        [
            "1 张伟 +8613800138000",
            "10 Ann",
            "2 李娜 +8613800138001",
            "3 王芳 +8613800138002",
            "4 赵敏 +8613800138003",
            "5 Rose +12025550101",
            "6 Bob +8613800138006",
            "7 李雷",
            "8 Eve",
            "9 Dan"
        ]
    );
    for phone in [
        "(202) 555-0102",
        "202.555.0102",
        "+1\u{a0}202\u{a0}555\u{a0}0102",
        "tel:+1-202-555-0102",
        "\u{202a}+12025550102\u{202c}",
        "001 202 555 0102",
        "12025550102",
        "'+12025550102",
        "=\"+12025550102\"",
    ] {
        let service = Service::with_party().await;
        let body = format!("participant_id;name;phone\n1;Rose;\"{}\"\n", phone.replace('"', "\"\""));
        service.import_as("country=US", body).await.expect(200);
        assert_eq!(service.people().await, ["1 Rose +12025550102"], "{phone:?}");
    }
    // Where nobody says which country's, a national number is asked about and costs nobody their entry.
    let case = Case {
        warned: &["2:PhoneNeedsCountry"],
        ..plain(b"id,name,phone\n1,Rose,(202) 555-0101\n", &["1 Rose"])
    };
    case.check().await;
}

#[tokio::test]
async fn e_mail_addresses_are_read_through_what_stands_around_them() {
    let body = "participant_id,name,email\n1,Rose,rose@müller.example\n2,Tracy,\u{200b}tracy@example.com\u{a0}\n\
        3,Bob,Bob Baker <bob@example.com>\n4,Eve,nobody\n5,Dan,n/a\n6,Ann,—\n";
    let people = [
        "1 Rose . rose@xn--mller-kva.example",
        "2 Tracy . tracy@example.com",
        "3 Bob . bob@example.com",
        "4 Eve",
        "5 Dan",
        "6 Ann",
    ];
    Case { warned: &["5:NotEmailAddress"], ..plain(body.as_bytes(), &people) }.check().await;
    let strict = Case {
        query: "strict=true",
        people: &[
            "1 Rose . rose@xn--mller-kva.example",
            "2 Tracy . tracy@example.com",
            "3 Bob . bob@example.com",
            "5 Dan",
            "6 Ann",
        ],
        refused: &["5:NotEmailAddress"],
        ..plain(body.as_bytes(), &[])
    };
    strict.check().await;
}

#[tokio::test]
async fn a_name_shows_something_and_nothing_unseen() {
    let body = "participant_id,name\n1,\u{200b}\n2,\u{202e}gnp.exe\n3,\u{3164}\u{2800}\n4,古丽·买买提\n5,Rose\u{7}\n";
    let case = Case {
        refused: &["2:NothingVisible", "4:NothingVisible", "6:ControlCharacters"],
        warned: &["3:InvisibleLeftOut"],
        ..plain(body.as_bytes(), &["2 gnp.exe", "4 古丽·买买提"])
    };
    case.check().await;
}

#[tokio::test]
async fn ids_stay_as_they_are_written_and_doubles_are_told() {
    let body = "participant_id,name\n007,Rose\n7,Tracy\n1.1E+17,Bob\na b,Eve\n007,Aaron\n";
    let case = Case {
        refused: &["4:NumberSpoilt", "5:NotParticipantId", "6:IdTwice"],
        ..plain(body.as_bytes(), &["007 Rose", "7 Tracy"])
    };
    let report = case.check().await;
    assert_eq!(report["refusals"][2]["parameters"], json!({ "first_line": 2 }));
    let body = "participant_id,name\n1,Rose Tyler\n2,rose tyler\n3,Rose  Tyler\n";
    let doubles = Case {
        warned: &["3:LikelyDouble", "4:LikelyDouble"],
        ..plain(body.as_bytes(), &["1 Rose Tyler", "2 rose tyler", "3 Rose  Tyler"])
    };
    doubles.check().await;
    // JSON may hold ids and phone numbers as numbers.
    let body = br#"[{"participant_id": 7, "name": "Rose", "phone": 12025550101, "excluded": "x"}]"#;
    let case = Case { warned: &["1:PhoneWithoutPlus"], ..plain(body, &["7 Rose +12025550101 . . 1 true"]) };
    case.check().await;
}

#[tokio::test]
async fn yes_and_no_are_read_as_people_write_them() {
    let body =
        "participant_id,name,excluded\n1,A,yes\n2,B,是\n3,C,x\n4,D,1\n5,E,no\n6,F,0\n7,G,\n8,H,perhaps\n";
    let people =
        ["1 A . . . 1 true", "2 B . . . 1 true", "3 C . . . 1 true", "4 D . . . 1 true", "5 E", "6 F", "7 G"];
    Case { refused: &["9:NotYesOrNo"], ..plain(body.as_bytes(), &people) }.check().await;
}

#[tokio::test]
async fn joining_reads_the_phone_number_in_the_lottery_s_country_and_wants_a_name_to_be_seen() {
    let service = Service::new().await;
    let party = json!({ "id": "party", "name": "年会", "locale": "zh-CN", "open_to_join": true });
    service.post("/lotteries", party).await.expect(201);
    let join = |body: Value| service.post("/lotteries/party/join", body);
    join(json!({ "name": "张伟", "phone": "138 0013 8000" })).await.expect(201);
    join(json!({ "name": "张伟", "phone": "+8613800138000" })).await.expect(201);
    let counts = service.get_as_organiser("/lotteries/party/counts").await.expect(200).json();
    assert_eq!(counts["total"], 1, "one number is one entry");
    for (body, field, code) in [
        (json!({ "name": "\u{200b}", "email": "z@example.com" }), "name", "NothingVisible"),
        (json!({ "name": "Rose", "phone": "+86100000000" }), "phone", "PhoneNotInPlan"),
        (json!({ "name": "Rose", "email": "nobody" }), "email", "NotEmailAddress"),
        (json!({ "name": "Rose", "phone": " " }), "phone", "NoAddress"),
        (json!({ "name": 7, "phone": "13800138001" }), "name", "NotText"),
    ] {
        let refused = join(body).await.expect(422).json();
        assert_eq!(
            (&refused["errors"][0]["field"], &refused["errors"][0]["code"]),
            (&json!(field), &json!(code))
        );
    }
    assert_eq!(service.people().await.len(), 1);
}
