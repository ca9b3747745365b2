//! The files between the tasks: a batch of an uploaded list, a JSON object a line, in the order of the list.

use lottery::list::Remark;
use lottery::{Clearing, Field, ParticipantFields, ParticipantId, Record};
use lottery_store::UploadId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::TaskError;
use crate::upload::said;

/// Rows of one batch: a function imports them in seconds.
pub(crate) const ROWS: usize = 2_000;
/// Bytes of the cells of one refused row that are kept.
const MAX_CELL_BYTES: usize = 4 * 1024;

/// One line of a batch.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BatchLine {
    /// A person; fields that the list does not speak of are absent, those that it erases null.
    Person { line: u64, record: Value },
    /// A line that is refused already. The id, if it can be read, is on the list nevertheless.
    Refused { participant_id: Option<String>, remark: Value },
    /// What is to be known of a line.
    Warning { remark: Value },
}

impl BatchLine {
    pub(crate) fn person(line: u64, record: &Record) -> Self {
        Self::Person { line, record: to_json(record) }
    }

    pub(crate) fn refused(
        remark: &Remark,
        participant_id: Option<&ParticipantId>,
        cells: Vec<String>,
    ) -> Self {
        let mut said = said(remark);
        let bytes: usize = cells.iter().map(String::len).sum();
        if !cells.is_empty() && bytes <= MAX_CELL_BYTES {
            said["cells"] = json!(cells);
        }
        Self::Refused { participant_id: participant_id.map(ToString::to_string), remark: said }
    }

    pub(crate) fn warning(remark: &Remark) -> Self {
        Self::Warning { remark: said(remark) }
    }

    /// Adds the line to a file.
    pub(crate) fn write(&self, file: &mut Vec<u8>) {
        serde_json::to_writer(&mut *file, self).expect("a batch is texts and numbers");
        file.push(b'\n');
    }
}

/// The lines of a file.
pub(crate) fn read(file: &[u8]) -> Result<Vec<BatchLine>, TaskError> {
    let lines = file.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).map_err(|_| TaskError::ListLost)).collect()
}

/// The key of a batch's file.
pub(crate) fn batch_key(upload_id: &UploadId, batch: u32) -> String {
    format!("work/{upload_id}/{batch:06}.ndjson")
}

/// The key of what came of a batch's lines.
pub(crate) fn outcome_key(upload_id: &UploadId, batch: u32) -> String {
    format!("work/{upload_id}/{batch:06}.outcome.ndjson")
}

/// The key of the numbers of all batches.
pub(crate) fn manifest_key(upload_id: &UploadId) -> String {
    format!("work/{upload_id}/batches.json")
}

fn to_json(record: &Record) -> Value {
    fn set<T: Serialize>(members: &mut Map<String, Value>, name: &str, field: Field<T>) {
        match field {
            Field::Absent => None,
            Field::Clear => members.insert(name.to_owned(), Value::Null),
            Field::Given(value) => members.insert(name.to_owned(), json!(value)),
        };
    }
    fn text<T: ToString>(field: &Field<T>) -> Field<String> {
        match field {
            Field::Absent => Field::Absent,
            Field::Clear => Field::Clear,
            Field::Given(value) => Field::Given(value.to_string()),
        }
    }
    let mut members = Map::new();
    members.insert("participant_id".to_owned(), json!(record.participant_id.to_string()));
    set(&mut members, "name", text(&record.name));
    set(&mut members, "phone", text(&record.phone));
    set(&mut members, "email", text(&record.email));
    set(&mut members, "group", text(&record.group));
    let tickets = match &record.tickets {
        Field::Absent => Field::Absent,
        Field::Clear => Field::Clear,
        Field::Given(tickets) => Field::Given(tickets.get()),
    };
    set(&mut members, "tickets", tickets);
    set(&mut members, "excluded", record.excluded);
    Value::Object(members)
}

/// A person's record again.
pub(crate) fn record(value: Value) -> Result<Record, TaskError> {
    let fields = ParticipantFields::from_json(value).map_err(|_| TaskError::ListLost)?;
    Record::parse(&fields, &Clearing::Null).map_err(|_| TaskError::ListLost)
}

#[cfg(test)]
mod tests {
    use lottery::list::{self, ListSettings};

    use super::*;

    #[test]
    fn what_a_list_says_comes_through_a_file_unchanged() {
        let settings = ListSettings { clear: Some("-".to_owned()), ..ListSettings::default() };
        let csv = "id,name,phone,email,group,tickets,excluded\n1,Rose \"R\",+12025550101,rose@example.com,A,3,no\n2,张伟,-,-,-,-,-\n\
                   3,Ann,,,,,yes\n";
        let read_list = list::read(csv.as_bytes(), settings.options(None).unwrap()).unwrap();
        let records: Vec<Record> =
            read_list.rows.iter().map(|row| row.person.clone().unwrap().into()).collect();
        let mut file = Vec::new();
        for record in &records {
            BatchLine::person(2, record).write(&mut file);
        }
        let back = read(&file).unwrap().into_iter().map(|line| match line {
            BatchLine::Person { record: value, .. } => record(value).unwrap(),
            _ => unreachable!("only people were written"),
        });
        assert_eq!(back.collect::<Vec<_>>(), records);
        assert!(read(b"{").is_err());
    }
}
