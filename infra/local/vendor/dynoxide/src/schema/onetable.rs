//! OneTable v1.1.0 schema parser.
//!
//! Parses a OneTable schema JSON file into a [`DataModel`].

use std::collections::HashMap;
use std::path::Path;

use super::{DataModel, EntityDefinition, GsiMapping};

/// Metadata for a GSI index parsed from OneTable's `indexes` section.
struct IndexDef {
    /// The DynamoDB-facing name (from `name` field, or the OneTable key as fallback).
    dynamo_name: String,
    /// The attribute name used as the hash key (e.g. "gs1pk").
    hash_attr: String,
    /// The attribute name used as the sort key (e.g. "gs1sk"), if any.
    sort_attr: Option<String>,
}

/// Parse a OneTable v1.1.0 schema file into a [`DataModel`].
///
/// The parser:
/// 1. Validates the `format` field is `"onetable:1.1.0"`
/// 2. Reads `params.typeField` (defaults to `"_type"`)
/// 3. Reads `indexes` to build index definitions with DynamoDB name resolution
/// 4. For each model in `models`, extracts pk/sk templates and resolves GSI
///    participation by matching attribute names against index key names
pub fn parse_onetable_file(path: &Path) -> Result<DataModel, String> {
    let contents = std::fs::read_to_string(path)
        .map_err(|e| format!("data model file not found: {}: {e}", path.display()))?;

    parse_onetable(&contents)
}

/// Parse a OneTable v1.1.0 schema from a JSON string.
pub fn parse_onetable(json: &str) -> Result<DataModel, String> {
    let doc: serde_json::Value = serde_json::from_str(json)
        .map_err(|e| format!("data model file is not valid JSON: {e}"))?;

    let format = doc
        .get("format")
        .and_then(|v| v.as_str())
        .ok_or("data model file missing \"format\" field: is this a OneTable schema?")?;

    if format != "onetable:1.1.0" {
        return Err(format!(
            "data model file is not a OneTable schema (expected format \"onetable:1.1.0\", got \"{format}\")"
        ));
    }

    // Extract type attribute (default: "_type")
    let type_attribute = doc
        .pointer("/params/typeField")
        .and_then(|v| v.as_str())
        .unwrap_or("_type")
        .to_string();

    // Parse index definitions (skip "primary")
    let indexes = parse_indexes(&doc);
    let primary = primary_key_attrs(&doc);

    // Parse models into entity definitions
    let entities = parse_models(&doc, &type_attribute, &primary, &indexes);

    Ok(DataModel {
        schema_format: format.to_string(),
        type_attribute,
        entities,
    })
}

/// The model attributes that hold the primary key templates, from
/// `indexes.primary` (`hash` and `sort`). OneTable defaults them to `pk`
/// and `sk`, and so does this.
fn primary_key_attrs(doc: &serde_json::Value) -> (String, Option<String>) {
    let hash = doc
        .pointer("/indexes/primary/hash")
        .and_then(|v| v.as_str())
        .unwrap_or("pk")
        .to_string();
    let sort = match doc.pointer("/indexes/primary") {
        Some(primary) => primary
            .get("sort")
            .and_then(|v| v.as_str())
            .map(String::from),
        None => Some("sk".to_string()),
    };
    (hash, sort)
}

/// Parse the `indexes` section into a map of OneTable key -> IndexDef.
/// Skips the "primary" index.
fn parse_indexes(doc: &serde_json::Value) -> HashMap<String, IndexDef> {
    let mut indexes = HashMap::new();

    let Some(idx_obj) = doc.get("indexes").and_then(|v| v.as_object()) else {
        return indexes;
    };

    for (key, def) in idx_obj {
        if key == "primary" {
            continue;
        }

        let Some(hash_attr) = def.get("hash").and_then(|v| v.as_str()) else {
            continue;
        };

        let sort_attr = def.get("sort").and_then(|v| v.as_str()).map(String::from);

        // Resolve DynamoDB name: explicit `name` field, or fall back to the OneTable key
        let dynamo_name = def
            .get("name")
            .and_then(|v| v.as_str())
            .unwrap_or(key)
            .to_string();

        indexes.insert(
            key.clone(),
            IndexDef {
                dynamo_name,
                hash_attr: hash_attr.to_string(),
                sort_attr,
            },
        );
    }

    indexes
}

/// Parse the `models` section into entity definitions.
fn parse_models(
    doc: &serde_json::Value,
    type_attribute: &str,
    primary: &(String, Option<String>),
    indexes: &HashMap<String, IndexDef>,
) -> Vec<EntityDefinition> {
    let Some(models_obj) = doc.get("models").and_then(|v| v.as_object()) else {
        return Vec::new();
    };

    let mut entities: Vec<EntityDefinition> = models_obj
        .iter()
        .map(|(name, model)| parse_single_model(name, model, type_attribute, primary, indexes))
        .collect();

    // Sort alphabetically for deterministic output
    entities.sort_by(|a, b| a.name.cmp(&b.name));
    entities
}

/// Parse a single model definition into an EntityDefinition.
fn parse_single_model(
    name: &str,
    model: &serde_json::Value,
    type_attribute: &str,
    (hash_attr, sort_attr): &(String, Option<String>),
    indexes: &HashMap<String, IndexDef>,
) -> EntityDefinition {
    let attrs = model.as_object();

    // Extract primary key templates from the attributes indexes.primary names
    let pk_template = attrs
        .and_then(|m| m.get(hash_attr))
        .and_then(|v| v.get("value"))
        .and_then(|v| v.as_str())
        .unwrap_or("")
        .to_string();

    let sk_template = sort_attr.as_ref().and_then(|sort_attr| {
        attrs
            .and_then(|m| m.get(sort_attr))
            .and_then(|v| v.get("value"))
            .and_then(|v| v.as_str())
            .map(String::from)
    });

    // Resolve GSI participation by checking if this model defines attributes
    // matching any index's hash key attribute name
    let gsi_mappings = resolve_gsi_mappings(attrs, indexes);

    // Check for entity-level type attribute override
    let entity_type_attr = attrs
        .and_then(|m| m.get("typeField"))
        .and_then(|v| v.as_str())
        .map(String::from);

    // Use entity-level override, or inherit global (stored for agent clarity)
    let effective_type_attr = entity_type_attr.unwrap_or_else(|| type_attribute.to_string());

    EntityDefinition {
        name: name.to_string(),
        pk_template,
        sk_template,
        type_attribute: Some(effective_type_attr),
        gsi_mappings,
        description: None,
    }
}

/// Resolve which GSIs a model participates in by matching its attributes
/// against index hash/sort key attribute names.
fn resolve_gsi_mappings(
    attrs: Option<&serde_json::Map<String, serde_json::Value>>,
    indexes: &HashMap<String, IndexDef>,
) -> Vec<GsiMapping> {
    let Some(attrs) = attrs else {
        return Vec::new();
    };

    let mut mappings: Vec<GsiMapping> = indexes
        .values()
        .filter_map(|idx_def| {
            // A model participates in an index when it templates either key.
            // A hash key that is a plain attribute (a tenant id, say) with a
            // templated sort key is an ordinary shape, and dropping the whole
            // index for it would hide the sort key from anything that reads
            // the model, import included. Its pk_template is then empty.
            let pk_template = attrs
                .get(&idx_def.hash_attr)
                .and_then(|v| v.get("value"))
                .and_then(|v| v.as_str())
                .unwrap_or("");

            // Check for sort key template (optional)
            let sk_template = idx_def.sort_attr.as_ref().and_then(|sort_attr| {
                attrs
                    .get(sort_attr)
                    .and_then(|v| v.get("value"))
                    .and_then(|v| v.as_str())
                    .map(String::from)
            });

            if pk_template.is_empty() && sk_template.is_none() {
                return None;
            }

            Some(GsiMapping {
                index_name: idx_def.dynamo_name.clone(),
                pk_template: pk_template.to_string(),
                sk_template,
            })
        })
        .collect();

    // Sort by index name for deterministic output
    mappings.sort_by(|a, b| a.index_name.cmp(&b.index_name));
    mappings
}
