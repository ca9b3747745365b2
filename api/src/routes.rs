//! The one table of routes: address, method, handler, access, rate class, failures.
//!
//! A route enters the service only as an [`Endpoint`], and an endpoint cannot be made without its [`Access`]:
//! so no route lacks a guard, and the OpenAPI document says of each what the guard does.

use std::sync::Arc;

use axum::Router;
use axum::extract::Extension;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::MethodRouter;
use http::Method;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, PathItem, Paths};
use utoipa::openapi::schema::Schema;
use utoipa_axum::{PathItemExt, routes};

use crate::auth::{Access, Guard, Scope, guard};
use crate::openapi::{self, Document};
use crate::parameters::{self, Parameters};
use crate::rate_limit::RateClass;
use crate::state::AppState;
use crate::{
    claims, draws, edge, key_page, lotteries, organiser_address, page, participants, preview, repeats,
    settings, webhooks,
};

/// One route with all that is declared about it.
pub struct Endpoint {
    declaration: Declaration,
    class: RateClass,
    handler: Handler,
}

/// What the OpenAPI document says of a route beside what its handler says.
#[derive(Clone, Copy)]
struct Declaration {
    access: Access,
    failures: &'static [u16],
    /// Whether any query parameters are accepted: for files, whose links others append parameters to.
    takes_any: bool,
}

/// The schemas of a route, and its operations.
type Description = (Vec<(String, RefOr<Schema>)>, Paths);

/// A handler, its address and its methods.
struct Handler {
    path: String,
    router: MethodRouter<AppState>,
    /// Makes the handler's part of the OpenAPI document. The parts of all take megabytes, and milliseconds of a function's cold start.
    describe: Arc<dyn Fn() -> Description + Send + Sync>,
}

/// The [`Handler`] of a function with `#[utoipa::path]`.
macro_rules! handler {
    ($module:ident::$function:ident) => {
        utoipa_axum::paste! {{
            type Documented = $module::[<__path_ $function>];
            let methods = <Documented as utoipa::Path>::methods();
            Handler {
                path: <Documented as utoipa::Path>::path(),
                router: methods.iter().fold(MethodRouter::new(), |router, method| {
                    router.on(method.to_method_filter(), $module::$function)
                }),
                describe: Arc::new(|| {
                    let (schemas, paths, _): (_, _, MethodRouter<AppState>) = routes!($module::$function);
                    (schemas, paths)
                }),
            }
        }}
    };
}

impl Endpoint {
    /// A route of a host of this service, such as the local stack's inbox. `handler` has its own state already;
    /// parameters in the path are documented by themselves, query parameters are `parameters`.
    #[must_use]
    pub fn new(
        method: Method,
        path: &str,
        access: Access,
        class: RateClass,
        summary: &str,
        parameters: &[&str],
        handler: MethodRouter<()>,
    ) -> Self {
        let method = match method {
            Method::POST => HttpMethod::Post,
            Method::PUT => HttpMethod::Put,
            Method::PATCH => HttpMethod::Patch,
            Method::DELETE => HttpMethod::Delete,
            _ => HttpMethod::Get,
        };
        let parameters = (!parameters.is_empty())
            .then(|| parameters.iter().map(|name| openapi::query_parameter(name)).collect::<Vec<_>>());
        let operation =
            OperationBuilder::new().summary(Some(summary)).tag("local").parameters(parameters).build();
        let mut paths = Paths::new();
        paths.add_path_operation(path, vec![method], operation);
        let describe = Arc::new(move || (Vec::new(), paths.clone()));
        Self::declared(
            access,
            class,
            Handler { path: path.to_owned(), router: handler.with_state(()), describe },
        )
    }

    fn declared(access: Access, class: RateClass, handler: Handler) -> Self {
        Self { declaration: Declaration { access, failures: &[], takes_any: false }, class, handler }
    }

    /// Accepts any query parameters.
    fn takes_any(mut self) -> Self {
        self.declaration.takes_any = true;
        self
    }

    /// The statuses of the failures that are this route's own.
    fn fails_with(mut self, failures: &'static [u16]) -> Self {
        self.declaration.failures = failures;
        self
    }
}

/// The service's own routes.
fn table() -> Vec<Endpoint> {
    use Access::{Either, Public, PublicOr, Scope as Only};
    use RateClass::{Health, Join, Read, Write};
    use Scope::{DrawsWrite, ParticipantsRead, ParticipantsWrite, ResultsRead};

    vec![
        Endpoint::declared(Public, Read, handler!(page::index)).takes_any(),
        Endpoint::declared(Public, Read, handler!(page::file)).takes_any().fails_with(&[404]),
        Endpoint::declared(Public, Read, handler!(page::file_in_folder)).takes_any().fails_with(&[404]),
        Endpoint::declared(Public, Read, handler!(page::file_of_build)).takes_any().fails_with(&[404]),
        Endpoint::declared(Public, Health, handler!(page::health)),
        Endpoint::declared(Public, Read, handler!(openapi::document)),
        Endpoint::declared(Public, Read, handler!(key_page::key_page)).fails_with(&[400]),
        Endpoint::declared(Only(DrawsWrite), Write, handler!(lotteries::create))
            .fails_with(&[400, 409, 413, 415, 422]),
        Endpoint::declared(Public, Read, handler!(lotteries::list)).fails_with(&[400]),
        Endpoint::declared(Public, Read, handler!(lotteries::get)).fails_with(&[404]),
        Endpoint::declared(Only(ParticipantsWrite), Write, handler!(participants::import))
            .fails_with(&[400, 404, 408, 409, 413, 415]),
        Endpoint::declared(Only(ParticipantsWrite), Write, handler!(participants::empty))
            .fails_with(&[400, 404, 409]),
        Endpoint::declared(Only(ParticipantsWrite), Read, handler!(participants::last)).fails_with(&[404]),
        Endpoint::declared(Only(ParticipantsWrite), Write, handler!(participants::undo))
            .fails_with(&[400, 404, 409]),
        Endpoint::declared(Only(ParticipantsWrite), Write, handler!(participants::begin_upload))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(ParticipantsWrite), Read, handler!(participants::list_uploads))
            .fails_with(&[404]),
        Endpoint::declared(Only(ParticipantsWrite), Read, handler!(participants::get_upload))
            .fails_with(&[404]),
        Endpoint::declared(Only(ParticipantsWrite), Write, handler!(participants::answer_upload))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(ParticipantsWrite), Write, handler!(participants::cancel_upload))
            .fails_with(&[404, 409]),
        Endpoint::declared(Either(ParticipantsRead, ParticipantsWrite), Read, handler!(participants::list))
            .fails_with(&[400, 404, 406, 413, 422]),
        Endpoint::declared(Either(ParticipantsRead, ParticipantsWrite), Read, handler!(participants::counts))
            .fails_with(&[400, 404]),
        Endpoint::declared(
            Either(ParticipantsRead, ParticipantsWrite),
            Read,
            handler!(participants::opted_out),
        )
        .fails_with(&[400, 404]),
        Endpoint::declared(Either(ParticipantsRead, ParticipantsWrite), Read, handler!(participants::get))
            .fails_with(&[400, 404]),
        Endpoint::declared(Only(ParticipantsWrite), Write, handler!(participants::edit))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(ParticipantsWrite), Write, handler!(participants::withdraw))
            .fails_with(&[404]),
        Endpoint::declared(Only(ParticipantsWrite), Read, handler!(participants::receipt)).fails_with(&[404]),
        Endpoint::declared(Public, Join, handler!(participants::join))
            .fails_with(&[400, 403, 404, 409, 413, 415, 422]),
        Endpoint::declared(Public, Join, handler!(participants::confirm))
            .fails_with(&[400, 403, 404, 409, 413, 415, 422]),
        Endpoint::declared(Public, Join, handler!(participants::send_own_link))
            .fails_with(&[400, 404, 413, 415, 422]),
        Endpoint::declared(Public, Read, handler!(participants::own_entry))
            .fails_with(&[400, 404, 413, 415, 422]),
        Endpoint::declared(Public, Read, handler!(participants::leave))
            .fails_with(&[400, 404, 413, 415, 422]),
        Endpoint::declared(Public, Join, handler!(participants::check_in))
            .fails_with(&[400, 403, 404, 413, 415, 422]),
        Endpoint::declared(Public, Read, handler!(participants::head_count)).fails_with(&[404]),
        Endpoint::declared(Only(ParticipantsWrite), Write, handler!(participants::mark))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(DrawsWrite), Read, handler!(settings::settings)).fails_with(&[404]),
        Endpoint::declared(Only(DrawsWrite), Write, handler!(settings::change))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(DrawsWrite), Read, handler!(organiser_address::organiser)).fails_with(&[404]),
        Endpoint::declared(Only(DrawsWrite), Write, handler!(organiser_address::set_organiser))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(DrawsWrite), Read, handler!(webhooks::webhook)).fails_with(&[404]),
        Endpoint::declared(Only(DrawsWrite), Write, handler!(webhooks::set_webhook))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(DrawsWrite), Write, handler!(webhooks::forget_webhook)).fails_with(&[404]),
        Endpoint::declared(Only(DrawsWrite), Write, handler!(webhooks::retry_webhook))
            .fails_with(&[404, 409]),
        Endpoint::declared(Only(DrawsWrite), Read, handler!(preview::preview))
            .fails_with(&[400, 404, 413, 415, 422]),
        Endpoint::declared(Only(ParticipantsWrite), Write, handler!(settings::delete))
            .fails_with(&[400, 404, 409]),
        Endpoint::declared(Only(DrawsWrite), Write, handler!(draws::start))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(DrawsWrite), Read, handler!(repeats::repeats)).fails_with(&[404]),
        Endpoint::declared(Only(DrawsWrite), Write, handler!(repeats::create_repeat))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(DrawsWrite), Read, handler!(repeats::repeat)).fails_with(&[404]),
        Endpoint::declared(Only(DrawsWrite), Write, handler!(repeats::change_repeat))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(DrawsWrite), Write, handler!(repeats::delete_repeat)).fails_with(&[404]),
        Endpoint::declared(Public, Read, handler!(draws::list)).fails_with(&[400, 404]),
        Endpoint::declared(Public, Read, handler!(draws::get)).fails_with(&[404]),
        Endpoint::declared(Public, Read, handler!(draws::events)).fails_with(&[400, 404]),
        Endpoint::declared(PublicOr(ResultsRead), Read, handler!(draws::winners))
            .fails_with(&[400, 404, 406]),
        Endpoint::declared(Only(ResultsRead), Read, handler!(draws::notifications)).fails_with(&[400, 404]),
        Endpoint::declared(Only(DrawsWrite), Write, handler!(draws::retry))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(DrawsWrite), Write, handler!(draws::release))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(DrawsWrite), Write, handler!(draws::replace))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(ResultsRead), Read, handler!(draws::seat_taker)).fails_with(&[404, 409]),
        Endpoint::declared(Only(DrawsWrite), Write, handler!(draws::close)).fails_with(&[404, 409]),
        Endpoint::declared(Only(DrawsWrite), Write, handler!(draws::cancel)).fails_with(&[404, 409]),
        Endpoint::declared(Only(DrawsWrite), Write, handler!(draws::change))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(PublicOr(DrawsWrite), Read, handler!(draws::stage)).fails_with(&[404]),
        Endpoint::declared(Only(DrawsWrite), Write, handler!(draws::move_stage))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Public, Read, handler!(draws::proof)).fails_with(&[404, 409]),
        Endpoint::declared(Public, Read, handler!(draws::entries)).fails_with(&[400, 404, 409]),
        Endpoint::declared(Public, Read, handler!(draws::inclusion)).fails_with(&[404, 409]),
        Endpoint::declared(Public, Read, handler!(draws::odds)).fails_with(&[400, 404, 409]),
        Endpoint::declared(Public, Read, handler!(claims::claim)).fails_with(&[404]),
        Endpoint::declared(Public, Read, handler!(claims::confirm)).fails_with(&[404, 410]),
    ]
}

/// The whole service.
pub fn router(state: AppState) -> Router {
    router_with(state, Vec::new())
}

/// The whole service, with routes of its host.
pub fn router_with(state: AppState, extra: Vec<Endpoint>) -> Router {
    let mut router = Router::new();
    let mut described = Vec::new();
    for Endpoint { declaration, class, handler } in table().into_iter().chain(extra) {
        let Handler { path, router: mut methods, describe } = handler;
        if !declaration.takes_any {
            let describe = describe.clone();
            let known = Parameters::new(move || {
                let (_, mut paths) = describe();
                let operations = paths.paths.values_mut().flat_map(operations);
                operations.map(|(method, operation)| (method, parameters::of_query(operation))).collect()
            });
            methods = methods.route_layer(from_fn_with_state(Arc::new(known), parameters::check));
        }
        let guarded = Guard { state: state.clone(), access: declaration.access, class };
        router = router.route(&path, methods.route_layer(from_fn_with_state(guarded, guard)));
        described.push((declaration, describe));
    }
    let config = state.config.clone();
    let document = Document::new(move || {
        let mut document = openapi::empty(&config);
        for (declaration, describe) in described {
            let (schemas, mut paths) = describe();
            declaration.complete(&mut paths, &config.scope_prefix);
            openapi::add(&mut document, schemas, paths);
        }
        document
    });
    router
        .fallback(edge::not_found)
        .method_not_allowed_fallback(edge::method_not_allowed)
        .layer(Extension(document))
        .layer(from_fn_with_state(state.clone(), page::for_people))
        .layer(from_fn(edge::edge))
        .with_state(state)
}

/// The operations of an address, with their methods.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let operations = [
        (Method::GET, &mut item.get),
        (Method::POST, &mut item.post),
        (Method::PUT, &mut item.put),
        (Method::PATCH, &mut item.patch),
        (Method::DELETE, &mut item.delete),
    ];
    operations.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

impl Declaration {
    /// Writes into the operations of a route what follows from this.
    fn complete(self, paths: &mut Paths, scope_prefix: &str) {
        let Self { access, failures, takes_any } = self;
        for (path, item) in &mut paths.paths {
            for (method, operation) in operations(item) {
                let redirections =
                    if method == Method::GET { openapi::redirections(path, access) } else { Vec::new() };
                openapi::complete(operation, path, access, scope_prefix, failures, takes_any, &redirections);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use lottery::{DrawRequest, LotteryChange, NewLottery, ParticipantFields, Repeat};
    use serde_json::Value;

    use super::*;

    /// The fields that the parser of each documented body takes. The parsers report the position of an error in their own way,
    /// so that the schemas are structs beside them.
    fn parsed() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
        let bodies: &[(&str, &[&str])] = &[
            ("NewLotteryBody", &NewLottery::FIELDS),
            ("NewDrawBody", &DrawRequest::FIELDS),
            ("NewPrize", &DrawRequest::PRIZE_FIELDS),
            ("NewQuota", &DrawRequest::QUOTA_FIELDS),
            ("NewParticipant", &ParticipantFields::NAMES),
            ("ParticipantEdit", &ParticipantFields::NAMES),
            ("JoinBody", &participants::OWN_FIELDS),
            ("ConfirmBody", &participants::CONFIRM_FIELDS),
            ("LinkBody", &participants::LINK_FIELDS),
            ("ReplaceBody", &draws::REPLACE_FIELDS),
            ("ReceiptBody", &participants::RECEIPT_FIELDS),
            ("PresenceBody", &participants::PRESENCE_FIELDS),
            ("DrawChangeBody", &draws::CHANGE_FIELDS),
            ("LotteryChangeBody", &LotteryChange::FIELDS),
            ("RepeatBody", &Repeat::FIELDS),
            ("RepeatChangeBody", &Repeat::FIELDS),
            ("OrganiserBody", &organiser_address::ORGANISER_FIELDS),
            ("WebhookBody", &webhooks::WEBHOOK_FIELDS),
            ("MessagesBody", &LotteryChange::LANGUAGES),
            ("OwnWordingBody", &LotteryChange::WORDING_FIELDS),
            ("RetryBody", &draws::RETRY_FIELDS.map(|(name, _)| name)),
            ("ReleaseBody", &draws::RELEASE_FIELDS.map(|(name, _)| name)),
            // These are read by their schemas' own structs.
            ("NewUpload", &["bytes", "mode", "preview", "settings"]),
            ("UploadAnswer", &["mode", "preview", "settings"]),
            (
                "ListSettingsBody",
                &["charset", "country", "mapping", "header_row", "sheet", "strict", "clear"],
            ),
            ("StageMove", &["after", "position"]),
            ("StagePosition", &["screen", "prize", "from", "to", "order", "batches"]),
        ];
        bodies.iter().map(|(name, fields)| (*name, fields.iter().copied().collect())).collect()
    }

    /// The names of the schemas that a value refers to.
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            Value::Object(members) => {
                if let Some(name) = members.get("$ref").and_then(Value::as_str) {
                    found.extend(name.strip_prefix("#/components/schemas/").map(str::to_owned));
                }
                members.values().for_each(|member| references(member, found));
            }
            _ => {}
        }
    }

    #[test]
    fn the_fields_of_each_documented_body_are_those_that_its_parser_takes() {
        let (mut schemas, mut bodies) = (BTreeMap::new(), BTreeSet::new());
        for endpoint in table() {
            let (declared, paths) = (endpoint.handler.describe)();
            for (name, schema) in declared {
                schemas.insert(name, serde_json::to_value(schema).unwrap());
            }
            for operations in serde_json::to_value(paths).unwrap().as_object().unwrap().values() {
                let operations = operations.as_object().unwrap().values();
                operations.for_each(|operation| references(&operation["requestBody"], &mut bodies));
            }
        }
        // A body's schema refers to those of its parts.
        let mut waiting: Vec<String> = bodies.iter().cloned().collect();
        while let Some(name) = waiting.pop() {
            let mut parts = BTreeSet::new();
            references(&schemas[&name], &mut parts);
            waiting.extend(parts.difference(&bodies).cloned());
            bodies.extend(parts);
        }
        let documented: BTreeMap<&str, BTreeSet<&str>> = bodies
            .iter()
            .filter_map(|name| {
                let fields = schemas[name].get("properties")?.as_object()?.keys().map(String::as_str);
                Some((name.as_str(), fields.collect()))
            })
            .collect();
        assert_eq!(documented, parsed());
    }
}
