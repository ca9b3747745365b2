//! Values and the expressions over them: JSON, paths, intrinsic functions, payload templates, JSONata.

pub mod json;

pub use json::{Array, Json, Number, Object, ParseError};
