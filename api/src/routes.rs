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
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, Paths};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

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
    access: Access,
    class: RateClass,
    failures: &'static [u16],
    /// Whether any query parameters are accepted: for files, whose links others append parameters to.
    takes_any: bool,
    routes: UtoipaMethodRouter<AppState>,
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
        Self::declared(access, class, (Vec::new(), paths, handler.with_state(())))
    }

    fn declared(access: Access, class: RateClass, routes: UtoipaMethodRouter<AppState>) -> Self {
        Self { access, class, failures: &[], takes_any: false, routes }
    }

    /// Accepts any query parameters.
    fn takes_any(mut self) -> Self {
        self.takes_any = true;
        self
    }

    /// The statuses of the failures that are this route's own.
    fn fails_with(mut self, failures: &'static [u16]) -> Self {
        self.failures = failures;
        self
    }
}

/// The methods of an [`Endpoint`], in the order in which its operations are looked at.
const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// The service's own routes.
fn table() -> Vec<Endpoint> {
    use Access::{Either, Public, PublicOr, Scope as Only};
    use RateClass::{Health, Join, Read, Write};
    use Scope::{DrawsWrite, ParticipantsRead, ParticipantsWrite, ResultsRead};

    vec![
        Endpoint::declared(Public, Read, routes!(page::index)).takes_any(),
        Endpoint::declared(Public, Read, routes!(page::file)).takes_any().fails_with(&[404]),
        Endpoint::declared(Public, Read, routes!(page::file_in_folder)).takes_any().fails_with(&[404]),
        Endpoint::declared(Public, Read, routes!(page::file_of_build)).takes_any().fails_with(&[404]),
        Endpoint::declared(Public, Health, routes!(page::health)),
        Endpoint::declared(Public, Read, routes!(openapi::document)),
        Endpoint::declared(Public, Read, routes!(key_page::key_page)).fails_with(&[400]),
        Endpoint::declared(Only(DrawsWrite), Write, routes!(lotteries::create))
            .fails_with(&[400, 409, 413, 415, 422]),
        Endpoint::declared(Public, Read, routes!(lotteries::list)).fails_with(&[400]),
        Endpoint::declared(Public, Read, routes!(lotteries::get)).fails_with(&[404]),
        Endpoint::declared(Only(ParticipantsWrite), Write, routes!(participants::import))
            .fails_with(&[400, 404, 408, 409, 413, 415]),
        Endpoint::declared(Only(ParticipantsWrite), Write, routes!(participants::empty))
            .fails_with(&[400, 404, 409]),
        Endpoint::declared(Only(ParticipantsWrite), Read, routes!(participants::last)).fails_with(&[404]),
        Endpoint::declared(Only(ParticipantsWrite), Write, routes!(participants::undo))
            .fails_with(&[400, 404, 409]),
        Endpoint::declared(Only(ParticipantsWrite), Write, routes!(participants::begin_upload))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(ParticipantsWrite), Read, routes!(participants::list_uploads))
            .fails_with(&[404]),
        Endpoint::declared(Only(ParticipantsWrite), Read, routes!(participants::get_upload))
            .fails_with(&[404]),
        Endpoint::declared(Only(ParticipantsWrite), Write, routes!(participants::answer_upload))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(ParticipantsWrite), Write, routes!(participants::cancel_upload))
            .fails_with(&[404, 409]),
        Endpoint::declared(Either(ParticipantsRead, ParticipantsWrite), Read, routes!(participants::list))
            .fails_with(&[400, 404, 406, 413, 422]),
        Endpoint::declared(Either(ParticipantsRead, ParticipantsWrite), Read, routes!(participants::counts))
            .fails_with(&[400, 404]),
        Endpoint::declared(
            Either(ParticipantsRead, ParticipantsWrite),
            Read,
            routes!(participants::opted_out),
        )
        .fails_with(&[400, 404]),
        Endpoint::declared(Either(ParticipantsRead, ParticipantsWrite), Read, routes!(participants::get))
            .fails_with(&[400, 404]),
        Endpoint::declared(Only(ParticipantsWrite), Write, routes!(participants::edit))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(ParticipantsWrite), Write, routes!(participants::withdraw))
            .fails_with(&[404]),
        Endpoint::declared(Only(ParticipantsWrite), Read, routes!(participants::receipt)).fails_with(&[404]),
        Endpoint::declared(Public, Join, routes!(participants::join))
            .fails_with(&[400, 403, 404, 409, 413, 415, 422]),
        Endpoint::declared(Public, Join, routes!(participants::confirm))
            .fails_with(&[400, 403, 404, 409, 413, 415, 422]),
        Endpoint::declared(Public, Join, routes!(participants::send_own_link))
            .fails_with(&[400, 404, 413, 415, 422]),
        Endpoint::declared(Public, Read, routes!(participants::own_entry))
            .fails_with(&[400, 404, 413, 415, 422]),
        Endpoint::declared(Public, Read, routes!(participants::leave)).fails_with(&[400, 404, 413, 415, 422]),
        Endpoint::declared(Public, Join, routes!(participants::check_in))
            .fails_with(&[400, 403, 404, 413, 415, 422]),
        Endpoint::declared(Public, Read, routes!(participants::head_count)).fails_with(&[404]),
        Endpoint::declared(Only(ParticipantsWrite), Write, routes!(participants::mark))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(DrawsWrite), Read, routes!(settings::settings)).fails_with(&[404]),
        Endpoint::declared(Only(DrawsWrite), Write, routes!(settings::change))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(DrawsWrite), Read, routes!(organiser_address::organiser)).fails_with(&[404]),
        Endpoint::declared(Only(DrawsWrite), Write, routes!(organiser_address::set_organiser))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(DrawsWrite), Read, routes!(webhooks::webhook)).fails_with(&[404]),
        Endpoint::declared(Only(DrawsWrite), Write, routes!(webhooks::set_webhook))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(DrawsWrite), Write, routes!(webhooks::forget_webhook)).fails_with(&[404]),
        Endpoint::declared(Only(DrawsWrite), Write, routes!(webhooks::retry_webhook)).fails_with(&[404, 409]),
        Endpoint::declared(Only(DrawsWrite), Read, routes!(preview::preview))
            .fails_with(&[400, 404, 413, 415, 422]),
        Endpoint::declared(Only(ParticipantsWrite), Write, routes!(settings::delete))
            .fails_with(&[400, 404, 409]),
        Endpoint::declared(Only(DrawsWrite), Write, routes!(draws::start))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(DrawsWrite), Read, routes!(repeats::repeats)).fails_with(&[404]),
        Endpoint::declared(Only(DrawsWrite), Write, routes!(repeats::create_repeat))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(DrawsWrite), Read, routes!(repeats::repeat)).fails_with(&[404]),
        Endpoint::declared(Only(DrawsWrite), Write, routes!(repeats::change_repeat))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(DrawsWrite), Write, routes!(repeats::delete_repeat)).fails_with(&[404]),
        Endpoint::declared(Public, Read, routes!(draws::list)).fails_with(&[400, 404]),
        Endpoint::declared(Public, Read, routes!(draws::get)).fails_with(&[404]),
        Endpoint::declared(Public, Read, routes!(draws::events)).fails_with(&[400, 404]),
        Endpoint::declared(PublicOr(ResultsRead), Read, routes!(draws::winners)).fails_with(&[400, 404, 406]),
        Endpoint::declared(Only(ResultsRead), Read, routes!(draws::notifications)).fails_with(&[400, 404]),
        Endpoint::declared(Only(DrawsWrite), Write, routes!(draws::retry))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(DrawsWrite), Write, routes!(draws::release))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(DrawsWrite), Write, routes!(draws::replace))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Only(ResultsRead), Read, routes!(draws::seat_taker)).fails_with(&[404, 409]),
        Endpoint::declared(Only(DrawsWrite), Write, routes!(draws::close)).fails_with(&[404, 409]),
        Endpoint::declared(Only(DrawsWrite), Write, routes!(draws::cancel)).fails_with(&[404, 409]),
        Endpoint::declared(Only(DrawsWrite), Write, routes!(draws::change))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(PublicOr(DrawsWrite), Read, routes!(draws::stage)).fails_with(&[404]),
        Endpoint::declared(Only(DrawsWrite), Write, routes!(draws::move_stage))
            .fails_with(&[400, 404, 409, 413, 415, 422]),
        Endpoint::declared(Public, Read, routes!(draws::proof)).fails_with(&[404, 409]),
        Endpoint::declared(Public, Read, routes!(draws::entries)).fails_with(&[400, 404, 409]),
        Endpoint::declared(Public, Read, routes!(draws::inclusion)).fails_with(&[404, 409]),
        Endpoint::declared(Public, Read, routes!(draws::odds)).fails_with(&[400, 404, 409]),
        Endpoint::declared(Public, Read, routes!(claims::claim)).fails_with(&[404]),
        Endpoint::declared(Public, Read, routes!(claims::confirm)).fails_with(&[404, 410]),
    ]
}

/// The whole service.
pub fn router(state: AppState) -> Router {
    router_with(state, Vec::new())
}

/// The whole service, with routes of its host.
pub fn router_with(state: AppState, extra: Vec<Endpoint>) -> Router {
    let mut routes = OpenApiRouter::with_openapi(openapi::empty(&state.config));
    for endpoint in table().into_iter().chain(extra) {
        routes = routes.routes(endpoint.guarded(&state));
    }
    let (router, document) = routes.split_for_parts();
    router
        .fallback(edge::not_found)
        .method_not_allowed_fallback(edge::method_not_allowed)
        .layer(Extension(Document::new(&document)))
        .layer(from_fn_with_state(state.clone(), page::for_people))
        .layer(from_fn(edge::edge))
        .with_state(state)
}

impl Endpoint {
    fn guarded(self, state: &AppState) -> UtoipaMethodRouter<AppState> {
        let Self { access, class, failures, takes_any, routes: (schemas, mut paths, router) } = self;
        let mut known = Parameters::default();
        let prefix = &state.config.scope_prefix;
        for (path, item) in &mut paths.paths {
            let operations: [&mut Option<Operation>; 5] =
                [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
            for (index, operation) in operations.into_iter().enumerate() {
                let Some(operation) = operation else { continue };
                let redirections = if index == 0 { openapi::redirections(path, access) } else { Vec::new() };
                openapi::complete(operation, path, access, prefix, failures, takes_any, &redirections);
                if !takes_any {
                    known.add(METHODS[index].clone(), operation);
                }
            }
        }
        let router = router.route_layer(from_fn_with_state(Arc::new(known), parameters::check));
        let guard = from_fn_with_state(Guard { state: state.clone(), access, class }, guard);
        (schemas, paths, router).map(|router| router.route_layer(guard))
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
            let (declared, paths, _) = endpoint.routes;
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
