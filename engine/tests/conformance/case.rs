//! The recorded cases.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// One recorded fact, and its file below `cases`.
pub(crate) struct Case(pub(crate) Value, String);

impl Case {
    /// The file of this case, such as `timeouts/heartbeat_path_timeout.json`.
    pub(crate) fn file(&self) -> &str {
        &self.1
    }

    pub(crate) fn id(&self) -> &str {
        let id = self.text("id");
        id.split_once("/v2/").map_or(id, |(_, rest)| rest)
    }

    pub(crate) fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_default()
    }

    pub(crate) fn needs(&self) -> Vec<&str> {
        self.0["needs"]
            .as_array()
            .map_or(Vec::new(), |needs| needs.iter().filter_map(Value::as_str).collect())
    }

    pub(crate) fn has_feature(&self, name: &str) -> bool {
        self.0["features"].as_array().is_some_and(|features| features.iter().any(|feature| feature == name))
    }

    /// Whether the recorded history has an event of this type.
    pub(crate) fn has_event(&self, kind: &str) -> bool {
        self.expect()["history"]
            .as_array()
            .is_some_and(|events| events.iter().any(|event| event["type"] == kind))
    }

    pub(crate) fn expect(&self) -> &Value {
        &self.0["expect"]
    }

    /// The text of the definition as it was handed over.
    pub(crate) fn definition(&self) -> String {
        match &self.0["definition"] {
            Value::String(text) => text.clone(),
            definition => definition.to_string(),
        }
    }

    pub(crate) fn machine_type(&self) -> &str {
        self.0["type"].as_str().unwrap_or("STANDARD")
    }

    /// The recorded history, where there is a whole one.
    pub(crate) fn history(&self) -> Option<&Vec<Value>> {
        if self.0["history_lossy"] == true {
            return None;
        }
        self.expect()["history"].as_array()
    }
}

/// All cases, in the order of their files.
pub(crate) fn all() -> Vec<Case> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/cases");
    let mut files: Vec<PathBuf> = entries(&folder).flat_map(|group| entries(&group)).collect();
    files.sort();
    let read = |file: PathBuf| {
        let case = serde_json::from_str(&std::fs::read_to_string(&file).unwrap());
        let case = case.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Case(case, file.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned())
    };
    files.into_iter().map(read).collect()
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path())
}
