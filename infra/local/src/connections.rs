//! [`Connection`]: who the requests of HTTP Tasks and to API destinations come from, as EventBridge keeps it;
//! [`Connections`]: those of a file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

/// The connections that HTTP Tasks name by their ARNs.
#[derive(Clone, Default)]
pub struct Connections(BTreeMap<String, Connection>);

/// Why a file of connections cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionsError {
    /// The file cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not of this form.
    #[error(
        "{path} is no file of connections, which is {{\"Connections\": [requests of CreateConnection]}}: {fault}"
    )]
    Malformed {
        /// The file.
        path: String,
        /// What is wrong, and where.
        fault: String,
    },
}

/// A connection, as the request of CreateConnection has it.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Connection {
    name: String,
    #[serde(default, rename = "Description")]
    _description: Option<String>,
    authorization_type: AuthorizationType,
    auth_parameters: AuthParameters,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum AuthorizationType {
    Basic,
    ApiKey,
    OauthClientCredentials,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct AuthParameters {
    basic_auth_parameters: Option<BasicAuth>,
    api_key_auth_parameters: Option<ApiKey>,
    #[serde(rename = "OAuthParameters")]
    oauth_parameters: Option<OAuth>,
    #[serde(default)]
    invocation_http_parameters: HttpParameters,
}

/// How a request shows who it is from.
pub(crate) enum Authorization<'a> {
    /// `Authorization: Basic`.
    Basic(&'a BasicAuth),
    /// A header of the API's own.
    ApiKey(&'a ApiKey),
    /// `Authorization: Bearer`, with a token that has to be asked for.
    OAuth(&'a OAuth),
}

/// A user's name and password.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct BasicAuth {
    pub(crate) username: String,
    pub(crate) password: String,
}

/// A header and its value.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct ApiKey {
    pub(crate) api_key_name: String,
    pub(crate) api_key_value: String,
}

/// Where a token is asked for, and by whom.
#[derive(Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct OAuth {
    pub(crate) authorization_endpoint: String,
    pub(crate) http_method: String,
    pub(crate) client_parameters: ClientParameters,
    #[serde(default, rename = "OAuthHttpParameters")]
    pub(crate) http_parameters: HttpParameters,
}

/// The client of an authorization server.
#[derive(Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientParameters {
    #[serde(rename = "ClientID")]
    pub(crate) id: String,
    #[serde(rename = "ClientSecret")]
    pub(crate) secret: String,
}

/// What a connection adds to each request.
#[derive(Clone, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(default, rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct HttpParameters {
    pub(crate) header_parameters: Vec<Parameter>,
    pub(crate) query_string_parameters: Vec<Parameter>,
    pub(crate) body_parameters: Vec<Parameter>,
}

/// A name and a value.
#[derive(Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Parameter {
    pub(crate) key: String,
    pub(crate) value: String,
    #[serde(default, rename = "IsValueSecret")]
    _is_value_secret: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    connections: Vec<Connection>,
}

impl Connections {
    /// Reads a file `{"Connections": […]}` with requests of EventBridge's CreateConnection.
    ///
    /// # Errors
    /// If the file cannot be read, is not of this form, has a name twice, or parameters of another type of authorization
    /// than it names.
    pub fn read(path: &Path) -> Result<Connections, ConnectionsError> {
        let shown = || path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConnectionsError::Unreadable { path: shown(), source })?;
        Self::parse(&text).map_err(|fault| ConnectionsError::Malformed { path: shown(), fault })
    }

    fn parse(text: &str) -> Result<Connections, String> {
        let document: Document = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut connections = BTreeMap::new();
        for connection in document.connections {
            let connection = connection.checked()?;
            let name = connection.name.clone();
            if connections.insert(name.clone(), connection).is_some() {
                return Err(format!("there are two connections {name:?}"));
            }
        }
        Ok(Connections(connections))
    }

    /// The connection of an ARN.
    pub(crate) fn find(&self, arn: &str) -> Option<&Connection> {
        self.0.get(name_in(arn)?)
    }

    /// The names of all, for the sentence that says that one is missing.
    pub(crate) fn names(&self) -> String {
        if self.0.is_empty() {
            return "there are none".to_owned();
        }
        format!("there are: {}", self.0.keys().map(String::as_str).collect::<Vec<_>>().join(", "))
    }
}

/// The name in the ARN of a connection, `arn:aws:events:REGION:ACCOUNT:connection/NAME/ID`.
pub(crate) fn name_in(arn: &str) -> Option<&str> {
    let (_, rest) = arn.split_once(":connection/")?;
    rest.split('/').next()
}

impl Connection {
    /// A connection as EventBridge keeps it; what else is kept of it is passed over.
    ///
    /// # Errors
    /// What is missing, or is not known.
    pub(crate) fn of(kept: &Value) -> Result<Connection, String> {
        let members = ["Name", "AuthorizationType", "AuthParameters"];
        let members = members.into_iter().map(|member| (member.to_owned(), kept[member].clone())).collect();
        let connection: Connection = serde_json::from_value(members).map_err(|error| error.to_string())?;
        connection.checked()
    }

    fn checked(self) -> Result<Connection, String> {
        let (kind, name) = (self.authorization_type, &self.name);
        match self.authorization() {
            Some(_) => Ok(self),
            None => Err(format!("the parameters of {kind:?} are missing in the connection {name:?}")),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn authorization(&self) -> Option<Authorization<'_>> {
        let parameters = &self.auth_parameters;
        match self.authorization_type {
            AuthorizationType::Basic => parameters.basic_auth_parameters.as_ref().map(Authorization::Basic),
            AuthorizationType::ApiKey => {
                parameters.api_key_auth_parameters.as_ref().map(Authorization::ApiKey)
            }
            AuthorizationType::OauthClientCredentials => {
                parameters.oauth_parameters.as_ref().map(Authorization::OAuth)
            }
        }
    }

    /// How its requests show who they are from. A connection without was refused when the file was read.
    pub(crate) fn authorization_of_request(&self) -> Authorization<'_> {
        self.authorization().expect("a connection is read with the parameters of its authorization")
    }

    /// What it adds to each request.
    pub(crate) fn parameters(&self) -> &HttpParameters {
        &self.auth_parameters.invocation_http_parameters
    }
}

/// The names alone: the rest is secret.
impl fmt::Debug for Connections {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Connections").field(&self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_found_by_the_name_in_its_arn() {
        let text = r#"{"Connections": [{"Name": "Stripe", "AuthorizationType": "API_KEY", "AuthParameters": {
            "ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "secret"}}}]}"#;
        let connections = Connections::parse(text).unwrap();
        let arn =
            "arn:aws:events:us-east-1:123456789012:connection/Stripe/81210c42-8af1-456b-9c4a-6ff02fc664ac";
        assert_eq!(connections.find(arn).map(Connection::name), Some("Stripe"));
        for other in ["Stripe", "arn:aws:events:us-east-1:123456789012:connection/stripe/8", ""] {
            assert!(connections.find(other).is_none(), "{other}");
        }
        assert_eq!(format!("{connections:?}"), "Connections([\"Stripe\"])");
    }

    #[test]
    fn a_file_that_cannot_be_meant_is_refused_with_what_is_wrong() {
        let basic = r#"{"Name": "A", "AuthorizationType": "BASIC", "AuthParameters": {"BasicAuthParameters":
            {"Username": "u", "Password": "p"}}}"#;
        for (text, said) in [
            ("[]".to_owned(), "invalid"),
            (r#"{"Connections": [{"Name": "A"}]}"#.to_owned(), "AuthorizationType"),
            (basic.replace("BASIC", "API_KEY"), "ApiKey"),
            (format!("{basic}, {basic}"), "two connections \"A\""),
            (basic.replace("Password", "Passwort"), "Passwort"),
            (basic.replace("BASIC", "NTLM"), "NTLM"),
        ] {
            let text = if text.contains("Connections") || text == "[]" {
                text
            } else {
                format!("{{\"Connections\": [{text}]}}")
            };
            let fault = Connections::parse(&text).unwrap_err();
            assert!(fault.contains(said), "{fault}");
        }
        let missing = Connections::read(Path::new("no-such-file.json")).unwrap_err().to_string();
        assert!(missing.contains("no-such-file.json cannot be read"), "{missing}");
    }
}
