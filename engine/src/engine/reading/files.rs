//! Items in many objects, which a listing or a manifest names: one object is read after another, each as if it were alone.

use std::sync::Arc;

use super::{Open, Piece, Source, csv, parsed};
use crate::data::{Json, Object};
use crate::execution::Page;
use crate::state::{Files, Format};

/// The longest manifest.
const MAX_MANIFEST: u64 = 16 * 1024 * 1024;

/// Where to go on.
struct Position {
    /// The number of the file, of a manifest or of a page of the listing.
    number: u64,
    /// The page of the listing, or the ETag of the manifest.
    list: Option<Json>,
    /// The file that is being read, and where.
    file: Option<(File, Json)>,
}

/// An object with items.
struct File {
    bucket: String,
    key: String,
    /// The names of its columns, where the manifest has them.
    columns: Option<Json>,
}

impl Source<'_> {
    /// A page of one of the files.
    pub(super) async fn files(
        &mut self,
        files: Files,
        format: &Format,
        position: Option<&Json>,
    ) -> Result<Page, String> {
        let mut at = Position::of(position);
        loop {
            let (file, inner) = match at.file.take() {
                Some((file, inner)) => (file, Some(inner)),
                None => match self.file(files, &mut at).await? {
                    Some(file) => (file, None),
                    None => return Ok(Page { items: Vec::new(), position: at.stored(None), is_last: true }),
                },
            };
            let format = with_columns(format, file.columns.as_ref());
            let mut parameters = self.parameters.as_object().cloned().unwrap_or_default();
            for other in ["Prefix", "VersionId", "MaxKeys", "StartAfter", "Delimiter"] {
                parameters.remove(other);
            }
            parameters.insert("Bucket", Json::string(file.bucket.as_str()));
            parameters.insert("Key", Json::string(file.key.as_str()));
            let open = std::mem::take(&mut self.open);
            let mut source =
                Source::new(self.engine, self.active, Json::from(parameters), inner.as_ref(), open);
            let page = Box::pin(source.page(&format, inner.as_ref())).await;
            let Page { items, position, is_last } =
                page.map_err(|fault| format!("{}/{}: {fault}", file.bucket, file.key))?;
            self.open = if is_last { Open::default() } else { source.open };
            let location = format!("S3://{}/{}", file.bucket, file.key);
            match is_last {
                true => at.number += 1,
                false => at.file = Some((file, position)),
            }
            if !items.is_empty() {
                return Ok(Page { items, position: at.stored(Some(&location)), is_last: false });
            }
        }
    }

    /// The file at this position; none if there are no more.
    async fn file(&mut self, files: Files, at: &mut Position) -> Result<Option<File>, String> {
        match files {
            Files::Listing => self.listed_file(at).await,
            Files::Inventory => {
                let manifest = parsed(&self.manifest(at).await?)?;
                inventory_file(&manifest, at.number)
            }
            Files::Athena => {
                let manifest = self.manifest(at).await?;
                athena_file(&manifest, at.number)
            }
        }
    }

    async fn listed_file(&mut self, at: &mut Position) -> Result<Option<File>, String> {
        loop {
            let token = at.list.as_ref().and_then(Json::as_str).map(str::to_owned);
            let answer = self.list(token).await?;
            let contents = answer.get("Contents").and_then(Json::as_array).unwrap_or_default();
            let first = usize::try_from(at.number).unwrap_or(usize::MAX).min(contents.len());
            let is_file = |content: &&Json| content.get("Size").and_then(Json::as_u64) != Some(0);
            if let Some(content) = contents[first..].iter().find(is_file) {
                at.number =
                    contents.iter().position(|one| std::ptr::eq(one, content)).unwrap_or(first) as u64;
                let text = |json: Option<&Json>| json.and_then(Json::as_str).unwrap_or_default().to_owned();
                let bucket = text(self.parameters.get("Bucket"));
                return Ok(Some(File { bucket, key: text(content.get("Key")), columns: None }));
            }
            match answer.get("NextContinuationToken") {
                Some(token) => (at.list, at.number) = (Some(token.clone()), 0),
                None => return Ok(None),
            }
        }
    }

    /// The whole manifest, the same one each time.
    async fn manifest(&mut self, at: &mut Position) -> Result<Vec<u8>, String> {
        self.etag = at.list.as_ref().and_then(Json::as_str).map(str::to_owned);
        let Piece { bytes, is_end } = self.piece(0, MAX_MANIFEST).await?;
        if !is_end {
            return Err(format!("The manifest is longer than {MAX_MANIFEST} bytes"));
        }
        at.list = self.etag.as_deref().map(Json::string);
        Ok(bytes)
    }
}

impl Position {
    fn of(stored: Option<&Json>) -> Position {
        let text = |name: &str| Some(stored?.get(name)?.as_str()?.to_owned());
        let file = || {
            let file =
                File { bucket: text("Bucket")?, key: text("Key")?, columns: stored?.get("Columns").cloned() };
            Some((file, stored?.get("In")?.clone()))
        };
        Position {
            number: stored.and_then(|stored| stored.get("File")?.as_u64()).unwrap_or(0),
            list: stored.and_then(|stored| stored.get("List").cloned()),
            file: file(),
        }
    }

    /// As it is stored; `source` is where the items of the page come from.
    fn stored(&self, source: Option<&str>) -> Json {
        let mut stored = Object::with_capacity(7);
        stored.insert("File", Json::from(self.number));
        if let Some(list) = &self.list {
            stored.insert("List", list.clone());
        }
        if let Some(source) = source {
            stored.insert("Source", Json::string(source));
        }
        if let Some((file, position)) = &self.file {
            stored.insert("Bucket", Json::string(file.bucket.as_str()));
            stored.insert("Key", Json::string(file.key.as_str()));
            stored.insert("In", position.clone());
            if let Some(columns) = &file.columns {
                stored.insert("Columns", columns.clone());
            }
        }
        Json::from(stored)
    }
}

/// The format of a file whose columns the manifest names.
fn with_columns(format: &Format, columns: Option<&Json>) -> Format {
    let names = columns.and_then(Json::as_array).map(|names| {
        names.iter().filter_map(|name| Some(Arc::from(name.as_str()?))).collect::<Vec<Arc<str>>>()
    });
    match format {
        Format::Inventory { headers, first_row, delimiter } => Format::Csv {
            headers: if *first_row { None } else { headers.clone().or(names) },
            delimiter: *delimiter,
        },
        other => other.clone(),
    }
}

/// A data file of an inventory of S3.
fn inventory_file(manifest: &Json, number: u64) -> Result<Option<File>, String> {
    let text = |name: &str| manifest.get(name).and_then(Json::as_str);
    let files = manifest.get("files").and_then(Json::as_array);
    let (Some(files), Some(schema), Some(bucket)) = (files, text("fileSchema"), text("destinationBucket"))
    else {
        return Err(
            "The manifest is none of an S3 inventory: it has no destinationBucket, fileSchema and files"
                .to_owned(),
        );
    };
    if text("fileFormat") != Some("CSV") {
        return Err("The data files of an S3 inventory must be CSV".to_owned());
    }
    let Some(file) = usize::try_from(number).ok().and_then(|number| files.get(number)) else {
        return Ok(None);
    };
    let key = file.get("key").and_then(Json::as_str).ok_or("The manifest has a file without a key")?;
    Ok(Some(File {
        bucket: bucket.rsplit(':').next().unwrap_or_default().to_owned(),
        key: key.to_owned(),
        columns: Some(Json::array(schema.split(',').map(|name| Json::string(name.trim())))),
    }))
}

/// A data file that a query of Athena has unloaded: `s3://BUCKET/KEY`, one a row.
fn athena_file(manifest: &[u8], number: u64) -> Result<Option<File>, String> {
    let (mut at, mut left) = (0, number);
    while let Some((fields, used)) = csv::row(&manifest[at..], b',', true) {
        at += used;
        if csv::is_blank(&fields) {
            continue;
        }
        if left > 0 {
            left -= 1;
            continue;
        }
        let location = fields.first().map(String::as_str).unwrap_or_default();
        let place = location.strip_prefix("s3://").and_then(|place| place.split_once('/'));
        let (bucket, key) =
            place.ok_or_else(|| format!("The manifest names {location:?}, which is no object of S3"))?;
        return Ok(Some(File { bucket: bucket.to_owned(), key: key.to_owned(), columns: None }));
    }
    Ok(None)
}
