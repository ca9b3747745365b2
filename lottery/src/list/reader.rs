//! From bytes to rows, as they arrive.

use std::collections::HashSet;

use super::cell::{Cell, RawRow};
use super::columns::Columns;
use super::delimited::Delimited;
use super::encoding::Text;
use super::ids::{self, Ids};
use super::json::{Json, JsonRow};
use super::limits::MAX_WORKBOOK_BYTES;
use super::ndjson::Ndjson;
use super::person::{self, Fields, Manner};
use super::sniff::{SAMPLE, Shape, shape};
use super::table::{Read, Table};
use super::words::Field;
use super::workbook::{self, Binary, MAGIC};
use super::{Batch, Detected, Form, ListRemark, Options, Remark, Row, Why};
use crate::Refusal;

/// Reads one list.
pub struct Reader {
    options: Options,
    stage: Stage,
    table: Table,
    ids: Ids,
    form: Option<Form>,
    sheet: Option<String>,
    objects: Objects,
    encoding: Option<Text>,
    ids_made: bool,
}

enum Stage {
    /// The first bytes, until they tell what the body is.
    Start(Vec<u8>),
    Workbook(Vec<u8>, Binary),
    /// Text whose form is not known yet.
    Sample(String),
    Fields(Box<Delimited>),
    Json(Box<Json>),
    Ndjson(Box<Ndjson>),
    Ended,
}

/// The members of JSON objects, by which their fields are found.
#[derive(Default)]
struct Objects {
    /// The names of the last object's members, and what they are taken for.
    last: Option<(Vec<String>, Columns)>,
    /// Members that are no fields and were reported already.
    kept_out: HashSet<String>,
    /// Whether an object had an id.
    has_ids: bool,
}

/// Members that are named to people when they are kept out; there may be any number.
const MAX_KEPT_OUT: usize = 100;

impl Reader {
    /// Begins to read.
    pub fn new(options: Options) -> Self {
        let manner = Manner {
            country: options.country,
            is_strict: options.strict,
            encoding: "UTF-8",
            has_cells: false,
            clear: options.clear.clone(),
        };
        Self {
            table: Table::new(options.mapping.clone(), options.header_row, manner),
            encoding: None,
            stage: Stage::Start(Vec::new()),
            ids: Ids::new(options.shown_rows),
            form: None,
            sheet: None,
            objects: Objects::default(),
            ids_made: false,
            options,
        }
    }

    /// Takes the next bytes, and adds the rows that they complete. The error says why the list cannot be read any further.
    pub fn push(&mut self, bytes: &[u8], batch: &mut Batch) -> Result<(), Remark> {
        match &mut self.stage {
            Stage::Start(start) => {
                start.extend_from_slice(bytes);
                if start.len() < MAGIC { Ok(()) } else { self.begin(batch) }
            }
            Stage::Workbook(workbook, _) => {
                if workbook.len() + bytes.len() > MAX_WORKBOOK_BYTES {
                    return Err(Remark::of_line(
                        1,
                        ListRemark::WorkbookTooLarge { most: MAX_WORKBOOK_BYTES },
                    ));
                }
                workbook.extend_from_slice(bytes);
                Ok(())
            }
            Stage::Ended => Ok(()),
            _ => {
                // A piece may be as large as the whole body; its text should not be held at once.
                bytes.chunks(64 * 1024).try_for_each(|piece| self.push_text(piece, batch))
            }
        }
    }

    /// The list has ended: adds what is left.
    pub fn finish(&mut self, batch: &mut Batch) -> Result<(), Remark> {
        if matches!(self.stage, Stage::Start(_)) {
            self.begin(batch)?;
        }
        if let Stage::Workbook(bytes, binary) = &mut self.stage {
            let (bytes, binary) = (std::mem::take(bytes), *binary);
            self.stage = Stage::Ended;
            self.read_workbook(&bytes, binary, batch)?;
        } else {
            let mut text = String::new();
            if let Some(decoder) = &mut self.encoding {
                decoder.finish(&mut text).map_err(|why| Remark::of_line(1, why))?;
            }
            self.push_decoded(&text, batch)?;
            if matches!(self.stage, Stage::Sample(_)) {
                self.choose_shape(batch)?;
            }
            self.finish_text(batch)?;
        }
        let made = batch.rows.len();
        self.ids.finish(&mut batch.rows);
        self.ids_made |= batch.rows.len() > made;
        Ok(())
    }

    /// What was found out about the list so far.
    pub fn detected(&self) -> Detected {
        let columns = match &self.objects.last {
            Some((_, columns)) => Some(columns),
            None => self.table.columns(),
        };
        let form = match (self.form, self.table.columns(), self.table.header_line()) {
            (Some(Form::Csv), Some(_), None) if self.options.mapping.is_empty() => Some(Form::Names),
            (form, ..) => form,
        };
        Detected {
            form,
            encoding: self.encoding.as_ref().map(|text| {
                let (charset, certainty) = text.encoding();
                (charset.name(), certainty)
            }),
            delimiter: match &self.stage {
                Stage::Fields(fields) => Some(fields.delimiter()),
                _ => None,
            },
            sheet: self.sheet.clone(),
            header_line: self.table.header_line(),
            columns: columns.map(|columns| columns.read.clone()).unwrap_or_default(),
            ids_made: self.ids_made,
        }
    }

    fn begin(&mut self, batch: &mut Batch) -> Result<(), Remark> {
        let Stage::Start(start) = &mut self.stage else { return Ok(()) };
        let start = std::mem::take(start);
        if let Some(binary) = Binary::of(&start) {
            if let Binary::Other(kind) = binary {
                return Err(Remark::of_line(1, ListRemark::WrongKind { kind }));
            }
            self.stage = Stage::Workbook(Vec::new(), binary);
        } else {
            self.stage = Stage::Sample(String::new());
            self.encoding = Some(Text::new(self.options.charset, self.options.country));
        }
        self.push(&start, batch)
    }

    fn push_text(&mut self, bytes: &[u8], batch: &mut Batch) -> Result<(), Remark> {
        let mut text = String::new();
        if let Some(decoder) = &mut self.encoding {
            decoder.push(bytes, &mut text).map_err(|why| Remark::of_line(1, why))?;
        }
        self.push_decoded(&text, batch)
    }

    fn push_decoded(&mut self, text: &str, batch: &mut Batch) -> Result<(), Remark> {
        if let Stage::Sample(sample) = &mut self.stage {
            sample.push_str(text);
            if sample.len() < SAMPLE {
                return Ok(());
            }
            return self.choose_shape(batch);
        }
        self.read_text(text, batch)
    }

    fn choose_shape(&mut self, batch: &mut Batch) -> Result<(), Remark> {
        let Stage::Sample(sample) = &mut self.stage else { return Ok(()) };
        let sample = std::mem::take(sample);
        if sample.chars().all(|c| c.is_whitespace() || crate::text::is_ignorable(c)) {
            return Err(Remark::of_line(1, ListRemark::Empty));
        }
        if let Some(encoding) = &self.encoding {
            self.table.set_encoding(encoding.encoding().0.name());
        }
        let mut rest = sample.as_str();
        let found = shape(&sample, &self.options.mapping).map_err(|why| Remark::of_line(1, why))?;
        match found {
            Shape::Fields { delimiter, skip, lines } => {
                rest = &sample[skip..];
                self.form = Some(Form::Csv);
                self.stage = Stage::Fields(Box::new(Delimited::new(delimiter, lines + 1)));
            }
            Shape::Json => {
                self.form = Some(Form::Json);
                self.stage = Stage::Json(Box::default());
            }
            Shape::Ndjson => {
                self.form = Some(Form::Ndjson);
                self.stage = Stage::Ndjson(Box::default());
            }
        }
        self.read_text(rest, batch)
    }

    fn read_text(&mut self, text: &str, batch: &mut Batch) -> Result<(), Remark> {
        let (mut rows, mut objects) = (Vec::new(), Vec::new());
        match &mut self.stage {
            Stage::Fields(fields) => {
                if let Some(encoding) = &self.encoding {
                    self.table.set_encoding(encoding.encoding().0.name());
                }
                // The header decides how many fields a record has: until it is known, line by line.
                if self.table.width().is_none() {
                    for line in text.split_inclusive('\n') {
                        if let (None, Some(width)) = (fields.width(), self.table.width()) {
                            fields.set_width(width);
                        }
                        fields.push(line, &mut rows);
                        Self::read_rows(&mut self.table, &mut self.ids, std::mem::take(&mut rows), batch)?;
                    }
                    if let Some(width) = self.table.width() {
                        fields.set_width(width);
                    }
                    return Ok(());
                }
                fields.push(text, &mut rows);
            }
            Stage::Json(json) => json.push(text.as_bytes(), &mut objects)?,
            Stage::Ndjson(ndjson) => ndjson.push(text.as_bytes(), &mut objects),
            _ => {}
        }
        Self::read_rows(&mut self.table, &mut self.ids, rows, batch)?;
        self.read_objects(objects, batch)
    }

    fn finish_text(&mut self, batch: &mut Batch) -> Result<(), Remark> {
        let (mut rows, mut objects) = (Vec::new(), Vec::new());
        let is_table = match &mut self.stage {
            Stage::Fields(fields) => {
                fields.finish(&mut rows);
                true
            }
            Stage::Json(json) => {
                json.finish(&mut objects)?;
                false
            }
            Stage::Ndjson(ndjson) => {
                ndjson.finish(&mut objects);
                false
            }
            _ => false,
        };
        Self::read_rows(&mut self.table, &mut self.ids, rows, batch)?;
        self.read_objects(objects, batch)?;
        if is_table {
            let mut read = Vec::new();
            self.table.finish(&mut read, &mut batch.remarks)?;
            Self::take(&mut self.ids, read, batch)?;
        }
        Ok(())
    }

    fn read_workbook(&mut self, bytes: &[u8], binary: Binary, batch: &mut Batch) -> Result<(), Remark> {
        let sheet = workbook::read(bytes, binary, self.options.sheet.as_deref());
        let sheet = sheet.map_err(|why| Remark::of_line(1, why))?;
        self.form = match sheet.kind {
            "xls" => Some(Form::Xls),
            "ods" => Some(Form::Ods),
            _ => Some(Form::Xlsx),
        };
        self.sheet = Some(sheet.name);
        self.table.set_cells();
        batch.remarks.extend(sheet.remarks.into_iter().map(|why| Remark::of_line(1, why)));
        Self::read_rows(&mut self.table, &mut self.ids, sheet.rows, batch)?;
        let mut read = Vec::new();
        self.table.finish(&mut read, &mut batch.remarks)?;
        Self::take(&mut self.ids, read, batch)
    }

    fn read_rows(
        table: &mut Table,
        ids: &mut Ids,
        rows: Vec<RawRow>,
        batch: &mut Batch,
    ) -> Result<(), Remark> {
        let mut read = Vec::new();
        for row in rows {
            table.push(row, &mut read, &mut batch.remarks)?;
            Self::take(ids, std::mem::take(&mut read), batch)?;
        }
        Ok(())
    }

    fn take(ids: &mut Ids, read: Vec<Read>, batch: &mut Batch) -> Result<(), Remark> {
        for Read { line, draft, warnings, participant_id, cells } in read {
            match draft {
                Ok(draft) => batch.rows.extend(ids.take(line, draft, warnings, &cells)?),
                Err(remark) => batch.rows.push(Row {
                    line,
                    person: Err(remark),
                    warnings: Vec::new(),
                    participant_id,
                    cells: ids::shown(&cells),
                }),
            }
        }
        Ok(())
    }

    fn read_objects(&mut self, objects: Vec<JsonRow>, batch: &mut Batch) -> Result<(), Remark> {
        for JsonRow { line, members } in objects {
            let mut read = Read {
                line,
                draft: Err(Remark::of_line(line, ListRemark::Empty)),
                warnings: Vec::new(),
                participant_id: None,
                cells: Vec::new(),
            };
            match members {
                Err(why) => read.draft = Err(Remark::of_line(line, why)),
                Ok(members) => self.read_object(members, &mut read, batch),
            }
            Self::take(&mut self.ids, vec![read], batch)?;
        }
        Ok(())
    }

    fn read_object(&mut self, members: Vec<(String, Cell)>, read: &mut Read, batch: &mut Batch) {
        let line = read.line;
        let (names, cells): (Vec<String>, Vec<Cell>) = members.into_iter().unzip();
        if let Err(remark) = self.note_members(line, names, batch) {
            read.draft = Err(remark);
            return;
        }
        let Some((_, columns)) = &self.objects.last else { return };
        let fields = Fields { line, cells: &cells, columns };
        if columns.at(Field::ParticipantId).is_none() && self.objects.has_ids {
            read.draft = Err(Remark::of_field(line, "participant_id", Refusal::Missing));
            return;
        }
        read.draft = person::read(&fields, self.table.manner(), &mut read.warnings);
        match &read.draft {
            Ok(draft) => self.objects.has_ids |= draft.participant_id.is_some(),
            Err(_) => read.participant_id = person::id_of(&fields, self.table.manner()),
        }
    }

    /// Finds out what the members of an object hold, unless the object before it had the same.
    fn note_members(&mut self, line: u64, names: Vec<String>, batch: &mut Batch) -> Result<(), Remark> {
        if self.objects.last.as_ref().is_some_and(|(last, _)| *last == names) {
            return Ok(());
        }
        let header: Vec<Cell> = names.iter().map(|name| Cell::text(name.as_str())).collect();
        let columns = Columns::of_object(&header, &self.options.mapping).map_err(|why| match why {
            ListRemark::NameColumnMissing => Remark::of_field(line, "name", Why::from(Refusal::Missing)),
            why => Remark::of_line(line, why),
        })?;
        self.tell_kept_out(line, &columns, batch);
        self.objects.last = Some((names, columns));
        Ok(())
    }

    fn tell_kept_out(&mut self, line: u64, columns: &Columns, batch: &mut Batch) {
        let new: Vec<String> = columns
            .not_understood()
            .map(str::to_owned)
            .filter(|name| {
                self.objects.kept_out.len() < MAX_KEPT_OUT && self.objects.kept_out.insert(name.clone())
            })
            .collect();
        if !new.is_empty() {
            let columns = new.join(", ");
            batch.remarks.push(Remark::of_line(line, ListRemark::ColumnsKeptOut { columns }));
        }
    }
}
