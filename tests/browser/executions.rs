//! The executions page as a developer uses it: what failed, why, and what to do about it.

use serde_json::{Value, json};

use crate::browser::{Browser, Reader};
use end_to_end_tests::stack::{self, Started};

const READER: Reader = Reader { size: (1280, 720), ..Reader::ENGLISH };
const ROLE: &str = "arn:aws:iam::123456789012:role/any";

async fn call(stack: &Started, action: &str, body: Value) -> Value {
    call_with(&end_to_end_tests::http(), stack, action, body).await
}

async fn call_with(http: &reqwest::Client, stack: &Started, action: &str, body: Value) -> Value {
    let request = http
        .post(stack.aws())
        .header("x-amz-target", format!("AWSStepFunctions.{action}"))
        .header("content-type", "application/x-amz-json-1.0")
        .body(body.to_string());
    request.send().await.unwrap().json().await.unwrap()
}

/// Starts an execution of this name, of a machine of this name, which is made first.
async fn start(stack: &Started, name: &str, definition: &Value, input: &Value) -> String {
    let body = json!({"name": name, "definition": definition.to_string(), "roleArn": ROLE});
    let made = call(stack, "CreateStateMachine", body).await;
    let machine = made["stateMachineArn"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    let body = json!({"stateMachineArn": machine, "name": format!("{name}-1"), "input": input.to_string()});
    let started = call(stack, "StartExecution", body).await;
    assert!(started["executionArn"].is_string(), "{started}");
    machine
}

async fn open(stack: &Started) -> Browser {
    let browser = Browser::open(stack.api(), READER).await;
    browser.sign_in(stack.token()).await;
    browser
}

/// A Map over so many items, one of which fails.
fn map(items: usize, bad: Option<usize>) -> (Value, Value) {
    let processor = json!({"StartAt": "Look", "States": {
        "Look": {"Type": "Choice", "Choices": [{"Variable": "$.bad", "BooleanEquals": true, "Next": "Explode"}], "Default": "Fine"},
        "Explode": {"Type": "Fail", "Error": "Broken", "Cause": "this item is bad"},
        "Fine": {"Type": "Pass", "End": true}}});
    let definition = json!({"StartAt": "Each", "States": {"Each": {"Type": "Map", "ItemsPath": "$.items", "End": true,
        "ResultSelector": {"done": true}, "ItemProcessor": processor}}});
    let items: Vec<Value> = (0..items).map(|index| json!({"bad": Some(index) == bad})).collect();
    (definition, json!({"items": items}))
}

#[tokio::test]
async fn what_failed_and_was_caught_looks_so_and_its_retries_are_seen() {
    let stack = stack::start().await;
    let definition = json!({"StartAt": "Both", "States": {
        "Both": {"Type": "Parallel", "Next": "Unseen",
            "Retry": [{"ErrorEquals": ["Boom"], "IntervalSeconds": 1, "MaxAttempts": 1}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Explode"}],
            "Branches": [{"StartAt": "Long", "States": {"Long": {"Type": "Wait", "Seconds": 600, "End": true}}},
                {"StartAt": "Bang", "States": {"Bang": {"Type": "Fail", "Error": "Boom", "Cause": "as it was told"}}}]},
        "Unseen": {"Type": "Succeed"},
        "Explode": {"Type": "Fail", "Error": "Final", "Cause": "nothing catches this"}}});
    start(&stack, "caught", &definition, &json!({})).await;
    let browser = open(&stack).await;
    browser.go("/executions/caught-1").await;
    browser.wait_for(".facts [data-status=FAILED]").await;
    browser.wait_for("[data-state=Both][data-status=caught]").await;
    browser.wait_for_text("[data-state=Both] .mark", "↻1").await;
    browser.wait_for("[data-state=Bang][data-status=failed]").await;
    browser.wait_for("[data-state=Long][data-status=aborted]").await;
    browser.wait_for("[data-state=Unseen][data-status=idle]").await;
    // It opens on the state that failed, not on the one that was caught, and says why above.
    browser.wait_for_text(".state-details h2", "Explode").await;
    browser.wait_for_text(".banner", "nothing catches this").await;
    browser.screenshot("execution-caught").await;

    browser.click("[data-state=Bang]").await;
    browser.wait_for_text(".state-details .of-visits", "/ 2").await;
    browser.wait_for_text(".state-details .duration", "0 ms").await;
    browser.wait_for_text(".state-details .reason", "as it was told").await;
    browser.click("[data-state=Both] .letter").await;
    browser.wait_for_text(".state-details [data-attempt='2']", "Boom").await;
    // The events of the whole state are beside it, not beside the state in it that failed.
    browser.click(".tabs [data-part=history]").await;
    let beside = "return [...document.querySelectorAll('.event')].filter((one) => /ParallelState/.test(one.textContent)).every((one) => one.querySelector('.of').textContent === 'Both')";
    browser.wait("events beside the right state", beside).await;
    browser.fill("[name=event-search]", "boom").await;
    browser.click(".event-list select option[value=errors]").await;
    browser.screenshot("execution-events").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_iteration_that_failed_is_found_and_the_execution_redriven() {
    let stack = stack::start().await;
    let (definition, input) = map(1_600, Some(1_204));
    start(&stack, "each", &definition, &input).await;
    let browser = open(&stack).await;
    browser.go("/executions/each-1").await;
    browser.wait_for_text(".state-details h2", "Explode").await;
    browser.wait_for_text(".state-details .where", "iteration 1204").await;
    browser.click("[data-state=Each] .letter").await;
    browser.wait_for(".iterations [data-index='1204']").await;
    browser.click("[name=iteration-status] option[value='']").await;
    browser.wait_for(".iterations [data-index='14']").await;
    browser.click("[data-page='pages.next']").await;
    browser.wait_for(".iterations [data-index='29']").await;
    browser.screenshot("execution-iterations").await;
    let jump = "const field = document.querySelector('[name=iteration]'); field.value = '1000'; field.dispatchEvent(new Event('change'))";
    browser.run(jump, json!([])).await;
    browser.wait_for_text(".state-details .where", "iteration 1000").await;
    browser.click("input[name=code]").await;
    browser.wait_for_text(".line-of-code.chosen", "Fine").await;
    browser.screenshot("execution-code").await;
    browser.click(".actions-bar [data-act=redrive]").await;
    browser.wait_for_text(".facts", "redriven 1×").await;
    browser.wait_for(".facts [data-status=FAILED]").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_state_that_failed_in_one_of_its_many_visits_is_opened_at_that_visit() {
    let stack = stack::start().await;
    let processor = json!({"StartAt": "Look", "States": {
        "Look": {"Type": "Choice", "Choices": [{"Variable": "$.weight", "NumericGreaterThan": 0, "Next": "Fine"}]},
        "Fine": {"Type": "Pass", "End": true}}});
    let definition = json!({"StartAt": "Each", "States": {"Each": {"Type": "Map", "End": true, "ItemProcessor": processor}}});
    let items: Vec<Value> = (0..1_500)
        .map(|index| if index == 1_204 { json!({"n": index}) } else { json!({"n": index, "weight": 1}) })
        .collect();
    start(&stack, "weighed", &definition, &json!(items)).await;
    let browser = open(&stack).await;
    // The visit that failed is in the last of several pages of the history.
    browser.go("/executions/weighed-1").await;
    browser.wait_for_text(".state-details h2", "failed").await;
    browser.wait_for_text(".state-details .where", "iteration 1204").await;
    let overlap =
        "const box = (of) => document.querySelector(`[data-state=Look] ${of}`).getBoundingClientRect();
        return box('.type').width === 0 || box('.type').right <= box('.count-of').left";
    browser.wait("a count beside the type, not on it", overlap).await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_nested_execution_is_a_link_from_the_state_that_started_it() {
    let stack = stack::start_with(|config| config.iam = None).await;
    let pass = json!({"StartAt": "Inner", "States": {"Inner": {"Type": "Pass", "End": true}}});
    let child = start(&stack, "child", &pass, &json!({})).await;
    let call = json!({"StartAt": "Ask", "States": {"Ask": {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": child, "Name": "of-parent"}, "End": true}}});
    start(&stack, "parent", &call, &json!({})).await;
    let browser = open(&stack).await;
    browser.go("/executions/parent-1").await;
    browser.wait_for(".facts [data-status=SUCCEEDED]").await;
    browser.click("[data-state=Ask]").await;
    browser.click(".state-details a[href*=of-parent]").await;
    browser.wait_for("[data-state=Inner][data-status=succeeded]").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_running_clock_runs_and_a_waiting_token_is_answered() {
    let stack = stack::start_with(|config| config.iam = None).await;
    let topic = "arn:aws:sns:us-east-1:123456789012:local-operator";
    let definition = json!({"StartAt": "Ask", "States": {"Ask": {"Type": "Task", "Resource": "arn:aws:states:::sns:publish.waitForTaskToken",
        "Parameters": {"TopicArn": topic, "Message": {"token.$": "$$.Task.Token"}}, "TimeoutSeconds": 3600, "End": true}}});
    start(&stack, "approval", &definition, &json!({})).await;
    let browser = open(&stack).await;
    browser.go("/executions/approval-1").await;
    browser.wait("a clock that runs", "return parseFloat(document.querySelector('.elapsed')?.textContent) >= 1 && /s$/.test(document.querySelector('.elapsed').textContent) && !/ms$/.test(document.querySelector('.elapsed').textContent)").await;
    browser
        .wait("the token", "return document.querySelector('.tokens [name=token]').value.length >= 32")
        .await;
    browser.screenshot("execution-token").await;
    browser.click(".tokens [data-act=SendTaskHeartbeat]").await;
    browser.fill(".tokens [name=output]", r#"{"approved": true}"#).await;
    browser.click(".tokens [data-act=SendTaskSuccess]").await;
    browser.wait_for(".facts [data-status=SUCCEEDED]").await;
    browser.click(".tabs [data-part=data]").await;
    browser.wait_for_text(".whole pre", "approved").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
#[allow(clippy::print_stdout, reason = "the figures are what the test is for")]
async fn an_execution_of_25_000_events_opens_soon_and_shows_no_more_than_fits() {
    let stack = stack::start().await;
    let (definition, input) = map(4_160, None);
    start(&stack, "large", &definition, &input).await;
    let browser = open(&stack).await;
    browser.go("/executions").await;
    browser.wait_for(".executions [data-status=SUCCEEDED]").await;
    let opened = browser
        .run(
            "const began = performance.now();
             location.hash = '#/executions/large-1';
             while (!/24,9|25,0/.test(document.querySelector('.facts')?.textContent ?? '')) await new Promise((resolve) => setTimeout(resolve, 5));
             return performance.now() - began;",
            json!([]),
        )
        .await;
    browser.click(".tabs [data-part=history]").await;
    browser.wait_for(".event").await;
    let heap = browser.run("return performance.memory.usedJSHeapSize / 1e6", json!([])).await;
    let elements = browser.run("return document.querySelectorAll('*').length", json!([])).await;
    println!("25,000 events: open after {opened} ms, {heap} MB, {elements} elements");
    assert!(heap.as_f64().unwrap() < 100.0, "{heap} MB");
    assert!(elements.as_u64().unwrap() < 2_500, "{elements} elements");
    let end = "const list = document.querySelector('.events'); list.scrollTop = list.scrollHeight;";
    browser.run(end, json!([])).await;
    browser.wait_for_text(".event .type", "ExecutionSucceeded").await;
    browser.screenshot("execution-large").await;
}

#[tokio::test]
async fn the_list_is_paged_and_filtered_where_the_executions_are_and_its_address_says_how() {
    let stack = stack::start().await;
    let pass = json!({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}});
    let wait = json!({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 600, "End": true}}});
    start(&stack, "slow", &wait, &json!({})).await;
    let quick = start(&stack, "quick", &pass, &json!({})).await;
    let http = end_to_end_tests::http();
    for number in 0..1_100 {
        let body = json!({"stateMachineArn": quick, "name": format!("run-{number:04}"), "input": "{}"});
        call_with(&http, &stack, "StartExecution", body).await;
    }
    let browser = open(&stack).await;
    browser.go("/executions").await;
    browser.wait_for_text(".executions tbody a", "run-1099").await;
    browser.wait_for_text(".status-counts [data-status='']", "1,102").await;
    assert_eq!(browser.texts(".executions tbody tr").await.len(), 50);
    browser.screenshot("executions-list").await;
    // What started before a thousand others is there all the same.
    browser.click(".filters select option[value=slow]").await;
    browser.wait_for_text(".executions tbody a", "slow-1").await;
    browser.click(".filters select option[value='']").await;
    browser.click(".status-counts [data-status=RUNNING]").await;
    browser.wait("one row", "return document.querySelectorAll('.executions tbody tr').length === 1").await;
    let address = browser.run("return location.hash", json!([])).await;
    assert_eq!(address, "#/executions?status=RUNNING");
    browser.click("[data-act=StopExecution]").await;
    browser.wait_for_text(".status-counts [data-status=ABORTED]", "1").await;
    browser.go("/executions?name=run-07&state_machine=quick").await;
    browser.wait_for_text(".executions tbody a", "run-0799").await;
    browser.click("[data-page=next]").await;
    browser.wait_for_text(".executions tbody a", "run-0749").await;
    browser.wait("the page in the address", "return /cursor=\\d+/.test(location.hash)").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_machine_is_written_with_a_mistake_mended_tested_run_and_compared() {
    let stack = stack::start().await;
    let browser = open(&stack).await;
    browser.go("/state-machines").await;
    browser.fill("input[name=machine]", "mine").await;
    browser.click(".new-machine button[type=submit]").await;
    browser.wait_for(".lint-verdict.good").await;
    let write = |definition: &Value| {
        let text = serde_json::to_string_pretty(definition).unwrap();
        json!([text])
    };
    let typing = "const text = document.querySelector('.editor'); text.value = arguments[0]; text.dispatchEvent(new Event('input'))";
    let mut definition = json!({"StartAt": "Sum", "States": {
        "Sum": {"Type": "Pass", "Parameters": {"sum.$": "States.MathAdd($.a, $.b)"}, "ResultPath": "$.out", "Next": "Shw"},
        "Show": {"Type": "Succeed", "OutputPath": "$.out"}}});
    browser.run(typing, write(&definition)).await;
    browser.wait_for_text(".findings li.bad", "Shw").await;
    browser.wait_for(".numbers .bad").await;
    browser.screenshot("machine-mistake").await;
    definition["States"]["Sum"]["Next"] = "Show".into();
    browser.run(typing, write(&definition)).await;
    browser.wait_for(".lint-verdict.good").await;
    browser.wait_for(".graph [data-state=Show]").await;
    browser.click("[name=save]").await;
    browser.wait("it is saved", "return document.querySelector('[name=save]').disabled").await;

    // A version keeps the definition, whatever is saved later, and can be run and brought back.
    browser.click("[name=publish]").await;
    browser.wait_for("[data-version='1']").await;
    let mut later = definition.clone();
    later["States"]["Show"] = json!({"Type": "Fail", "Error": "Later"});
    browser.run(typing, write(&later)).await;
    browser.wait_for(".graph [data-state=Show]").await;
    browser.click("[name=save]").await;
    browser.wait("it is saved", "return document.querySelector('[name=save]').disabled").await;
    browser.click("[data-version='1'] [name=show]").await;
    browser
        .wait("the version's text", "return document.querySelector('.editor').value.includes('Succeed')")
        .await;
    browser.click("[name=save]").await;
    browser.wait("it is saved", "return document.querySelector('[name=save]').disabled").await;
    browser.screenshot("machine-versions").await;

    browser.click(".graph [data-state=Sum]").await;
    browser.click("[name=test]").await;
    browser.fill("[name=test-input]", r#"{"a": 20, "b": 3}"#).await;
    browser.click("[name=run]").await;
    browser.wait_for_text("[data-step=afterParameters] pre", "\"sum\": 23").await;
    browser.wait_for_text("[data-step=output] pre", "\"out\"").await;
    browser.screenshot("machine-test").await;
    browser.click(".test-state .view-head button").await;

    for input in [r#"{"a": 1, "b": 2}"#, r#"{"a": 1}"#] {
        browser.fill(".start [name=input]", input).await;
        browser.click("[name=start]").await;
        browser.wait_for(".facts [data-status=SUCCEEDED], .facts [data-status=FAILED]").await;
        browser.click(".actions-bar a[href*=state-machines]").await;
        browser.wait_for(".start [name=input]").await;
    }
    let remembered =
        browser.run("return document.querySelector('.start [name=input]').value", json!([])).await;
    assert_eq!(remembered, r#"{"a": 1}"#);
    browser.go("/executions?state_machine=mine").await;
    browser.click(".executions tbody tr:nth-child(1) a").await;
    browser.click(".actions-bar a[href$=compare]").await;
    browser.click("[name=other] option:nth-child(2)").await;
    browser.wait_for(".compare tr.differs[data-state=Sum]").await;
    browser.screenshot("machine-compare").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn every_view_of_executions_is_in_both_languages() {
    let stack = stack::start().await;
    let (definition, input) = map(30, Some(7));
    let machine = start(&stack, "each", &definition, &input).await;
    let machine = machine.replace(':', "%3A");
    let execution = machine.replace("stateMachine", "execution") + "%3Aeach-1";
    let views = [
        ("list", "/executions".to_owned(), ".executions tbody tr"),
        ("execution", "/executions/each-1".to_owned(), ".state-details h2"),
        ("machines", "/state-machines".to_owned(), ".machines tbody tr"),
        ("machine", format!("/state-machines/{machine}"), ".lint-verdict.good"),
        ("compare", format!("/executions/{execution}/compare"), "[name=other]"),
    ];
    for reader in [READER, Reader { size: (1280, 720), ..Reader::CHINESE }] {
        let browser = Browser::open(stack.api(), reader).await;
        browser.sign_in(stack.token()).await;
        for (name, view, ready) in &views {
            browser.go(view).await;
            browser.wait_for(ready).await;
            browser.wait_until_still().await;
            browser.screenshot(&format!("executions-{}-{name}", reader.language)).await;
            // Without scrolling sideways, in a window of this size.
            let over =
                browser.run("return document.documentElement.scrollWidth - innerWidth", json!([])).await;
            assert!(over.as_i64().unwrap() <= 0, "{name}: {over}");
        }
        // A text without words would be an error in the console.
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    }
}
