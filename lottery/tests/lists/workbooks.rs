//! Workbooks: numbers, dates, titles, sheets, and what is too much.

use std::io::{Cursor, Write};

use lottery::list::{Form, Options};
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::support::*;

fn default() -> Options {
    Options::default()
}

/// An .ods whose content is one table with these rows.
fn ods(tables: &str) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let mut part = |name: &str, content: &str| {
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    };
    part("mimetype", "application/vnd.oasis.opendocument.spreadsheet");
    part("META-INF/manifest.xml", "<manifest:manifest/>");
    part(
        "content.xml",
        &format!(
            "<office:document-content><office:automatic-styles><style:style style:name=\"ta2\"><style:table-properties \
             table:display=\"false\"/></style:style></office:automatic-styles><office:body><office:spreadsheet>{tables}\
             </office:spreadsheet></office:body></office:document-content>"
        ),
    );
    writer.finish().unwrap().into_inner()
}

fn text(cell: &str) -> String {
    format!("<table:table-cell office:value-type=\"string\"><text:p>{cell}</text:p></table:table-cell>")
}

#[test]
fn numbers_dates_and_titles_of_an_xlsx_are_read_without_loss() {
    let mut workbook = Workbook::new();
    let scientific = Format::new().set_num_format("0.00E+00");
    let date = Format::new().set_num_format("yyyy-mm-dd");
    let sheet = workbook.add_worksheet();
    sheet.merge_range(0, 0, 0, 5, "2026 年会抽奖名单", &Format::new()).unwrap();
    for (column, header) in ["工号", "姓名", "部门", "手机号", "邮箱", "入职日期"].into_iter().enumerate()
    {
        sheet.write(1, column as u16, header).unwrap();
    }
    sheet.write(2, 0, "007").unwrap();
    sheet.write(2, 1, "张伟").unwrap();
    sheet.write(2, 3, 13_800_138_000.0).unwrap();
    sheet.write_with_format(2, 5, ExcelDateTime::from_ymd(2020, 1, 2).unwrap(), &date).unwrap();
    sheet.write(4, 0, 1001).unwrap();
    sheet.write(4, 1, "李娜").unwrap();
    sheet.write(4, 2, "销售部").unwrap();
    sheet.write_with_format(4, 3, 13_800_138_001.0, &scientific).unwrap();
    sheet.write(4, 4, "lina@example.com").unwrap();
    sheet.write_formula(5, 0, Formula::new("=1000+2").set_result("1002")).unwrap();
    sheet.write_formula(5, 1, Formula::new("=CONCAT(\"王\",\"芳\")").set_result("王芳")).unwrap();
    sheet.write(5, 3, "1.38E+10").unwrap();
    sheet.write(6, 0, 110_101_199_003_071_234.0_f64).unwrap();
    sheet.write(6, 1, "赵敏").unwrap();
    sheet.write(7, 0, "合计").unwrap();
    sheet.write(7, 1, "4 人").unwrap();
    let list = list(workbook.save_to_buffer().unwrap(), chinese());
    assert_eq!(
        people(&list),
        [
            "007 张伟 +8613800138000",
            "1001 李娜 +8613800138001 lina@example.com 销售部",
            "1002 王芳",
            "7: NumberSpoilt"
        ]
    );
    assert_eq!(
        remarks(&list),
        ["1: TitleLeftOut", "2: ColumnsKeptOut", "6: phone NumberSpoilt", "8: TotalsLeftOut"]
    );
    assert_eq!(list.rows[2].warnings[0].cell.as_deref(), Some("D6"));
    assert_eq!(list.detected.form, Some(Form::Xlsx));
    assert_eq!(list.detected.header_line, Some(2));
}

#[test]
fn the_first_visible_sheet_with_data_is_read_and_the_others_are_named() {
    let mut workbook = Workbook::new();
    workbook.add_worksheet().set_name("Empty").unwrap();
    let hidden = workbook.add_worksheet().set_name("Secret").unwrap();
    hidden.write(0, 0, "name").unwrap().write(1, 0, "Hidden").unwrap().set_hidden(true);
    let list_sheet = workbook.add_worksheet().set_name("List").unwrap();
    list_sheet.write(0, 0, "name").unwrap().write(1, 0, "Rose").unwrap();
    let other = workbook.add_worksheet().set_name("Other").unwrap();
    other.write(0, 0, "name").unwrap().write(1, 0, "Tracy").unwrap();
    let bytes = workbook.save_to_buffer().unwrap();
    let list_of = list(&bytes, default());
    assert_eq!(names(&list_of), ["Rose"]);
    assert_eq!(list_of.detected.sheet.as_deref(), Some("List"));
    let remarks: Vec<_> = list_of.remarks.iter().map(|remark| remark.why.to_string()).collect();
    assert_eq!(
        remarks,
        ["only the sheet List is read; these hold something too: Other", "Secret: hidden, and not read"]
    );
    let other = Options { sheet: Some("Other".to_owned()), ..default() };
    assert_eq!(names(&list(&bytes, other)), ["Tracy"]);
    let missing = Options { sheet: Some("None".to_owned()), ..default() };
    assert_eq!(refusal(&bytes, missing), "SheetMissing");
}

#[test]
fn an_ods_is_read_with_its_repetitions_and_hidden_sheets() {
    let row = |cells: &[String]| format!("<table:table-row>{}</table:table-row>", cells.concat());
    let number = "<table:table-cell office:value-type=\"float\" office:value=\"13800138000\"><text:p>1.38E+10</text:p></table:table-cell>";
    let table = format!(
        "<table:table table:name=\"H\" table:style-name=\"ta2\">{}</table:table><table:table table:name=\"L\">{}{}{}\
         <table:table-row table:number-rows-repeated=\"1048000\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row></table:table>",
        row(&[text("name")]),
        row(&[text("工号"), text("姓名"), text("手机")]),
        row(&[text("007"), text("张<text:s text:c=\"2\"/>&amp;伟"), number.to_owned()]),
        "<table:table-row table:number-rows-repeated=\"3\"><table:table-cell/></table:table-row>",
    );
    let list = list(ods(&table), chinese());
    assert_eq!(people(&list), ["007 张  &伟 +8613800138000"]);
    assert_eq!(remarks(&list), ["1: SheetsHidden"]);
    assert_eq!(list.detected.form, Some(Form::Ods));
}

#[test]
fn a_workbook_that_asks_for_all_the_memory_is_refused() {
    let cell = text("Rose");
    let many =
        cell.replace("<table:table-cell", "<table:table-cell table:number-columns-repeated=\"4000000000\"");
    for tables in [
        format!(
            "<table:table table:name=\"L\"><table:table-row table:number-rows-repeated=\"4000000000\">{cell}</table:table-row></table:table>"
        ),
        format!(
            "<table:table table:name=\"L\"><table:table-row table:number-rows-repeated=\"4000000000\">{many}</table:table-row></table:table>"
        ),
    ] {
        let code = refusal(ods(&tables), default());
        assert!(
            ["WorkbookRows", "WorkbookCells", "HeaderNotFound", "TooManyColumns"].contains(&code.as_str()),
            "{code}"
        );
    }
    let blanks = "<table:table table:name=\"L\"><table:table-row><table:table-cell office:value-type=\"string\"><text:p>a<text:s text:c=\"4000000000\"/>b</text:p></table:table-cell></table:table-row></table:table>";
    assert_eq!(refusal(ods(blanks), default()), "HeaderNotFound");
    // Two cells in opposite corners of an .xlsx cost two rows.
    let mut workbook = Workbook::new();
    workbook.add_worksheet().write(0, 0, "name").unwrap().write(1_048_575, 0, "Rose").unwrap();
    assert_eq!(names(&list(workbook.save_to_buffer().unwrap(), default())), ["Rose"]);
}

#[test]
fn an_empty_workbook_and_other_archives_are_told() {
    let mut workbook = Workbook::new();
    workbook.add_worksheet();
    assert_eq!(refusal(workbook.save_to_buffer().unwrap(), default()), "WorkbookEmpty");
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("word/document.xml", SimpleFileOptions::default()).unwrap();
    assert_eq!(refusal(writer.finish().unwrap().into_inner(), default()), "WrongKind");
}
