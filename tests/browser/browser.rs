//! A browser for a test: a WebDriver client of what the tests need, and the page's own verbs.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Semaphore, SemaphorePermit};

/// One browser at a time: each is several busy processes.
static TURN: Semaphore = Semaphore::const_new(1);

/// How long the page may take for anything. Far above what it takes: reaching it is a failure.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How often a browser that does not start is started anew.
const STARTS: usize = 3;

/// What the reader of the page has chosen.
#[derive(Clone, Copy)]
pub(crate) struct Reader {
    pub(crate) language: &'static str,
    pub(crate) scheme: &'static str,
    pub(crate) size: (u32, u32),
}

impl Reader {
    pub(crate) const ENGLISH: Reader = Reader { language: "en-US", scheme: "light", size: (1360, 900) };
    pub(crate) const CHINESE: Reader = Reader { language: "zh-CN", scheme: "dark", size: (1360, 900) };
    pub(crate) const PHONE: Reader = Reader { size: (390, 844), ..Reader::ENGLISH };
}

/// A running browser with one window.
pub(crate) struct Browser {
    http: reqwest::Client,
    session: String,
    page: String,
    _driver: Child,
    profile: TempDir,
    _turn: Option<SemaphorePermit<'static>>,
}

impl Browser {
    /// Opens a browser for the page at `page`.
    pub(crate) async fn open(page: &str, reader: Reader) -> Browser {
        let turn = TURN.acquire().await.unwrap();
        Self::open_in_turn(page, reader, Some(turn)).await
    }

    /// Opens another browser for the same page, in this one's turn: somebody else who looks at the same time.
    pub(crate) async fn open_beside(&self, reader: Reader) -> Browser {
        Self::open_in_turn(&self.page, reader, None).await
    }

    async fn open_in_turn(page: &str, reader: Reader, turn: Option<SemaphorePermit<'static>>) -> Browser {
        let http = end_to_end_tests::http();
        let mut starts = 1;
        let (driver, profile, session) = loop {
            match start(&http, reader).await {
                Ok(started) => break started,
                Err(reason) => assert!(starts < STARTS, "no browser: {reason}"),
            }
            starts += 1;
        };
        let browser = Browser { http, session, page: page.to_owned(), _driver: driver, profile, _turn: turn };
        let (width, height) = reader.size;
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        browser.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        let features = json!([{"name": "prefers-color-scheme", "value": reader.scheme}]);
        browser.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
        browser
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> Result<Value, Value> {
        let request = self.http.request(method.clone(), format!("{}{path}", self.session));
        let request = if method == Method::GET { request } else { request.json(&body) };
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        let value = answer["value"].clone();
        if value["error"].is_string() { Err(value) } else { Ok(value) }
    }

    /// A command of the browser's own protocol.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.call(Method::POST, "/goog/cdp/execute", body).await.unwrap()
    }

    /// Opens a view of the page by its part after `#`, as somebody who follows a link does.
    pub(crate) async fn go(&self, view: &str) {
        let url = format!("{}/#{view}", self.page);
        self.call(Method::POST, "/url", json!({"url": "about:blank"})).await.unwrap();
        self.call(Method::POST, "/url", json!({ "url": url })).await.unwrap();
        self.wait("the view", "return document.querySelector('main h1, .stage h1') !== null").await;
    }

    /// Opens another tab and turns to it; `tab` turns back to an earlier one.
    pub(crate) async fn open_tab(&self) -> String {
        let opened = self.call(Method::POST, "/window/new", json!({"type": "tab"})).await.unwrap();
        let tab = opened["handle"].as_str().unwrap().to_owned();
        self.tab(&tab).await;
        tab
    }

    /// The tab that is looked at.
    pub(crate) async fn tab_now(&self) -> String {
        let tab = self.call(Method::GET, "/window", Value::Null).await.unwrap();
        tab.as_str().unwrap().to_owned()
    }

    /// Turns to a tab.
    pub(crate) async fn tab(&self, tab: &str) {
        self.call(Method::POST, "/window", json!({ "handle": tab })).await.unwrap();
    }

    /// Opens any address.
    pub(crate) async fn visit(&self, url: &str) {
        self.call(Method::POST, "/url", json!({ "url": url })).await.unwrap();
    }

    /// Runs a script in the page; `arguments[i]` are the arguments, `return` gives its value, `await` may be used.
    pub(crate) async fn run(&self, script: &str, arguments: Value) -> Value {
        self.try_run(script, arguments).await.unwrap_or_else(|error| panic!("{error}"))
    }

    async fn try_run(&self, script: &str, arguments: Value) -> Result<Value, String> {
        let script = format!(
            "const done = arguments[arguments.length - 1]; const args = Array.from(arguments).slice(0, -1);\
             (async function () {{ {script} }}).apply(null, args).then((value) => done({{ value }}), (error) => done({{ error: String(error.stack ?? error) }}));"
        );
        let answer =
            self.call(Method::POST, "/execute/async", json!({"script": script, "args": arguments})).await;
        let answer = answer.map_err(|error| error.to_string())?;
        if answer["error"].is_null() { Ok(answer["value"].clone()) } else { Err(answer["error"].to_string()) }
    }

    /// Tries until it works: the page may be in the middle of showing something else.
    async fn until<T>(&self, what: &str, attempt: impl AsyncFn() -> Result<T, String>) -> T {
        let began = Instant::now();
        loop {
            let reason = match attempt().await {
                Ok(done) => return done,
                Err(reason) => reason,
            };
            if began.elapsed() > TIMEOUT {
                let text = self.run("return document.body.innerText", json!([])).await;
                let test = std::thread::current().name().unwrap_or("test").replace("::", "-");
                self.screenshot(&format!("gave-up-{test}")).await;
                panic!("gave up waiting for {what} ({reason}); the page shows: {text}");
            }
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    }

    /// Waits until a script gives something true, and answers it.
    pub(crate) async fn wait(&self, what: &str, script: &str) -> Value {
        self.until(what, async || {
            let found = self.try_run(script, json!([])).await?;
            if found.is_null() || found == json!(false) { Err(found.to_string()) } else { Ok(found) }
        })
        .await
    }

    /// Waits until the page has come to rest: nothing has changed for a while, and whatever moves has arrived.
    pub(crate) async fn wait_until_still(&self) {
        let script = "
            let changed = performance.now();
            const watch = new MutationObserver(() => { changed = performance.now(); });
            watch.observe(document.documentElement, { subtree: true, childList: true, attributes: true, characterData: true });
            const began = changed;
            while (performance.now() - changed < 350 && performance.now() - began < 5000) {
              await new Promise((resolve) => setTimeout(resolve, 50));
            }
            watch.disconnect();
            for (const animation of document.getAnimations()) {
              if (animation.effect.getComputedTiming().iterations === Infinity) animation.cancel();
              else animation.finish();
            }";
        self.run(script, json!([])).await;
    }

    /// Waits for an element.
    pub(crate) async fn wait_for(&self, selector: &str) {
        self.wait(selector, &format!("return document.querySelector({}) !== null", json!(selector))).await;
    }

    /// Waits until an element's text holds `part`.
    pub(crate) async fn wait_for_text(&self, selector: &str, part: &str) {
        let script = format!(
            "return [...document.querySelectorAll({})].some((one) => one.textContent.includes({}))",
            json!(selector),
            json!(part)
        );
        self.wait(&format!("{part:?} in {selector}"), &script).await;
    }

    /// The texts of all elements.
    pub(crate) async fn texts(&self, selector: &str) -> Vec<String> {
        let script = "return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)";
        let texts = self.run(script, json!([selector])).await;
        texts.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    }

    async fn element(&self, selector: &str) -> Result<String, String> {
        let body = json!({"using": "css selector", "value": selector});
        let found = self.call(Method::POST, "/element", body).await.map_err(|error| error.to_string())?;
        Ok(found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned())
    }

    /// Does something to an element, which the page may be replacing at the same time.
    async fn act(&self, what: &str, selector: &str, body: Value) -> Result<(), String> {
        let element = self.element(selector).await?;
        let done = self.call(Method::POST, &format!("/element/{element}/{what}"), body).await;
        done.map(drop).map_err(|error| error.to_string())
    }

    /// Clicks as a person does: what is hidden or covered cannot be clicked.
    pub(crate) async fn click(&self, selector: &str) {
        self.until(&format!("a click on {selector}"), async || self.act("click", selector, json!({})).await)
            .await;
    }

    /// Types into a field that is emptied first.
    pub(crate) async fn fill(&self, selector: &str, text: &str) {
        self.until(&format!("typing into {selector}"), async || {
            self.act("clear", selector, json!({})).await?;
            self.act("value", selector, json!({ "text": text })).await
        })
        .await;
    }

    /// Presses a key on the page.
    pub(crate) async fn press(&self, key: &str) {
        let key = match key {
            "Space" => " ",
            "Escape" => "\u{e00c}",
            "Left" => "\u{e012}",
            "Up" => "\u{e013}",
            "Down" => "\u{e015}",
            "Enter" => "\u{e007}",
            "Tab" => "\u{e004}",
            other => other,
        };
        let actions = json!([{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]);
        let body = json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]});
        self.call(Method::POST, "/actions", body).await.unwrap();
    }

    /// Drops a file of this text on an element.
    pub(crate) async fn drop_file(&self, selector: &str, name: &str, content: &str) {
        self.drop_bytes(selector, name, content.as_bytes()).await;
    }

    /// Drops a file of these bytes on an element.
    pub(crate) async fn drop_bytes(&self, selector: &str, name: &str, content: &[u8]) {
        self.wait_for(selector).await;
        let script = "
            const transfer = new DataTransfer();
            const bytes = Uint8Array.from(atob(arguments[2]), (character) => character.charCodeAt(0));
            transfer.items.add(new File([bytes], arguments[1]));
            const place = document.querySelector(arguments[0]);
            for (const type of ['dragenter', 'dragover', 'drop']) {
              place.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
            }";
        self.run(script, json!([selector, name, STANDARD.encode(content)])).await;
    }

    /// Pastes a text on the page, as Ctrl-V does.
    pub(crate) async fn paste(&self, text: &str) {
        let script = "
            const clipboardData = new DataTransfer();
            clipboardData.setData('text/plain', arguments[0]);
            document.body.dispatchEvent(new ClipboardEvent('paste', { bubbles: true, cancelable: true, clipboardData }));";
        self.run(script, json!([text])).await;
    }

    /// A file that the page has given to keep, once it is whole: its path.
    pub(crate) async fn downloaded(&self, name: &str) -> PathBuf {
        let path = downloads(&self.profile).join(name);
        self.until(&format!("the file {name}"), async || {
            let there = std::fs::read_dir(downloads(&self.profile)).map_err(|error| error.to_string())?;
            let names: Vec<_> = there.map(|entry| entry.unwrap().file_name()).collect();
            // The name is taken by an empty file first; what is downloaded is beside it, and moved to it at the end.
            let is_whole = std::fs::metadata(&path).is_ok_and(|file| file.len() > 0);
            if is_whole { Ok(()) } else { Err(format!("{names:?}")) }
        })
        .await;
        path
    }

    /// Keeps what the window shows as `target/screenshots/NAME.png`.
    pub(crate) async fn screenshot(&self, name: &str) {
        let shot = self.call(Method::GET, "/screenshot", Value::Null).await.unwrap();
        let image = STANDARD.decode(shot.as_str().unwrap()).unwrap();
        let folder = screenshots();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), image).unwrap();
    }

    /// Signs in with a token, as the form does.
    pub(crate) async fn sign_in(&self, token: &str) {
        self.go("/console").await;
        self.fill("input[name=token]", token).await;
        self.click("form button[type=submit]").await;
        self.wait_for("form input[name=id]").await;
    }

    /// What the page has complained about since it was last asked: errors of scripts, and of its policy.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.call(Method::POST, "/se/log", json!({"type": "browser"})).await.unwrap();
        let entries = log.as_array().unwrap().iter();
        let severe = entries.filter(|entry| entry["level"] == "SEVERE" && entry["source"] != "network");
        severe.map(|entry| entry["message"].as_str().unwrap().to_owned()).collect()
    }
}

/// Starts a driver and its browser: the session's address, with what it lives by.
async fn start(http: &reqwest::Client, reader: Reader) -> Result<(Child, TempDir, String), String> {
    let profile = tempfile::tempdir().unwrap();
    let (driver, port) = start_driver().await?;
    let (width, height) = reader.size;
    let arguments = [
        "--headless=new".to_owned(),
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-quic".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--no-first-run".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        "--hide-scrollbars".to_owned(),
        format!("--window-size={width},{height}"),
        format!("--user-data-dir={}", profile.path().display()),
    ];
    let preferences = json!({
        "intl.accept_languages": reader.language,
        "download.default_directory": downloads(&profile),
        "profile.default_content_setting_values.automatic_downloads": 1,
    });
    let wishes = json!({"capabilities": {"alwaysMatch": {
        "browserName": "chrome",
        "goog:chromeOptions": {"args": arguments, "prefs": preferences},
        "goog:loggingPrefs": {"browser": "ALL"},
        "timeouts": {"script": 60_000},
    }}});
    let base = format!("http://127.0.0.1:{port}/session");
    let answer = http.post(&base).json(&wishes).send().await.map_err(|error| error.to_string())?;
    let answer: Value = answer.json().await.map_err(|error| error.to_string())?;
    let id = answer["value"]["sessionId"].as_str().ok_or_else(|| answer.to_string())?;
    Ok((driver, profile, format!("{base}/{id}")))
}

/// Where a browser keeps what it is given.
fn downloads(profile: &TempDir) -> PathBuf {
    profile.path().join("downloads")
}

/// Where screenshots go: beside what is built.
fn screenshots() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    target.map_or_else(|| std::env::temp_dir().join("screenshots"), |target| target.join("screenshots"))
}

/// Starts the driver on a free port. `tests/tools/setup` installs it.
///
/// The driver takes a port that is free on IPv4 and then needs the same number on IPv6: where another program holds
/// that one, it ends. Such an end is an error of this start, which the caller repeats.
async fn start_driver() -> Result<(Child, u16), String> {
    let program = ["/usr/bin/chromedriver", "/usr/lib/chromium/chromedriver"];
    let program = program.into_iter().find(|path| Path::new(path).exists()).unwrap_or("chromedriver");
    let mut driver = Command::new(program)
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{program} does not start ({error}): run tests/tools/setup"));
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    loop {
        let line = lines.next_line().await.unwrap().ok_or("the driver ends before it listens")?;
        if let Some((_, rest)) = line.split_once("successfully on port ") {
            let port = rest.trim_end_matches('.').parse().unwrap();
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok((driver, port));
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends its browser only when it is asked to; it is killed right after.
        let session = self.session.clone();
        let asked = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let quit = end_to_end_tests::http().delete(session).send();
                let _ = tokio::time::timeout(Duration::from_secs(10), quit).await;
            });
        });
        let _ = asked.join();
    }
}
