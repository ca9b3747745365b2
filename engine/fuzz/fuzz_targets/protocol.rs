//! An operation of the API in the first line, its body in the rest; one engine in memory answers them all.
#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use asl_engine::engine::NoServices;
use asl_engine::service::Service;
use asl_engine::{Clock, Config, Engine, Storage};

static RUNTIME: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"));

static SERVICE: LazyLock<Service> = LazyLock::new(|| {
    let config = Config {
        storage: Storage::Memory,
        region: "us-east-1".to_owned(),
        account: "123456789012".to_owned(),
        clock: Clock::system(),
        invoker: Arc::new(NoServices),
        ..Config::in_memory()
    };
    Service::new(RUNTIME.block_on(Engine::start(config)).expect("an engine in memory starts"))
});

fuzz_target!(|text: &str| {
    let (operation, body) = text.split_once('\n').unwrap_or((text, "{}"));
    let service = &*SERVICE;
    // GetActivityTask and StartSyncExecution may wait; nothing else does.
    let call = async {
        let answer = service.call(operation, body.as_bytes());
        drop(tokio::time::timeout(Duration::from_millis(200), answer).await);
    };
    RUNTIME.block_on(call);
});
