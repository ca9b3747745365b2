//! How fast lists are read: `cargo run --release -p lottery --features lists --example list_speed [rows of the CSV]`.

use std::fmt::Write;
use std::time::Instant;

use lottery::list::{Batch, Country, Options, Reader};
use rust_xlsxwriter::Workbook;

const ROWS: usize = 1_000_000;
const WORKBOOK_ROWS: u32 = 100_000;

#[allow(clippy::print_stdout, reason = "it is what the example is for")]
fn main() -> anyhow::Result<()> {
    let mut csv = "工号,姓名,部门,手机号,邮箱\n".to_owned();
    let rows = std::env::args().nth(1).map_or(Ok(ROWS), |rows| rows.parse())?;
    for row in 0..rows {
        writeln!(csv, "E{row:07},张伟{row},销售部,138{row:08},p{row}@example.com")?;
    }
    report("CSV", csv.as_bytes(), rows)?;
    let in_words = |row: usize| {
        let digits = (row / 2).to_string();
        let word = |digit: char| "零一二三四五六七八九".chars().nth(digit.to_digit(10).unwrap_or(0) as usize);
        digits.chars().filter_map(word).collect::<String>()
    };
    let names: String = (0..200_000).map(|row| format!("张{}\n", in_words(row))).collect();
    report("names alone", names.as_bytes(), 200_000)?;

    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (column, header) in ["工号", "姓名", "部门", "手机号", "邮箱"].into_iter().enumerate() {
        sheet.write(0, column as u16, header)?;
    }
    for row in 1..=WORKBOOK_ROWS {
        sheet.write(row, 0, format!("E{row:07}"))?;
        sheet.write(row, 1, format!("张伟{row}"))?;
        sheet.write(row, 2, "销售部")?;
        sheet.write(row, 3, 13_800_000_000_u64 + u64::from(row))?;
        sheet.write(row, 4, format!("p{row}@example.com"))?;
    }
    report(".xlsx", &workbook.save_to_buffer()?, WORKBOOK_ROWS as usize)
}

#[allow(clippy::print_stdout, reason = "it is what the example is for")]
fn report(what: &str, bytes: &[u8], rows: usize) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut reader = Reader::new(Options { country: Country::parse("CN").ok(), ..Options::default() });
    let (mut batch, mut read) = (Batch::default(), 0);
    for piece in bytes.chunks(64 * 1024) {
        reader.push(piece, &mut batch)?;
        read += batch.rows.drain(..).filter(|row| row.person.is_ok()).count();
    }
    reader.finish(&mut batch)?;
    read += batch.rows.iter().filter(|row| row.person.is_ok()).count();
    anyhow::ensure!(read == rows, "{read} of {rows} rows");
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{what}: {rows} rows, {} bytes in {seconds:.2} s, {:.0} rows/s",
        bytes.len(),
        rows as f64 / seconds
    );
    Ok(())
}
