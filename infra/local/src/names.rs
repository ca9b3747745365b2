//! Names of operations and members, as the SDKs and the APIs write them.

/// `putItem` is the API's `PutItem`.
pub(crate) fn pascal_case(name: &str) -> String {
    with_first(name, char::to_ascii_uppercase)
}

/// `StateMachineArn` is the member `stateMachineArn` of an API that begins with small letters.
pub(crate) fn camel_case(name: &str) -> String {
    with_first(name, char::to_ascii_lowercase)
}

fn with_first(name: &str, change: fn(&char) -> char) -> String {
    let mut characters = name.chars();
    characters.next().as_ref().map(change).into_iter().chain(characters).collect()
}
