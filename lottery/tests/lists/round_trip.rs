//! Any list, written in any encoding and form, is read back the same.

use encoding_rs::{BIG5, Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use lottery::list::{Batch, Options, Reader};
use proptest::prelude::*;
use rust_xlsxwriter::Workbook;

use super::support::*;

/// Names that each of the encodings has, three at least, so that a guess has something to go by.
fn names_of(encoding: &'static Encoding) -> &'static [&'static str] {
    if encoding == BIG5 {
        &["陳怡君", "林志明", "黃雅婷", "張家豪", "李淑芬", "王建國", "Rose Tyler", "范姜素貞"]
    } else if encoding == WINDOWS_1252 {
        &["José García", "Zoë", "François Müller", "Åsa", "Rose Tyler", "Señora Peña", "Björn Weiß"]
    } else {
        &["张伟", "李娜", "王芳", "赵敏", "欧阳娜娜", "古丽·买买提", "Rose Tyler", "陈喆", "慕容雪"]
    }
}

#[derive(Debug, Clone)]
struct Written {
    encoding: &'static Encoding,
    has_mark: bool,
    people: Vec<(String, String)>,
    delimiter: char,
    newline: &'static str,
    title: bool,
    chinese_header: bool,
}

fn written() -> impl Strategy<Value = Written> {
    let encodings = prop::sample::select(vec![UTF_8, UTF_16LE, UTF_16BE, GB18030, BIG5, WINDOWS_1252]);
    encodings
        .prop_flat_map(|encoding| {
            let name = prop::sample::select(names_of(encoding).to_vec());
            let note = prop::sample::select(vec!["", "a", "x, y", "say \"hi\"", "1;2", "t\tt"]);
            (
                Just(encoding),
                any::<bool>(),
                prop::collection::vec((name, note), 3..40),
                prop::sample::select(vec![',', ';', '\t', '|']),
                prop::sample::select(vec!["\n", "\r\n", "\r"]),
                any::<bool>(),
                any::<bool>(),
            )
        })
        .prop_map(|(encoding, has_mark, people, delimiter, newline, title, chinese_header)| Written {
            encoding,
            has_mark,
            people: people.into_iter().map(|(name, note)| (name.to_owned(), note.to_owned())).collect(),
            delimiter,
            newline,
            title,
            chinese_header,
        })
        // A list of ASCII in another encoding than UTF-8 is one in UTF-8.
        .prop_filter("needs three names of the script", |written| {
            written.people.iter().filter(|(name, _)| !name.is_ascii()).count() >= 3
        })
}

impl Written {
    fn headers(&self) -> [&'static str; 3] {
        let traditional = self.encoding == BIG5;
        match self.chinese_header && self.encoding != WINDOWS_1252 {
            true if traditional => ["編號", "姓名", "備註"],
            true => ["工号", "姓名", "备注"],
            false => ["ID", "Full Name", "Notes"],
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let quoted = |field: &str| {
            let needs_quotes = field.contains([',', ';', '\t', '|', '"']);
            if needs_quotes { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.to_owned() }
        };
        let mut lines = Vec::new();
        if self.title {
            lines.push("2026".to_owned());
            lines.push(String::new());
        }
        let delimiter = self.delimiter.to_string();
        lines.push(self.headers().join(&delimiter));
        for (number, (name, note)) in self.people.iter().enumerate() {
            lines.push([format!("{:03}", number + 1), quoted(name), quoted(note)].join(&delimiter));
        }
        let mark = if self.has_mark
            && self.encoding != GB18030
            && self.encoding != BIG5
            && self.encoding != WINDOWS_1252
        {
            "\u{feff}"
        } else {
            ""
        };
        encode(self.encoding, &format!("{mark}{}{}", lines.join(self.newline), self.newline)).unwrap()
    }

    fn expected(&self) -> Vec<String> {
        self.people
            .iter()
            .enumerate()
            .map(|(number, (name, _))| format!("{:03} {name}", number + 1))
            .collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_list_is_read_as_it_was_written(written in written(), size in 1_usize..200) {
        let bytes = written.bytes();
        let list = list(&bytes, Options::default());
        prop_assert_eq!(people(&list), written.expected());
        prop_assert_eq!(list.detected.delimiter, Some(written.delimiter));
        // In pieces of any size it is the same list.
        let (mut reader, mut batch) = (Reader::new(Options::default()), Batch::default());
        for piece in bytes.chunks(size) {
            reader.push(piece, &mut batch).unwrap();
        }
        reader.finish(&mut batch).unwrap();
        prop_assert_eq!(&batch.rows, &list.rows);
        prop_assert_eq!(&batch.remarks, &list.remarks);
    }

    #[test]
    fn a_workbook_and_json_say_the_same_as_the_text(written in written()) {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        let mut objects = Vec::new();
        let [id, name, note] = written.headers();
        for (column, header) in [id, name, note].into_iter().enumerate() {
            sheet.write(0, column as u16, header).unwrap();
        }
        for (number, (person, remark)) in written.people.iter().enumerate() {
            let participant_id = format!("{:03}", number + 1);
            sheet.write(number as u32 + 1, 0, &participant_id).unwrap();
            sheet.write(number as u32 + 1, 1, person).unwrap();
            sheet.write(number as u32 + 1, 2, remark).unwrap();
            objects.push(serde_json::json!({ id: participant_id, name: person, note: remark }));
        }
        let workbook = list(workbook.save_to_buffer().unwrap(), Options::default());
        prop_assert_eq!(people(&workbook), written.expected());
        let lines: Vec<_> = objects.iter().map(ToString::to_string).collect();
        prop_assert_eq!(people(&list(lines.join("\n"), Options::default())), written.expected());
        let array = serde_json::to_string_pretty(&objects).unwrap();
        prop_assert_eq!(people(&list(array, Options::default())), written.expected());
    }
}
