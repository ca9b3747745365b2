//! The file itself: encodings, separators, titles, totals, columns.

use encoding_rs::{BIG5, GB18030, UTF_16LE, WINDOWS_1252};
use lottery::list::{Certainty, Form, Options};

use super::support::*;

fn default() -> Options {
    Options::default()
}

#[test]
fn a_byte_order_mark_and_unseen_characters_do_not_spoil_a_column() {
    for text in [
        "\u{feff}participant_id,name\n1,Rose\n",
        "\u{200b}participant_id,name\n1,Rose\n",
        "participant_id\u{200b},\u{2060}name\n1,Rose\n",
        "\u{a0}participant_id\u{a0},\u{202a}name\u{202c}\n1,Rose\n",
        "PARTICIPANT ID,Na\u{ad}me\n1,Rose\n",
        "\u{feff}\u{feff}participant_id,name\n1,Rose\n",
    ] {
        let list = list(text, default());
        assert_eq!(people(&list), ["1 Rose"], "{text:?}");
        assert_eq!(remarks(&list), [""; 0], "{text:?}");
    }
}

#[test]
fn lists_in_old_encodings_are_read_and_the_guess_is_said() {
    for (encoding, text, expected) in [
        (GB18030, "participant_id,name\n1,张伟\n", "1 张伟"),
        (GB18030, "工号,姓名\r\n1,李娜\r\n", "1 李娜"),
        (BIG5, "工號,姓名\n1,陳怡君\n", "1 陳怡君"),
        (WINDOWS_1252, "participant_id,name\n1,José García\n", "1 José García"),
        (WINDOWS_1252, "id;name\n1;Zoë\n", "1 Zoë"),
    ] {
        let list = list(encode(encoding, text).unwrap(), default());
        assert_eq!(people(&list), [expected]);
        assert_eq!(list.detected.encoding, Some((encoding.name(), Certainty::Guessed)));
    }
    let text = "\u{feff}工号\t姓名\n1\t张伟\n";
    let list = list(encode(UTF_16LE, text).unwrap(), default());
    assert_eq!(people(&list), ["1 张伟"]);
    assert_eq!(list.detected.encoding, Some(("UTF-16LE", Certainty::Sure)));
    assert_eq!(list.detected.delimiter, Some('\t'));
}

#[test]
fn undecodable_bytes_and_replacement_characters_cost_their_line() {
    let mut bytes = "participant_id,name\n1,张伟\n2,李娜\n".as_bytes().to_vec();
    bytes.extend(b"3,\xff\xfe\n4,Rose\n");
    bytes.extend("5,\u{fffd}\u{fffd}\n".as_bytes());
    let list = list(bytes, default());
    assert_eq!(people(&list), ["1 张伟", "2 李娜", "4: NotDecodable", "4 Rose", "6: ReplacementCharacter"]);
}

#[test]
fn a_list_whose_first_foreign_name_comes_late_is_read_in_its_encoding() {
    let mut text = "participant_id,name\n".to_owned();
    (0..20_000)
        .for_each(|number| text.push_str(&format!("{number},Person {}\n", "x".repeat(number % 7 + 1))));
    text.push_str("20000,张伟\n20001,李娜\n20002,王芳\n");
    let list = list(encode(GB18030, &text).unwrap(), default());
    assert_eq!(list.rows.len(), 20_003);
    assert_eq!(people(&list)[20_000..], ["20000 张伟", "20001 李娜", "20002 王芳"]);
}

#[test]
fn separators_of_every_kind_are_read() {
    for text in [
        "participant_id,name\n1,Rose\n",
        "participant_id;name\n1;Rose\n",
        "participant_id\tname\n1\tRose\n",
        "participant_id|name\n1|Rose\n",
        "sep=,\nparticipant_id,name\n1,Rose\n",
        "sep=;\r\nparticipant_id;name\r\n1;Rose\r\n",
        "\u{feff}sep=\t\nparticipant_id\tname\n1\tRose\n",
        "participant_id,name\r1,Rose\r",
        "工号，姓名\n1，Rose\n",
    ] {
        assert_eq!(people(&list(text, default())), ["1 Rose"], "{text:?}");
    }
}

#[test]
fn what_stands_above_and_below_the_list_is_left_out_and_said() {
    let list = list(
        "2026 年会抽奖名单,,\n制表：行政部\n\nparticipant_id,name,phone\n1,Rose,+12025550101\n,,\nparticipant_id,name,phone\n\
         2,Tracy,\n合计,2 人,\nTotal,,\n制表人：李雷,,\n",
        default(),
    );
    assert_eq!(people(&list), ["1 Rose +12025550101", "2 Tracy"]);
    assert_eq!(
        remarks(&list),
        [
            "1: TitleLeftOut",
            "2: TitleLeftOut",
            "7: HeaderRepeated",
            "9: TotalsLeftOut",
            "10: TotalsLeftOut",
            "11: NoteLeftOut"
        ]
    );
    assert_eq!(list.detected.header_line, Some(4));
}

#[test]
fn a_total_with_an_id_or_tickets_is_no_person() {
    let list = list("participant_id,name,tickets\n1,Rose,3\nTotal,Total,3\n99,Total,3\n,总计,3\n", default());
    assert_eq!(people(&list), ["1 Rose . . . 3"]);
    assert_eq!(remarks(&list), ["3: TotalsLeftOut", "4: TotalsLeftOut", "5: TotalsLeftOut"]);
    // A row with an address is a person.
    let list = self::list("participant_id,name,phone\n1,Total,+12025550101\n", default());
    assert_eq!(people(&list), ["1 Total +12025550101"]);
}

#[test]
fn two_exports_put_together_are_read_each_by_its_header() {
    let list = list("id,name,group\n1,Rose,A\nname,id,group\nTracy,2,B\n", default());
    assert_eq!(people(&list), ["1 Rose . . A", "2 Tracy . . B"]);
    assert_eq!(remarks(&list), ["3: HeaderChanged"]);
}

#[test]
fn empty_columns_at_the_right_are_no_columns() {
    let list = list("participant_id,name,,\n1,Rose,,\n2,Tracy,,,,\n3,Bob\n", default());
    assert_eq!(people(&list), ["1 Rose", "2 Tracy", "3 Bob"]);
    assert_eq!(remarks(&list), [""; 0]);
}

#[test]
fn a_comma_too_much_or_too_few_costs_its_line() {
    let list = list("participant_id,name,group\n1,Rose\n2,Tracy,A,B\n3,Bob,A\n", default());
    assert_eq!(people(&list), ["2: FieldCount", "3: FieldCount", "3 Bob . . A"]);
}

#[test]
fn further_columns_are_kept_out_and_named() {
    let list = list("序号,participant_id,name,badge,notes\n1,7,Rose,B1,nice\n", default());
    assert_eq!(people(&list), ["7 Rose"]);
    assert_eq!(remarks(&list), ["1: ColumnsKeptOut"]);
    assert_eq!(list.remarks[0].why.to_string(), "these columns are kept out: 序号, badge, notes");
}

#[test]
fn columns_are_read_as_people_name_them() {
    let english = list("ID,Full Name,Phone Number,E-mail\n1,Rose,+12025550101,rose@example.com\n", default());
    assert_eq!(people(&english), ["1 Rose +12025550101 rose@example.com"]);
    let chinese_list = list("工号,姓名,手机号,部门\n1,张伟,+8610000000001,销售部\n", chinese());
    assert_eq!(people(&chinese_list), ["1 张伟 +8610000000001 . 销售部"]);
    let parts = list("Employee ID,First Name,Last Name,Department\n1,Rose,Tyler,Sales\n", default());
    assert_eq!(people(&parts), ["1 Rose Tyler . . Sales"]);
    let chinese_parts = list("编号,姓,名\n1,张,伟\n", default());
    assert_eq!(people(&chinese_parts), ["1 张伟"]);
}

#[test]
fn the_caller_may_say_what_columns_hold() {
    let text = "Wer,Womit,Nr\nRose,+12025550101,7\n";
    let list_of = |mapping| people(&list(text, with_mapping(mapping)));
    assert_eq!(list_of(r#"{"Wer":"name","Womit":"phone","Nr":"participant_id"}"#), ["7 Rose +12025550101"]);
    assert_eq!(list_of(r#"{"1":"name","2":"phone","3":"participant_id"}"#), ["7 Rose +12025550101"]);
    assert_eq!(
        people(&list(
            "Rose,+12025550101,7\n",
            without_header(r#"{"1":"name","2":"phone","3":"participant_id"}"#)
        )),
        ["7 Rose +12025550101"]
    );
    assert_eq!(refusal(text, with_mapping(r#"{"Who":"name"}"#)), "MappedColumnMissing");
    assert_eq!(refusal("name,Phone 1,Phone 2\nRose,,\n", default()), "ColumnAmbiguous");
}

#[test]
fn names_alone_are_a_list() {
    for text in [
        "Rose\nTracy\nBob\n",
        "name\nRose\nTracy\nBob\n",
        "\n\nRose\r\nTracy\r\n\r\nBob",
        "Rose,\nTracy,\nBob,\n",
    ] {
        assert_eq!(names(&list(text, default())), ["Rose", "Tracy", "Bob"], "{text:?}");
    }
    let gbk = list(encode(GB18030, "张伟\n李娜\n王芳\n").unwrap(), default());
    assert_eq!(names(&gbk), ["张伟", "李娜", "王芳"]);
    assert_eq!(gbk.detected.form, Some(Form::Names));
    assert!(gbk.detected.ids_made);
}

#[test]
fn what_is_no_list_is_refused_by_what_it_is() {
    for (bytes, code) in [
        (b"".as_slice(), "Empty"),
        (b" \n\r\n", "Empty"),
        (b"\xef\xbb\xbf", "Empty"),
        (b"%PDF-1.7 ...", "WrongKind"),
        (b"\x89PNG\r\n\x1a\n....", "WrongKind"),
        (b"<html><table><tr><td>name</td></tr></table></html>", "WrongKind"),
        (b"PK\x03\x04 and nothing behind it", "WorkbookBroken"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and nothing", "WorkbookBroken"),
        (b"\x00\x01\x02\x03\x04\x05\x06\x07\x08", "NotTextFile"),
        (b"Rose,+12025550101\nTracy,+12025550102\n", "HeaderNotFound"),
        (b"12\n13\n14\n", "HeaderNotFound"),
        (b"phone,email\n+12025550101,rose@example.com\n", "NameColumnMissing"),
        (b"# comment { } ;\n<<>>", "HeaderNotFound"),
    ] {
        assert_eq!(refusal(bytes, default()), code, "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn a_header_without_rows_has_no_people() {
    let list = list("participant_id,name\n", default());
    assert_eq!(people(&list), [""; 0]);
    assert_eq!(list.detected.columns.len(), 2);
}

#[test]
fn json_is_read_by_the_same_rules() {
    let array = r#"[{"participant_id": 7, "name": "Rose", "phone": 12025550101, "shoe": 43},
        {"ID": "8", "Full Name": "Tracy", "phone": null, "excluded": true},
        {"participant_id": "9", "name": {"first": "Bob"}},
        {"name": "Aaron"}]"#;
    let list_of = list(array, default());
    assert_eq!(people(&list_of), ["7 Rose +12025550101", "8 Tracy . . . . true", "3: NotText", "4: Missing"]);
    assert_eq!(remarks(&list_of), ["1: ColumnsKeptOut", "1: phone PhoneWithoutPlus"]);
    let lines = "{\"participant_id\":\"1\",\"name\":\"Rose\"}\n{\"participant_id\":\"2\"\n{\"participant_id\":\"3\",\"name\":\"Bob\"}\n";
    assert_eq!(people(&list(lines, default())), ["1 Rose", "2: NotJson", "3 Bob"]);
    let gbk = encode(GB18030, "[{\"姓名\":\"张伟\",\"工号\":\"1\"}]").unwrap();
    assert_eq!(people(&list(gbk, default())), ["1 张伟"]);
}

#[test]
fn an_export_of_ours_is_read_again() {
    let list = list(
        "rank,participant_id,name,phone,prize\n1,7,'=Rose,'+12025550101,Car\n2,8,'-Tracy,\"=\"\"+12025550102\"\"\",Pen\n",
        default(),
    );
    assert_eq!(people(&list), ["7 =Rose +12025550101", "8 -Tracy +12025550102"]);
}

#[test]
fn a_title_that_sounds_like_a_column_of_names_is_a_title() {
    for title in ["员工名单", "抽奖名单", "Name", "Names"] {
        let list = list(format!("{title}\n工号,姓名,备注\n1,张伟,x\n2,李娜,\n"), default());
        assert_eq!(people(&list), ["1 张伟", "2 李娜"], "{title}");
        assert_eq!(list.detected.header_line, Some(2), "{title}");
    }
    // Alone it is the header.
    assert_eq!(list("名单\n张伟\n李娜\n", default()).rows.len(), 2);
}
