//! Workbooks of one sheet, written row by row: what is written is in a temporary file, not in memory.

use std::io::{self, Write};

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use lottery::guard::unguarded;
use rust_xlsxwriter::{IgnoreError, Workbook, XlsxError};
use tokio::sync::mpsc;

use super::{Cell, clean};
use crate::error::ApiError;

/// The most rows of a sheet below its header.
pub(crate) const MAX_ROWS: u32 = 1_048_575;
/// A piece of the file on its way to the caller, in bytes.
const PIECE: usize = 64 * 1024;
/// So many pieces wait for the caller.
const PIECES: usize = 8;
/// The widths of the columns, in characters.
const WIDTH: f64 = 18.0;

/// A workbook on its way.
pub(crate) struct Sheet {
    workbook: Workbook,
    rows: u32,
}

impl Sheet {
    /// Begins a sheet with a header that stays in sight.
    pub(crate) fn new(columns: &[&str]) -> Result<Self, ApiError> {
        let mut workbook = Workbook::new();
        begin(&mut workbook, columns).map_err(ApiError::internal)?;
        Ok(Self { workbook, rows: 0 })
    }

    /// Adds a row. `false` if the sheet is full.
    pub(crate) fn push(&mut self, cells: &[Cell]) -> Result<bool, ApiError> {
        if self.rows == MAX_ROWS {
            return Ok(false);
        }
        self.rows += 1;
        self.write(cells).map_err(ApiError::internal)?;
        Ok(true)
    }

    fn write(&mut self, cells: &[Cell]) -> Result<(), XlsxError> {
        let sheet = self.workbook.worksheet_from_index(0)?;
        for (column, cell) in (0..).zip(cells) {
            match cell {
                Cell::Text(text) if text.is_empty() => {}
                Cell::Text(text) => drop(sheet.write_string(self.rows, column, typed(text))?),
                Cell::Number(number) => drop(sheet.write_number(self.rows, column, *number)?),
                Cell::Empty => {}
            }
        }
        Ok(())
    }

    /// The whole file in memory.
    pub(crate) async fn into_bytes(mut self) -> Result<Vec<u8>, ApiError> {
        let saved = tokio::task::spawn_blocking(move || self.workbook.save_to_buffer());
        saved.await.map_err(ApiError::internal)?.map_err(ApiError::internal)
    }

    /// The file as a body that is made while it is sent.
    pub(crate) fn into_body(mut self) -> Body {
        let (sender, receiver) = mpsc::channel(PIECES);
        tokio::task::spawn_blocking(move || {
            let mut pieces = Pieces { sender: sender.clone(), piece: Vec::with_capacity(PIECE) };
            let saved = self.workbook.save_to_writer(&mut pieces).map_err(io::Error::other);
            if let Err(error) = saved.and_then(|()| pieces.flush()) {
                tracing::warn!(%error, "a workbook was not sent to its end");
                // The caller learns that the file is not whole.
                let _ = sender.blocking_send(Err(error));
            }
        });
        Body::from_stream(stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|piece| (piece, receiver))
        }))
    }
}

fn begin(workbook: &mut Workbook, columns: &[&str]) -> Result<(), XlsxError> {
    let sheet = workbook.add_worksheet_with_constant_memory()?;
    sheet.set_freeze_panes(1, 0)?;
    for (column, name) in (0..).zip(columns) {
        sheet.set_column_width(column, WIDTH)?;
        // Ids and phone numbers are text on purpose.
        sheet.ignore_error_range(0, column, MAX_ROWS, column, IgnoreError::NumberStoredAsText)?;
        sheet.write_string(0, column, *name)?;
    }
    Ok(())
}

/// A text as a cell of type text has it. It is no formula whatever it begins with; but what the reader of lists would take
/// for the guard of a CSV is guarded.
fn typed(text: &str) -> String {
    let text = clean(text);
    let is_quoted_number = text.starts_with("=\"") && text.ends_with('"');
    if unguarded(&text) != text || is_quoted_number { format!("'{text}") } else { text.into_owned() }
}

/// Hands what is written on to the body, and waits while the caller is slower.
struct Pieces {
    sender: mpsc::Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "the caller has gone");
        self.sender.blocking_send(Ok(piece.into())).map_err(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cell_needs_a_guard_only_where_the_reader_would_take_one_off() {
        for (text, cell) in [
            ("=1+1", "=1+1"),
            ("+12025550101", "+12025550101"),
            ("'=1", "''=1"),
            ("=\"007\"", "'=\"007\""),
            ("'tis", "'tis"),
        ] {
            assert_eq!(typed(text), cell);
        }
    }
}
