//! The page for people, and the health check. The page's files are part of the binary: plain modules, style
//! sheets and markup as they lie in `api/web`, with no build step between.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::header::{ACCEPT, CONTENT_SECURITY_POLICY, VARY};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::cache_control::CacheRule;
use crate::error::ApiError;
use crate::state::AppState;

/// Nothing from elsewhere, nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'";

/// A file of the page.
struct File {
    path: &'static str,
    content: &'static str,
}

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        [$(File { path: $path, content: include_str!(concat!("../web/", $path)) }),*]
    };
}

const INDEX: &str = include_str!("../web/index.html");

/// All that the page loads. The state machine is the very file that is deployed, so that its picture is too.
static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
    let mut files = Vec::from(files![
        "api.js",
        "app.js",
        "claims.js",
        "connection.js",
        "dialog.js",
        "dom.js",
        "download.js",
        "draws.js",
        "follow.js",
        "format.js",
        "icon.svg",
        "paging.js",
        "passed_on.js",
        "poll.js",
        "qr.js",
        "receipt.js",
        "router.js",
        "session.js",
        "time_field.js",
        "watch.js",
        "zone.js",
        "execution/actions.js",
        "execution/code.js",
        "execution/events.js",
        "execution/iterations.js",
        "execution/operations.js",
        "execution/parts.js",
        "execution/test_state.js",
        "execution/tokens.js",
        "execution/versions.js",
        "graph/canvas.js",
        "graph/layers.js",
        "graph/layout.js",
        "graph/model.js",
        "graph/picture.js",
        "history/events.js",
        "history/fold.js",
        "history/frames.js",
        "history/outcomes.js",
        "i18n/en.js",
        "i18n/index.js",
        "i18n/zh-CN.js",
        "list/big.js",
        "list/big_cards.js",
        "list/columns.js",
        "list/country.js",
        "list/cut.js",
        "list/import.js",
        "list/options.js",
        "list/pace.js",
        "list/people.js",
        "list/person.js",
        "list/preview.js",
        "list/progress.js",
        "list/question.js",
        "list/remarks.js",
        "list/send.js",
        "list/stoppable.js",
        "list/tally.js",
        "list/template.js",
        "list/upload.js",
        "stage/cast.js",
        "stage/confetti.js",
        "stage/countdown.js",
        "stage/frame.js",
        "stage/globe.js",
        "stage/grid.js",
        "stage/kept.js",
        "stage/lobby.js",
        "stage/people.js",
        "stage/program.js",
        "stage/release.js",
        "stage/scenes.js",
        "stage/setup.js",
        "stage/sound.js",
        "stage/step.js",
        "stage/wall.js",
        "style/base.css",
        "style/console.css",
        "style/execution.css",
        "style/inbox.css",
        "style/list.css",
        "style/public.css",
        "style/stage.css",
        "verify/beacon.js",
        "verify/bls.js",
        "verify/bls_worker.js",
        "verify/bytes.js",
        "verify/certificate.js",
        "verify/changes.js",
        "verify/der.js",
        "verify/entries.js",
        "verify/noble-bls12-381.js",
        "verify/ranking.js",
        "verify/roots.js",
        "verify/shape.js",
        "verify/signature.js",
        "verify/receipt.js",
        "verify/steps.js",
        "verify/witness.js",
        "views/claim.js",
        "views/claim_choice.js",
        "views/compare.js",
        "views/console.js",
        "views/door.js",
        "views/draw.js",
        "views/draw_form.js",
        "views/execution.js",
        "views/executions.js",
        "views/folded.js",
        "views/home.js",
        "views/inbox.js",
        "views/join.js",
        "views/lottery.js",
        "views/lottery_console.js",
        "views/lottery_settings.js",
        "views/me.js",
        "views/notifications.js",
        "views/opted_out.js",
        "views/own_words.js",
        "views/quota_form.js",
        "views/release.js",
        "views/repeats.js",
        "views/replace.js",
        "views/sign_in.js",
        "views/stage.js",
        "views/stage_lobby.js",
        "views/stage_remote.js",
        "views/state_details.js",
        "views/state_machine.js",
        "views/state_machines.js",
        "views/timeline.js",
        "views/verify.js",
        "views/waiting.js",
        "views/webhook.js",
        "views/winners.js",
    ]);
    files.push(File { path: "lottery.asl.json", content: state_machines::LOTTERY });
    files
});

/// Identifies a build: the page's files are served under it and name each other relative to it.
static BUILD: LazyLock<String> = LazyLock::new(|| {
    let mut digest = Sha256::new_with_prefix(INDEX);
    FILES.iter().for_each(|file| digest.update(file.content));
    lottery::hex(&digest.finalize()[..8])
});

/// The page of this build: it loads files of this build and no other.
fn page() -> Answer {
    let page = INDEX.replace("\"page/", &format!("\"page/{}/", *BUILD));
    Answer::new(page, "text/html; charset=utf-8", CacheRule::Page).compressible()
}

/// The page of a service without a bucket for lists.
pub(crate) fn without_uploads() -> Arc<Answer> {
    static PAGE: LazyLock<Arc<Answer>> = LazyLock::new(|| Arc::new(with_policy(page())));
    PAGE.clone()
}

/// The page that sends big lists to the bucket at `address`, and reads what came of them there: its policy allows that address
/// and those below, and no other. An address that cannot stand in a policy is not allowed.
pub(crate) fn with_uploads(address: &str) -> Arc<Answer> {
    let is_source = address.bytes().all(|byte| byte.is_ascii_graphic() && !b";,'\"".contains(&byte));
    let policy = HeaderValue::try_from(format!("{POLICY} {address}")).ok().filter(|_| is_source);
    match policy {
        Some(policy) => Arc::new(page().with_header(CONTENT_SECURITY_POLICY, policy)),
        None => without_uploads(),
    }
}

/// Each file's responses: under the tag of the build, and without it.
static ANSWERS: LazyLock<HashMap<&'static str, [Answer; 2]>> = LazyLock::new(|| {
    let answers = |file: &File| [CacheRule::Immutable, CacheRule::Revalidated].map(|rule| file.answer(rule));
    FILES.iter().map(|file| (file.path, answers(file))).collect()
});

/// A 304 has the policy too: a browser applies its headers to the cached copy.
fn with_policy(answer: Answer) -> Answer {
    answer.with_header(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY))
}

/// The page.
#[utoipa::path(get, path = "/", tag = "page",
    responses((status = 200, description = "The page, for people", content_type = "text/html")))]
pub(crate) async fn index(State(state): State<AppState>, headers: HeaderMap) -> Response {
    state.page.respond(&headers)
}

/// A file of the page.
#[utoipa::path(get, path = "/page/{file}", tag = "page",
    responses((status = 200, description = "A script, a style sheet or an icon", content_type = "text/javascript")))]
pub(crate) async fn file(Path(file): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    respond(&file, CacheRule::Revalidated, &headers)
}

/// A file in a folder of the page, or one of this build.
#[utoipa::path(get, path = "/page/{folder}/{file}", tag = "page",
    responses((status = 200, description = "A script or a style sheet", content_type = "text/javascript")))]
pub(crate) async fn file_in_folder(
    Path((folder, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if folder == *BUILD {
        return respond(&file, CacheRule::Immutable, &headers);
    }
    respond(&format!("{folder}/{file}"), CacheRule::Revalidated, &headers)
}

/// A file in a folder of the page of this build. Modules of two builds must never meet: those of another are not found.
#[utoipa::path(get, path = "/page/{build}/{folder}/{file}", tag = "page",
    responses((status = 200, description = "A script or a style sheet", content_type = "text/javascript")))]
pub(crate) async fn file_of_build(
    Path((build, folder, file)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if build != *BUILD {
        return Err(ApiError::not_found("the page of this build has no such file; load the page anew"));
    }
    respond(&format!("{folder}/{file}"), CacheRule::Immutable, &headers)
}

fn respond(path: &str, rule: CacheRule, headers: &HeaderMap) -> Result<Response, ApiError> {
    let [immutable, revalidated] =
        ANSWERS.get(path).ok_or_else(|| ApiError::not_found("the page has no such file"))?;
    Ok(if rule == CacheRule::Immutable { immutable } else { revalidated }.respond(headers))
}

impl File {
    fn answer(&self, rule: CacheRule) -> Answer {
        with_policy(Answer::new(self.content, self.content_type(), rule).compressible())
    }

    fn content_type(&self) -> &'static str {
        match self.path.rsplit_once('.').map(|(_, extension)| extension) {
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "application/json",
        }
    }
}

/// Shows the page to a person who follows a link to a lottery or a draw, such as the one in a winner's message;
/// programs, which do not ask for HTML, get the data.
pub(crate) async fn for_people(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if request.method() == Method::GET
        && let Some(view) = view_of(path)
        && asks_for_a_page(request.headers())
    {
        let public_url = state.config.public_url.as_deref().unwrap_or_default();
        let mut response = Redirect::to(&format!("{public_url}/#{view}")).into_response();
        response.headers_mut().insert(VARY, HeaderValue::from_name(ACCEPT));
        return response;
    }
    next.run(request).await
}

/// The view of what is at this address, if there is one for people.
pub(crate) fn view_of(path: &str) -> Option<&str> {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["", "lotteries"] => Some("/"),
        ["", "lotteries", _]
        | ["", "lotteries", _, "join"]
        | ["", "lotteries", _, "draws", _]
        | ["", "claims", _] => Some(path),
        _ => None,
    }
}

/// Browsers name HTML first when a person follows a link, and never when a script asks.
fn asks_for_a_page(headers: &HeaderMap) -> bool {
    headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.trim_start().to_ascii_lowercase().starts_with("text/html"))
}

/// That the service runs.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`.
    status: &'static str,
    /// The version of this service.
    version: &'static str,
}

/// Liveness: responds without calling a backend. 503 names the part that is down.
#[utoipa::path(get, path = "/healthz", tag = "service",
    responses((status = 200, description = "The service runs", body = Health)))]
pub(crate) async fn health(State(state): State<AppState>) -> Result<Json<Health>, ApiError> {
    match (state.health)() {
        Ok(()) => Ok(Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") })),
        Err(sentence) => Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "Down", sentence).retry_after(5)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_page_is_part_of_the_binary() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for file in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
                if file.is_dir() {
                    folders.push(file);
                    continue;
                }
                let path = file.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
                // Types of vendored code are for the checker of the page's scripts alone.
                if path.ends_with(".d.ts") {
                    continue;
                }
                let is_served = path == "index.html" || FILES.iter().any(|served| served.path == path);
                assert!(is_served, "{path} is not served");
            }
        }
    }

    #[test]
    fn the_code_of_others_is_what_was_looked_at_and_keeps_its_licence() {
        let path = "verify/noble-bls12-381.js";
        let file = FILES.iter().find(|file| file.path == path).unwrap();
        let hash = lottery::hex(&Sha256::digest(file.content));
        assert_eq!(hash, "282f63b6e43947d1d4a92b423b03f59d0ca9b6bfdc6bff3b8f3c94f36048a7dd", "{path}");
        assert!(file.content.contains("The MIT License") && file.content.contains("Paul Miller"));
    }

    #[test]
    fn the_page_loads_files_of_its_own_build_alone() {
        let page = INDEX.replace("\"page/", "\"page/BUILD/");
        let loaded = page.matches("\"page/BUILD/").count();
        assert!(loaded > 10 && page.matches("page/").count() == loaded, "{page}");
        for file in FILES.iter().filter(|file| file.path.ends_with(".js")) {
            // A module that named another by the address of the page would leave its build.
            assert!(
                !file.content.contains("from \"/") && !file.content.contains("import(\"/"),
                "{}",
                file.path
            );
        }
    }

    #[test]
    fn scripts_never_make_markup_or_code_from_text() {
        let forbidden = [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "DOMParser",
            "createContextualFragment",
            "eval(",
            "new Function",
            "setAttribute(\"style\"",
        ];
        for file in FILES.iter().filter(|file| file.path.ends_with(".js")) {
            let found = forbidden.iter().find(|word| file.content.contains(**word));
            assert_eq!(found, None, "{}", file.path);
        }
    }

    #[test]
    fn the_page_may_speak_to_its_service_and_to_the_bucket_of_lists_alone() {
        let policy = |page: Arc<Answer>| {
            let response = page.respond(&HeaderMap::new());
            response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned()
        };
        let own = policy(without_uploads());
        assert!(own.starts_with("default-src 'none'; ") && own.ends_with("; connect-src 'self'"), "{own}");
        let lists = "https://lists.s3.eu-central-1.amazonaws.com/";
        assert_eq!(policy(with_uploads(lists)), format!("{own} {lists}"));
        for broken in
            ["https://a b/", "https://a/;script-src *", "https://a/\n", "https://a/ 'unsafe-inline'"]
        {
            assert_eq!(policy(with_uploads(broken)), own, "{broken}");
        }
    }

    #[test]
    fn only_a_person_who_follows_a_link_is_shown_the_page() {
        let asks = |accept: &'static str| {
            asks_for_a_page(&HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]))
        };
        assert!(asks("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
        assert!(!asks("*/*"));
        assert!(!asks("application/json"));
        assert!(!asks_for_a_page(&HeaderMap::new()));
        assert_eq!(view_of("/lotteries/party/draws/summer"), Some("/lotteries/party/draws/summer"));
        assert_eq!(view_of("/lotteries"), Some("/"));
        assert_eq!(view_of("/lotteries/party/draws/summer/proof"), None);
        assert_eq!(view_of("/openapi.json"), None);
    }
}
