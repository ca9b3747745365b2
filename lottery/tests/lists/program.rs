//! The program `read-list`: what people have goes in, what an import takes comes out.

use std::process::{Command, Output};

use encoding_rs::GB18030;

fn read_list(name: &str, bytes: &[u8], arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, bytes).unwrap();
    Command::new(env!("CARGO_BIN_EXE_read-list")).arg(file).args(arguments).output().unwrap()
}

#[test]
fn a_gbk_file_with_a_title_becomes_what_an_import_takes() {
    let text = "员工名单\n工号,姓名,部门,手机号,备注\n001,张伟,销售部,13800138000,x\n002,李娜,财务,1.38E+10,\n0 3,王芳,财务,,\n";
    let (gbk, _, _) = GB18030.encode(text);
    let output = read_list("staff.csv", &gbk, &["--country", "CN"]);
    assert_eq!(output.status.code(), Some(1), "a line was refused");
    let expected = "participant_id,name,phone,group\n001,张伟,+8613800138000,销售部\n002,李娜,,财务\n";
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    let report = String::from_utf8(output.stderr).unwrap();
    for words in [
        "gb18030 (a guess)",
        "header on line 2",
        "kept out: 备注",
        "1.38E+10",
        "refused: line 5: participant_id",
        "2 people, 1 lines refused",
    ] {
        assert!(report.contains(words), "{words}: {report}");
    }
}

#[test]
fn what_cannot_be_read_writes_nothing() {
    let output = read_list("picture.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", &[]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    let output = read_list("list.csv", b"name\nRose\n", &["--charset", "klingon"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("klingon"));
}
