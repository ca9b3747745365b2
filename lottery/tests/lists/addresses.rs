//! Phone numbers, e-mail addresses, names, chances, exclusion, groups.

use lottery::list::{Country, Options};

use super::support::*;

fn default() -> Options {
    Options::default()
}

#[test]
fn national_numbers_are_read_with_the_country() {
    let text = "participant_id,name,phone\n1,张伟,13800138000\n2,李娜,138-0013-8001\n3,王芳,10000000001\n";
    let list_of = list(text, chinese());
    assert_eq!(people(&list_of), ["1 张伟 +8613800138000", "2 李娜 +8613800138001", "3 王芳 +8610000000001"]);
    assert_eq!(remarks(&list_of), ["4: phone PhoneUnassigned"]);
    // Without the country they come in without the number.
    let list_of = list("participant_id,name,phone\n1,Rose,(202) 555-0101\n", default());
    assert_eq!(people(&list_of), ["1 Rose"]);
    assert_eq!(remarks(&list_of), ["2: phone PhoneNeedsCountry"]);
    let american = Options { country: Country::parse("US").ok(), ..default() };
    assert_eq!(
        people(&list("participant_id,name,phone\n1,Rose,(202) 555-0101\n", american)),
        ["1 Rose +12025550101"]
    );
}

#[test]
fn an_address_that_cannot_be_used_does_not_cost_the_person() {
    let text = "participant_id,name,phone,email\n1,Rose,+86100000000,rose@example\n2,Tracy,1.38E+10,tracy@example.com\n";
    let list_of = list(text, default());
    assert_eq!(people(&list_of), ["1 Rose", "2 Tracy . tracy@example.com"]);
    assert_eq!(
        remarks(&list_of),
        ["2: phone PhoneNotInPlan", "2: email NotEmailAddress", "3: phone NumberSpoilt"]
    );
    let spoilt = list_of.rows[1].warnings[0].to_string();
    assert_eq!(
        spoilt,
        "line 3: phone: a spreadsheet wrote the number as 1.38E+10, and its digits are lost; set the column to Text there, and type it in again"
    );
    let strict = Options { strict: true, ..default() };
    assert_eq!(people(&list(text, strict)), ["2: PhoneNotInPlan", "3: NumberSpoilt"]);
}

#[test]
fn words_for_no_address_are_no_address() {
    let text = "participant_id,name,phone,email\n1,Rose,N/A,-\n2,Tracy,无,none\n3,Bob,—,null\n4,Aaron,,\n5,Eve,没有,\u{200b}\n";
    let list_of = list(text, default());
    assert_eq!(people(&list_of), ["1 Rose - -", "2 Tracy - -", "3 Bob - -", "4 Aaron", "5 Eve - -"]);
    assert_eq!(remarks(&list_of), [""; 0]);
}

#[test]
fn names_that_show_nothing_are_refused_and_what_turns_the_text_is_left_out() {
    let text = "participant_id,name\n1,\u{200b}\n2,\u{3164}\n3,\u{202e}gnp.exe\n4,Ro\u{200b}se\n5,\"Rose\nTyler\"\n6,a\u{7}b\n7,👨\u{200d}👩\u{200d}👧\n8,\u{2800}\n";
    let list_of = list(text, default());
    assert_eq!(
        people(&list_of),
        [
            "2: NothingVisible",
            "3: NothingVisible",
            "3 gnp.exe",
            "4 Rose",
            "5 Rose Tyler",
            "8: ControlCharacters",
            "7 👨\u{200d}👩\u{200d}👧",
            "10: NothingVisible"
        ]
    );
    assert_eq!(remarks(&list_of), ["4: name InvisibleLeftOut", "5: name InvisibleLeftOut"]);
}

#[test]
fn names_of_every_script_are_kept() {
    let longest = "x".repeat(200);
    for name in
        ["阿迪力·买买提", "𠮷田", "محمد", "שרה", "O'Neil", "María José", "Nguyễn Văn A", longest.as_str()]
    {
        let list_of = list(format!("participant_id,name\n1,{name}\n"), default());
        assert_eq!(names(&list_of), [name]);
        assert_eq!(remarks(&list_of), [""; 0], "{name}");
    }
    assert_eq!(people(&list(format!("participant_id,name\n1,{longest}x\n"), default())), ["2: Length"]);
}

#[test]
fn chances_and_exclusion_are_read_as_people_write_them() {
    let text = "participant_id,name,tickets,excluded\n1,Rose,3,yes\n2,Tracy,２,否\n3,Bob,,x\n4,Aaron,2.0,\n5,Eve,0,\n6,Mallory,many,\n7,Carol,1,perhaps\n8,Dan,1000,是\n";
    assert_eq!(
        people(&list(text, default())),
        [
            "1 Rose . . . 3 true",
            "2 Tracy . . . 2 false",
            "3 Bob . . . . true",
            "4 Aaron . . . 2",
            "6: OutOfRange",
            "7: OutOfRange",
            "8: NotYesOrNo",
            "8 Dan . . . 1000 true"
        ]
    );
}

#[test]
fn groups_of_one_look_are_one_group() {
    let text = "participant_id,name,group\n1,A,Sales Team\n2,B, Sales  Team \n3,C,Ｓａｌｅｓ Team\n4,D,Sales\u{a0}Team\n5,E,Sales\u{3000}Team\n6,F,Sa\u{200b}les Team\n7,G,sales team\n";
    let groups: Vec<_> = people(&list(text, default())).iter().map(|person| person[6..].to_owned()).collect();
    assert_eq!(groups[..6], ["Sales Team"; 6].map(|group| format!(". {group}")));
    assert_eq!(groups[6], ". sales team");
}

#[test]
fn ids_keep_their_zeros_and_spoilt_ones_are_told() {
    let text = "participant_id,name\n007,Rose\n7,Tracy\n1.1E+17,Bob\n1.1E17,Aaron\na b,Eve\n=\"008\",Carol\n００９,Dan\n\u{200b}010,Frank\n,Nobody\n1E5,Gary\n";
    assert_eq!(
        people(&list(text, default())),
        [
            "007 Rose",
            "7 Tracy",
            "4: NumberSpoilt",
            "5: NumberSpoilt",
            "6: NotParticipantId",
            "008 Carol",
            "009 Dan",
            "010 Frank",
            "10: Missing",
            "1E5 Gary"
        ]
    );
}

#[test]
fn addresses_are_read_through_what_people_write_around_them() {
    let text = "id,name,phone,email\n1,Rose,tel:+1-202-555-0101,Rose <rose@example.com>\n2,Tracy,+1\u{a0}(202)\u{a0}555.0102,\u{200b}tracy@müller.example\n3,Bob,\u{202a}+12025550103\u{202c},mailto:bob@example.com\n4,Eve,+44 (0)7700 900123,röse@example.com\n";
    let list_of = list(text, default());
    assert_eq!(
        people(&list_of),
        [
            "1 Rose +12025550101 rose@example.com",
            "2 Tracy +12025550102 tracy@xn--mller-kva.example",
            "3 Bob +12025550103 bob@example.com",
            "4 Eve +447700900123"
        ]
    );
    assert_eq!(remarks(&list_of), ["5: phone PhoneUnassigned", "5: email EmailLocalPart"]);
}
