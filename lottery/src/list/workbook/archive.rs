//! The archive around a workbook: what it is, and how much it unpacks to.

use std::io::{self, Cursor, Read};

use zip::ZipArchive;

use super::super::ListRemark;
use super::super::limits::{MAX_ARCHIVE_PARTS, MAX_UNPACKED_BYTES};

/// The workbooks that are archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Xlsx,
    Ods,
}

pub(super) fn open(bytes: &[u8]) -> Result<ZipArchive<Cursor<&[u8]>>, ListRemark> {
    ZipArchive::new(Cursor::new(bytes)).map_err(|_| ListRemark::WorkbookBroken)
}

/// Says what kind of workbook the archive is. Every part is unpacked to nowhere, and its bytes are counted: what the archive
/// says about its parts is not trusted.
pub(super) fn check(bytes: &[u8]) -> Result<Kind, ListRemark> {
    let mut archive = open(bytes)?;
    if archive.len() > MAX_ARCHIVE_PARTS {
        return Err(ListRemark::WorkbookUnpacksTooLarge { most: MAX_UNPACKED_BYTES });
    }
    let kind = kind(&archive)?;
    let mut unpacked = 0;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|_| ListRemark::WorkbookBroken)?;
        let mut rest = part.take(MAX_UNPACKED_BYTES + 1 - unpacked);
        unpacked += io::copy(&mut rest, &mut io::sink()).map_err(|_| ListRemark::WorkbookBroken)?;
        if unpacked > MAX_UNPACKED_BYTES {
            return Err(ListRemark::WorkbookUnpacksTooLarge { most: MAX_UNPACKED_BYTES });
        }
    }
    Ok(kind)
}

fn kind(archive: &ZipArchive<Cursor<&[u8]>>) -> Result<Kind, ListRemark> {
    let names: Vec<String> = archive.file_names().flatten().map(|name| name.to_ascii_lowercase()).collect();
    let has = |start: &str| names.iter().any(|name| name.starts_with(start));
    let wrong = |kind| Err(ListRemark::WrongKind { kind });
    if has("xl/workbook.bin") {
        wrong("a binary workbook (.xlsb)")
    } else if has("xl/") {
        Ok(Kind::Xlsx)
    } else if has("content.xml") && has("meta-inf/") {
        Ok(Kind::Ods)
    } else if has("word/") {
        wrong("a Word document")
    } else if has("ppt/") {
        wrong("a presentation")
    } else if has("index/") {
        wrong("a document of Apple's Numbers or Pages")
    } else {
        wrong("a compressed archive")
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in parts {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn archives_are_told_by_what_they_hold() {
        let wrong = |kind| Err(ListRemark::WrongKind { kind });
        for (name, kind) in [
            ("xl/workbook.xml", Ok(Kind::Xlsx)),
            ("xl/workbook.bin", wrong("a binary workbook (.xlsb)")),
            ("word/document.xml", wrong("a Word document")),
            ("list.csv", wrong("a compressed archive")),
        ] {
            assert_eq!(check(&archive(&[(name, b"")])), kind, "{name}");
        }
        assert_eq!(check(b"PK\x03\x04 and nothing else"), Err(ListRemark::WorkbookBroken));
    }

    #[test]
    fn an_archive_that_unpacks_without_end_is_refused() {
        let zeros = vec![b' '; 64 * 1024 * 1024];
        let parts: Vec<(String, &[u8])> = (0..5).map(|n| (format!("xl/{n}.xml"), zeros.as_slice())).collect();
        let parts: Vec<(&str, &[u8])> =
            parts.iter().map(|(name, content)| (name.as_str(), *content)).collect();
        let bomb = archive(&parts);
        assert!(bomb.len() < 1024 * 1024, "{}", bomb.len());
        assert_eq!(check(&bomb), Err(ListRemark::WorkbookUnpacksTooLarge { most: MAX_UNPACKED_BYTES }));
    }
}
