//! The functions of the language.

mod arrays;
mod encoding;
mod higher;
mod numbers;
mod objects;
pub(super) mod regexes;
mod texts;
mod times;
mod transform;

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::error::{Error, Outcome};
use super::evaluate::Evaluator;
use super::signature::Signature;
use super::value::{Array, Value};

pub(super) use self::objects::lookup;

type Run = fn(&mut Evaluator<'_>, &[Value]) -> Outcome<Value>;

/// A function of the language.
pub(crate) struct Builtin {
    pub(super) name: &'static str,
    written: &'static str,
    signature: OnceLock<Signature>,
    /// The parameters of the reference implementation's function, as a partial application counts them.
    pub(super) parameters: usize,
    pub(super) run: Run,
}

impl fmt::Debug for Builtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}", self.name)
    }
}

impl Builtin {
    const fn new(name: &'static str, written: &'static str, parameters: usize, run: Run) -> Builtin {
        Builtin { name, written, signature: OnceLock::new(), parameters, run }
    }

    /// The function of a name.
    pub(super) fn named(name: &str) -> Option<&'static Builtin> {
        BUILTINS.binary_search_by(|builtin| builtin.name.cmp(name)).ok().map(|at| &BUILTINS[at])
    }

    pub(super) fn signature(&self) -> &Signature {
        self.signature.get_or_init(|| Signature::parse(self.written).expect("a test reads all of them"))
    }

    /// That of what `|…|…|` makes.
    pub(super) fn transform_signature() -> &'static Signature {
        static SIGNATURE: OnceLock<Signature> = OnceLock::new();
        SIGNATURE.get_or_init(|| Signature::parse("<(oa):o>").expect("a test reads it"))
    }

    /// How many arguments functions like `$map` hand over.
    pub(super) fn arity(&self) -> usize {
        self.parameters - usize::from(self.has_default())
    }

    /// Whether the reference implementation gives a parameter a default, so that it cannot be applied partially.
    pub(super) fn has_default(&self) -> bool {
        self.name == "string"
    }
}

/// In the order of their names.
static BUILTINS: [Builtin; 64] = [
    Builtin::new("abs", "<n-:n>", 1, numbers::abs),
    Builtin::new("append", "<xx:a>", 2, arrays::append),
    Builtin::new("assert", "<bs?:x>", 2, objects::assert),
    Builtin::new("average", "<a<n>:n>", 1, numbers::average),
    Builtin::new("base64decode", "<s-:s>", 1, encoding::base64_decode),
    Builtin::new("base64encode", "<s-:s>", 1, encoding::base64_encode),
    Builtin::new("boolean", "<x-:b>", 1, objects::boolean),
    Builtin::new("ceil", "<n-:n>", 1, numbers::ceil),
    Builtin::new("clone", "<(oa)-:o>", 1, transform::clone),
    Builtin::new("contains", "<s-(sf):b>", 2, regexes::contains),
    Builtin::new("count", "<a:n>", 1, arrays::count),
    Builtin::new("decodeUrl", "<s-:s>", 1, encoding::decode_url),
    Builtin::new("decodeUrlComponent", "<s-:s>", 1, encoding::decode_url_component),
    Builtin::new("distinct", "<x:x>", 1, arrays::distinct),
    Builtin::new("each", "<o-f:a>", 2, higher::each),
    Builtin::new("encodeUrl", "<s-:s>", 1, encoding::encode_url),
    Builtin::new("encodeUrlComponent", "<s-:s>", 1, encoding::encode_url_component),
    Builtin::new("error", "<s?:x>", 1, objects::error),
    Builtin::new("exists", "<x:b>", 1, objects::exists),
    Builtin::new("filter", "<af>", 2, higher::filter),
    Builtin::new("floor", "<n-:n>", 1, numbers::floor),
    Builtin::new("formatBase", "<n-n?:s>", 2, numbers::format_base),
    Builtin::new("formatInteger", "<n-s:s>", 2, numbers::format_integer),
    Builtin::new("formatNumber", "<n-so?:s>", 3, numbers::format_number),
    Builtin::new("fromMillis", "<n-s?s?:s>", 3, times::from_millis),
    Builtin::new("join", "<a<s>s?:s>", 2, texts::join),
    Builtin::new("keys", "<x-:a<s>>", 1, objects::keys),
    Builtin::new("length", "<s-:n>", 1, texts::length),
    Builtin::new("lookup", "<x-s:x>", 2, objects::lookup_function),
    Builtin::new("lowercase", "<s-:s>", 1, texts::lowercase),
    Builtin::new("map", "<af>", 2, higher::map),
    Builtin::new("match", "<s-f<s:o>n?:a<o>>", 3, regexes::find),
    Builtin::new("max", "<a<n>:n>", 1, numbers::max),
    Builtin::new("merge", "<a<o>:o>", 1, objects::merge),
    Builtin::new("millis", "<:n>", 0, times::millis),
    Builtin::new("min", "<a<n>:n>", 1, numbers::min),
    Builtin::new("not", "<x-:b>", 1, objects::not),
    Builtin::new("now", "<s?s?:s>", 2, times::now),
    Builtin::new("number", "<(nsb)-:n>", 1, numbers::number),
    Builtin::new("pad", "<s-ns?:s>", 3, texts::pad),
    Builtin::new("parseInteger", "<s-s:n>", 2, numbers::parse_integer),
    Builtin::new("power", "<n-n:n>", 2, numbers::power),
    Builtin::new("random", "<:n>", 0, numbers::random),
    Builtin::new("reduce", "<afj?:j>", 3, higher::reduce),
    Builtin::new("replace", "<s-(sf)(sf)n?:s>", 4, regexes::replace),
    Builtin::new("reverse", "<a:a>", 1, arrays::reverse),
    Builtin::new("round", "<n-n?:n>", 2, numbers::round),
    Builtin::new("shuffle", "<a:a>", 1, arrays::shuffle),
    Builtin::new("sift", "<o-f?:o>", 2, higher::sift),
    Builtin::new("single", "<af?>", 2, higher::single),
    Builtin::new("sort", "<af?:a>", 2, higher::sort),
    Builtin::new("split", "<s-(sf)n?:a<s>>", 3, regexes::split),
    Builtin::new("spread", "<x-:a<o>>", 1, objects::spread),
    Builtin::new("sqrt", "<n-:n>", 1, numbers::sqrt),
    Builtin::new("string", "<x-b?:s>", 2, texts::string),
    Builtin::new("substring", "<s-nn?:s>", 3, texts::substring),
    Builtin::new("substringAfter", "<s-s:s>", 2, texts::substring_after),
    Builtin::new("substringBefore", "<s-s:s>", 2, texts::substring_before),
    Builtin::new("sum", "<a<n>:n>", 1, numbers::sum),
    Builtin::new("toMillis", "<s-s?:n>", 2, times::to_millis),
    Builtin::new("trim", "<s-:s>", 1, texts::trim),
    Builtin::new("type", "<x:s>", 1, objects::type_name),
    Builtin::new("uppercase", "<s-:s>", 1, texts::uppercase),
    Builtin::new("zip", "<a+>", 0, arrays::zip),
];

/// What JavaScript says where a function that is applied partially meets a value of another type.
fn type_error<T>(function: &str) -> Outcome<T> {
    Err(Error::uncoded(format!(
        "The arguments of the function \"{function}\" have other types than it takes"
    )))
}

fn argument(args: &[Value], at: usize) -> &Value {
    args.get(at).unwrap_or(&Value::Undefined)
}

/// A text, or nothing.
fn text<'a>(function: &str, args: &'a [Value], at: usize) -> Outcome<Option<&'a Arc<str>>> {
    match argument(args, at) {
        Value::Undefined => Ok(None),
        Value::Text(text) => Ok(Some(text)),
        _ => type_error(function),
    }
}

/// A number, or nothing.
fn double(function: &str, args: &[Value], at: usize) -> Outcome<Option<f64>> {
    match argument(args, at) {
        Value::Undefined => Ok(None),
        value => value.as_double().map_or_else(|| type_error(function), |number| Ok(Some(number))),
    }
}

/// An array, or nothing.
fn array<'a>(function: &str, args: &'a [Value], at: usize) -> Outcome<Option<&'a Array>> {
    match argument(args, at) {
        Value::Undefined => Ok(None),
        Value::Array(array) => Ok(Some(array)),
        _ => type_error(function),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_in_order_and_their_signatures_can_be_read() {
        assert!(BUILTINS.is_sorted_by_key(|builtin| builtin.name));
        for builtin in &BUILTINS {
            builtin.signature();
        }
        Builtin::transform_signature();
    }
}
