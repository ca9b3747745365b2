//! How much a list may hold: what bounds the memory and the time that reading takes.

/// A record of a CSV, a line of NDJSON or an element of a JSON array, in bytes of UTF-8. A quotation mark that is never
/// closed must not take the rest of the file with it.
pub const MAX_RECORD_BYTES: usize = 16 * 1024;

/// What is held before the encoding is decided: so many bytes from the first one that is not ASCII.
pub const MAX_SNIFFED_BYTES: usize = 256 * 1024;

/// Rows that are not blank in which the header is looked for: a title, a date, a remark may stand above it.
pub const MAX_ROWS_ABOVE_HEADER: usize = 20;

/// Columns of a list; a row with more of them is refused.
pub const MAX_COLUMNS: usize = 256;

/// Rows of one list. The ids of a list are compared with each other: 24 bytes a row.
pub const MAX_ROWS: usize = 2_000_000;

/// Rows of a list without a column of ids: they are held until the list has ended, for the ids are made from all of them.
pub const MAX_ROWS_WITHOUT_IDS: usize = 200_000;

/// Rows that are compared for likely doubles; those behind them are not.
pub const MAX_ROWS_COMPARED: usize = 200_000;

/// Remarks listed in full; further ones are counted by code.
pub const MAX_REMARKS: usize = 1_000;

/// The bytes of a workbook as it arrives: it is held as a whole.
pub const MAX_WORKBOOK_BYTES: usize = 32 * 1024 * 1024;

/// The bytes of all parts of a workbook after unpacking, counted while unpacking and not taken from what the archive says.
pub const MAX_UNPACKED_BYTES: u64 = 256 * 1024 * 1024;

/// The parts of the archive around a workbook.
pub const MAX_ARCHIVE_PARTS: usize = 2_000;

/// Rows of a sheet that hold something.
pub const MAX_WORKBOOK_ROWS: usize = 250_000;

/// Cells of a workbook: of an .xlsx those that hold something, of an .xls or .ods those of the rectangles around them, for
/// these are built in memory at 24 bytes a cell.
pub const MAX_WORKBOOK_CELLS: u64 = 5_000_000;

/// The bytes of a file that is uploaded, and read as it arrives.
pub const MAX_FILE_BYTES: u64 = 512 * 1024 * 1024;
