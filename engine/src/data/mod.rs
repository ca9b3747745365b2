//! Values and the expressions over them: JSON, paths, intrinsic functions, payload templates, JSONata.
//!
//! Everything that a definition says is read once, when the state machine is made; evaluating only walks what was
//! read. What an expression can see comes in as a [`Scope`], random numbers and the current time included, so
//! that the same scope always gives the same answer.

mod comparison;
mod cursor;
mod intrinsic;
pub mod json;
pub mod jsonata;
pub mod path;
mod random;
mod scope;
mod selector;
mod template;
pub mod timestamp;

pub use comparison::{Comparison, ComparisonError};
pub use cursor::PathError;
pub use json::{Array, Json, Number, Object, ParseError};
pub use jsonata::{Expected, Expression, ExpressionError, ExpressionFault, JsonataTemplate};
pub use path::{JsonPath, ReferencePath};
pub use random::Random;
pub use scope::{ContextObject, EvalError, Scope, Variables};
pub use selector::Selector;
pub use template::{Template, TemplateError};
