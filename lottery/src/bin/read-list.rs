//! `read-list` reads a list of participants as people have it, and writes the CSV that an import takes.
//!
//!     read-list staff.xlsx --country CN > people.csv
//!
//! What was found out about the list, what was left out and which lines were refused goes to the standard error. Exit code 0:
//! every line was read. 1: some lines were refused, and the others written. 2: nothing of the list can be read.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use lottery::list::{
    Certainty, Charset, Country, Detected, Given, List, ListPerson, Mapping, Options, Remark, read,
};

/// Reads a list of participants as people have it, and writes the CSV that an import takes.
#[derive(Parser)]
#[command(name = "read-list", version)]
struct Arguments {
    /// The list: CSV with any separator, .xlsx, .xls, .ods, JSON, or names alone, one a line.
    list: PathBuf,
    /// Whose national phone numbers it holds, such as CN or US.
    #[arg(long, value_parser = Country::parse)]
    country: Option<Country>,
    /// The encoding of its text, such as gb18030, if it is guessed wrongly.
    #[arg(long)]
    charset: Option<String>,
    /// What its columns hold, as JSON: `{"工号": "participant_id", "3": "phone", "备注": null}`.
    #[arg(long)]
    mapping: Option<String>,
    /// The sheet of a workbook; the first with data otherwise.
    #[arg(long)]
    sheet: Option<String>,
    /// Refuses people whose phone number or e-mail address cannot be used, instead of taking them without it.
    #[arg(long)]
    strict: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            // Nothing is left to do if even this cannot be written.
            let _ = writeln!(std::io::stderr(), "read-list: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Reads and writes; answers how many lines were refused.
fn run(arguments: &Arguments) -> anyhow::Result<usize> {
    let options = Options {
        charset: arguments.charset.as_deref().map(Charset::parse).transpose()?,
        country: arguments.country,
        mapping: arguments.mapping.as_deref().map(Mapping::parse).transpose()?.unwrap_or_default(),
        sheet: arguments.sheet.clone(),
        strict: arguments.strict,
        ..Options::default()
    };
    let name = arguments.list.display();
    let bytes = std::fs::read(&arguments.list).with_context(|| format!("cannot read {name}"))?;
    let List { rows, remarks, detected } = read(&bytes, options).with_context(|| name.to_string())?;

    let mut err = std::io::stderr().lock();
    writeln!(err, "{name}: {}", described(&detected))?;
    for remark in &remarks {
        writeln!(err, "  {remark}")?;
    }
    let (mut people, mut refused) = (Vec::new(), Vec::<Remark>::new());
    for row in rows {
        for warning in &row.warnings {
            writeln!(err, "  {warning}")?;
        }
        match row.person {
            Ok(person) => people.push(person),
            Err(remark) => {
                writeln!(err, "  refused: {remark}")?;
                refused.push(remark);
            }
        }
    }
    writeln!(err, "{} people, {} lines refused", people.len(), refused.len())?;
    write(&people).context("the CSV cannot be written")?;
    Ok(refused.len())
}

/// What was found out about the list, in one line.
fn described(detected: &Detected) -> String {
    let mut parts = Vec::new();
    parts.extend(detected.form.map(|form| format!("{form:?}").to_lowercase()));
    parts.extend(detected.sheet.as_ref().map(|sheet| format!("sheet {sheet}")));
    parts.extend(detected.encoding.map(|(name, certainty)| match certainty {
        Certainty::Guessed => format!("{name} (a guess)"),
        Certainty::Named | Certainty::Sure => name.to_owned(),
    }));
    parts.extend(detected.delimiter.map(|delimiter| format!("separated by {delimiter:?}")));
    parts.extend(detected.header_line.map(|line| format!("header on line {line}")));
    parts.extend(
        detected.columns.iter().filter_map(|column| Some(format!("{} is {}", column.header, column.field?))),
    );
    if detected.ids_made {
        parts.push("ids were made".to_owned());
    }
    parts.join(", ")
}

/// Writes the people with the columns that the list speaks of: an import changes nothing else.
fn write(people: &[ListPerson]) -> anyhow::Result<()> {
    type Cell = fn(&ListPerson) -> Given<String>;
    let columns: [(&str, Cell); 5] = [
        ("phone", |person| person.phone.as_ref().map(|phone| phone.as_str().to_owned())),
        ("email", |person| person.email.as_ref().map(|email| email.as_str().to_owned())),
        ("group", |person| person.group.as_ref().map(|group| group.as_str().to_owned())),
        ("tickets", |person| person.tickets.as_ref().map(|tickets| tickets.get().to_string())),
        ("excluded", |person| person.excluded.as_ref().map(|excluded| excluded.to_string())),
    ];
    let is_used = |(_, cell): &&(&str, Cell)| people.iter().any(|person| cell(person) != Given::Absent);
    let used: Vec<_> = columns.iter().filter(is_used).collect();
    let mut csv = csv::Writer::from_writer(std::io::stdout().lock());
    csv.write_record(["participant_id", "name"].into_iter().chain(used.iter().map(|(name, _)| *name)))?;
    for person in people {
        let known = [
            person.participant_id.as_str().to_owned(),
            person.name.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default(),
        ];
        let given = used.iter().map(|(_, cell)| cell(person).value().unwrap_or_default());
        csv.write_record(known.into_iter().chain(given))?;
    }
    csv.flush()?;
    Ok(())
}
