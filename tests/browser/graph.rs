//! The picture of a state machine: no box over another, no arrow lost or through a box that is not its own.

use serde_json::{Value, json};

use crate::browser::{Browser, Reader};
use end_to_end_tests::stack;

/// Forty states: a Parallel whose branch is a Map over a Parallel, loops, catchers, and long ways round.
fn forty_states() -> Value {
    let pass = |next: &str| json!({"Type": "Pass", "Next": next});
    let end = || json!({"Type": "Pass", "End": true});
    let chain = |name: &str, length: usize| {
        let mut states = serde_json::Map::new();
        for i in 1..=length {
            let state = if i == length { end() } else { pass(&format!("{name}{}", i + 1)) };
            states.insert(format!("{name}{i}"), state);
        }
        json!({"StartAt": format!("{name}1"), "States": states})
    };
    let task = |next: &str, caught: &str| {
        json!({"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Next": next,
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": caught}]})
    };
    let innermost = json!({"Type": "Parallel", "Branches": [chain("A", 3), chain("B", 2), chain("C", 4)], "Next": "AfterInner"});
    let map = json!({"Type": "Map", "ItemProcessor": {"StartAt": "Inner", "States": {
        "Inner": innermost, "AfterInner": {"Type": "Choice", "Choices": [{"Variable": "$.x", "BooleanEquals": true, "Next": "Inner"}], "Default": "MapEnd"},
        "MapEnd": end(), "名字很长的状态用来测试宽度": end()}}, "End": true});
    let outer = json!({"Type": "Parallel", "Next": "Join", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}],
        "Branches": [{"StartAt": "EachItem", "States": {"EachItem": map}}, chain("D", 5), chain("E", 2)]});
    let mut states = serde_json::Map::new();
    states.insert("Begin".into(), json!({"Type": "Choice", "Default": "Prepare", "Choices": [
        {"Variable": "$.a", "BooleanEquals": true, "Next": "Outer"}, {"Variable": "$.b", "BooleanEquals": true, "Next": "Last"},
        {"Variable": "$.c", "BooleanEquals": true, "Next": "Begin"}]}));
    states.insert("Prepare".into(), task("Outer", "Undo1"));
    states.insert("Outer".into(), outer);
    states.insert("Join".into(), task("Wait", "Undo2"));
    states.insert("Wait".into(), json!({"Type": "Wait", "Seconds": 1, "Next": "Again"}));
    states.insert("Again".into(), json!({"Type": "Choice", "Default": "Last", "Choices": [{"Variable": "$.a", "BooleanEquals": true, "Next": "Prepare"}]}));
    for i in 1..=11 {
        let next = if i == 11 { "Failed".to_owned() } else { format!("Undo{}", i + 1) };
        states.insert(format!("Undo{i}"), task(&next, "Failed"));
    }
    states.insert("Failed".into(), json!({"Type": "Fail"}));
    states.insert("Last".into(), json!({"Type": "Succeed"}));
    json!({"StartAt": "Begin", "States": states})
}

/// Draws a definition and looks at the drawing itself, which the second argument may have spoilt first.
const INSPECT: &str = r#"
    const { Picture } = await import("./page/graph/picture.js");
    const { layout } = await import("./page/graph/layout.js");
    const { machinesWithin, transitions } = await import("./page/graph/model.js");
    const definition = arguments[0];
    const runs = [];
    for (let i = 0; i < 9; i += 1) {
      const began = performance.now();
      layout(definition);
      runs.push(performance.now() - began);
    }
    const picture = new Picture(definition, () => {});
    document.querySelector("main").replaceChildren(picture.element);
    const faults = [];
    const boxes = picture.laid.boxes;
    const path = (from) => document.querySelector(`path.line[data-from="${from}"]`);
    const spoil = {
      none: () => {},
      box: () => {
        const { x, y } = boxes.find((box) => box.name === "Wait");
        Object.assign(boxes.find((box) => box.name === "Join"), { x, y: y - 9 });
      },
      outside: () => { boxes.find((box) => box.name === "A1").x = -1; },
      lost: () => path("Undo3").remove(),
      false: () => { path("Undo3").dataset.to = "Undo9"; },
      loose: () => path("Undo3").setAttribute("d", "M0 0L1 1"),
      through: () => {
        const { x, y, height } = boxes.find((box) => box.name === "C2");
        const line = path("D1");
        line.setAttribute("d", line.getAttribute("d").replace("L", `L${x + 5} ${y + height / 2}L`).replace("C", `L${x + 5} ${y + height / 2}C`));
      },
    };
    spoil[arguments[1]]();
    const contains = (a, b) => a.isContainer && a.depth < b.depth && a.x <= b.x && a.y <= b.y && a.x + a.width >= b.x + b.width && a.y + a.height >= b.y + b.height;
    for (const [i, a] of boxes.entries()) {
      if (a.x < 0 || a.y < 0 || a.x + a.width > picture.laid.width || a.y + a.height > picture.laid.height) faults.push(`${a.name} is outside`);
      for (const b of boxes.slice(i + 1)) {
        const meet = a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
        if (meet && !contains(a, b) && !contains(b, a)) faults.push(`${a.name ?? a.dot} lies over ${b.name ?? b.dot}`);
      }
    }
    // Every transition of the definition, at whatever depth, has its line.
    const expected = new Set();
    let states = 0;
    const collect = (machine, isOuter) => {
      expected.add(JSON.stringify(["", machine.StartAt]));
      for (const [name, state] of Object.entries(machine.States)) {
        states += 1;
        for (const { to } of transitions(state)) if (to !== "" || isOuter) expected.add(JSON.stringify([name, to || "end"]));
        machinesWithin(state).forEach((inner) => collect(inner, false));
      }
    };
    collect(definition, true);
    // What is written beside a line lies over no box.
    for (const { label } of picture.laid.lines) {
      if (!label) continue;
      const over = boxes.find((box) => !box.isContainer && Math.abs(label.x - box.x - box.width / 2) < box.width / 2 && label.y > box.y && label.y < box.y + box.height);
      if (over) faults.push(`${label.text} lies over ${over.name ?? over.dot}`);
    }
    const byName = new Map(boxes.filter((box) => box.name).map((box) => [box.name, box]));
    const drawn = new Set();
    const on = (box, { x, y }) => x >= box.x - 1.5 && x <= box.x + box.width + 1.5 && y >= box.y - 1.5 && y <= box.y + box.height + 1.5;
    const within = (box, { x, y }) => x > box.x + 1 && x < box.x + box.width - 1 && y > box.y + 1 && y < box.y + box.height - 1;
    for (const line of document.querySelectorAll("path.line")) {
      const { from, to } = line.dataset;
      drawn.add(JSON.stringify([from, to]));
      const length = line.getTotalLength();
      const [start, finish] = [line.getPointAtLength(0), line.getPointAtLength(length)];
      if (from && !on(byName.get(from), start)) faults.push(`the line from ${from} to ${to} does not begin there`);
      if (to !== "end" && !on(byName.get(to), finish)) faults.push(`the line from ${from} to ${to} does not end there`);
      for (let at = 0; at <= length; at += 3) {
        const point = line.getPointAtLength(at);
        const met = boxes.find((box) => box.name && box.name !== from && box.name !== to && within(box, point)
          && !(box.isContainer && [from, to].some((name) => byName.has(name) && contains(box, byName.get(name)))));
        if (met) { faults.push(`the line from ${from} to ${to} runs through ${met.name}`); break; }
      }
    }
    for (const one of expected) if (!drawn.has(one)) faults.push(`no line for ${one}`);
    for (const one of drawn) if (!expected.has(one)) faults.push(`a line that is no transition: ${one}`);
    return { faults, states, drawn: byName.size, milliseconds: runs.sort((a, b) => a - b)[4] };
"#;

/// Definitions that nobody would write: any state leads anywhere, containers within containers.
const ANY_DEFINITION: &str = r#"
    let seed = arguments[0] * 2654435761 % 4294967296;
    const below = (most) => { seed = (seed * 1664525 + 1013904223) % 4294967296; return Math.floor(seed / 4294967296 * most); };
    let made = 0;
    const machine = (depth) => {
      const names = Array.from({ length: 1 + below(depth ? 5 : 9) }, () => `${below(9) ? "State" : "状态"}${"x".repeat(below(14))}${made += 1}`);
      const any = () => names[below(names.length)];
      const states = names.map((name, i) => {
        const kind = below(10);
        const onward = i + 1 < names.length && below(6) ? { Next: names[i + 1 + below(names.length - i - 1)] } : below(3) ? { End: true } : { Next: any() };
        const caught = below(5) < 2 ? { Catch: [{ ErrorEquals: ["States.ALL"], Next: any() }] } : {};
        if (depth < 3 && kind < 2) return { Type: "Parallel", Branches: Array.from({ length: 1 + below(3) }, () => machine(depth + 1)), ...onward, ...caught };
        if (depth < 3 && kind === 2) return { Type: "Map", ItemProcessor: machine(depth + 1), ...onward, ...caught };
        if (kind < 5) return { Type: "Choice", Choices: [{ Next: any() }, { Next: any() }], Default: any() };
        return kind === 5 ? { Type: "Fail" } : { Type: "Task", ...onward, ...caught };
      });
      return { StartAt: names[0], States: Object.fromEntries(names.map((name, i) => [name, states[i]])) };
    };
    return machine(0);
"#;

#[tokio::test]
async fn no_definition_is_drawn_with_overlapping_boxes_or_lost_lines() {
    let stack = stack::start().await;
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    browser.go("/").await;
    let lottery: Value = serde_json::from_str(state_machines::LOTTERY).unwrap();
    for (name, definition) in [("lottery", lottery), ("forty-states", forty_states())] {
        let found = browser.run(INSPECT, json!([definition, "none"])).await;
        assert_eq!(found["faults"], json!([]), "{name}");
        assert_eq!(found["states"], found["drawn"], "{name}");
        browser.screenshot(&format!("graph-{name}")).await;
        assert!(found["milliseconds"].as_f64().unwrap() < 50.0, "{name}: {found}");
        if name == "forty-states" {
            assert_eq!(found["states"], 40);
        }
    }
    for seed in 0..60 {
        let definition = browser.run(ANY_DEFINITION, json!([seed])).await;
        let found = browser.run(INSPECT, json!([definition, "none"])).await;
        assert_eq!(found["faults"], json!([]), "{seed}: {definition}");
    }
    for (spoilt, named) in [
        ("box", "Join lies over Wait"),
        ("outside", "A1 is outside"),
        ("lost", r#"no line for ["Undo3","Undo4"]"#),
        ("false", r#"a line that is no transition: ["Undo3","Undo9"]"#),
        ("loose", "does not begin there"),
        ("through", "the line from D1 to D2 runs through EachItem"),
    ] {
        let found = browser.run(INSPECT, json!([forty_states(), spoilt])).await;
        assert!(found["faults"].to_string().replace('\\', "").contains(named), "{spoilt}: {found}");
    }
}

/// Thirty-eight states in one line, as people write them, each with a catcher; or as an order is handled.
fn thirty_eight_states(kind: &str) -> Value {
    let task = |next: Value, caught: &str| {
        let mut state = json!({"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": caught}]});
        match next.as_str() {
            Some(next) => state["Next"] = next.into(),
            None => state["End"] = true.into(),
        }
        state
    };
    let mut states = serde_json::Map::new();
    if kind == "line" {
        for i in 1..=37 {
            let next = if i < 37 { json!(format!("Step{}", i + 1)) } else { Value::Null };
            states.insert(format!("Step{i}"), task(next, "Failed"));
        }
        states.insert("Failed".into(), json!({"Type": "Fail"}));
        return json!({"StartAt": "Step1", "States": states});
    }
    let chain = |name: &str, length: usize| {
        let states: serde_json::Map<String, Value> = (1..=length)
            .map(|i| {
                let end = if i == length {
                    json!({"Type": "Pass", "End": true})
                } else {
                    json!({"Type": "Pass", "Next": format!("{name}{}", i + 1)})
                };
                (format!("{name}{i}"), end)
            })
            .collect();
        json!({"StartAt": format!("{name}1"), "States": states})
    };
    states.insert("Check".into(), json!({"Type": "Choice", "Default": "Reject", "Choices": [
        {"Variable": "$.kind", "StringEquals": "express", "Next": "Reserve"}, {"Variable": "$.total", "NumericGreaterThan": 1000, "Next": "Approve"}]}));
    states.insert("Approve".into(), task(json!("Reserve"), "Undo1"));
    states.insert("Reject".into(), json!({"Type": "Fail"}));
    states.insert("Reserve".into(), task(json!("Charge"), "Undo1"));
    states.insert("Charge".into(), task(json!("Fan"), "Undo2"));
    states.insert("Fan".into(), json!({"Type": "Parallel", "Branches": [chain("Pick", 4), chain("Label", 3), chain("Mail", 3)], "Next": "Each",
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Undo3"}]}));
    states.insert("Each".into(), json!({"Type": "Map", "ItemProcessor": chain("Item", 4), "Next": "Ship", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Undo4"}]}));
    states.insert("Ship".into(), task(json!("Wait"), "Undo5"));
    states.insert("Wait".into(), json!({"Type": "Wait", "Seconds": 1, "Next": "Delivered"}));
    states.insert("Delivered".into(), json!({"Type": "Choice", "Default": "Wait", "Choices": [{"Variable": "$.there", "BooleanEquals": true, "Next": "Done"}]}));
    for i in 1..=12 {
        let next = if i == 12 { "Failed".to_owned() } else { format!("Undo{}", i + 1) };
        states.insert(format!("Undo{i}"), task(json!(next), "Failed"));
    }
    states.insert("Failed".into(), json!({"Type": "Fail"}));
    states.insert("Done".into(), json!({"Type": "Succeed"}));
    json!({"StartAt": "Check", "States": states})
}

/// Five hundred states: tasks with catchers, and among them choices that lead back and ahead.
fn five_hundred_states() -> Value {
    let name = |i: usize| format!("State{i}");
    let mut states = serde_json::Map::new();
    for i in 1..=490 {
        let next = name(if i == 490 { 1 } else { i + 1 });
        let state = if i % 10 == 0 {
            let rule =
                |to: usize| json!({"Variable": "$.n", "NumericEquals": to, "Next": name(to.clamp(1, 490))});
            json!({"Type": "Choice", "Default": next, "Choices": [rule(i.saturating_sub(4)), rule(i + 6)]})
        } else {
            json!({"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Next": next,
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": format!("Failed{}", i / 50)}]})
        };
        states.insert(name(i), state);
    }
    for i in 0..10 {
        states.insert(format!("Failed{i}"), json!({"Type": "Fail"}));
    }
    json!({"StartAt": "State1", "States": states})
}

/// How much of a picture's width has a box above or below it, how far a chain drifts, and how long the layout takes.
const MEASURE: &str = r#"
    const { layout } = await import("./page/graph/layout.js");
    let best = Infinity;
    let laid;
    for (let i = 0; i < 15; i += 1) {
      const began = performance.now();
      laid = layout(arguments[0]);
      best = Math.min(best, performance.now() - began);
    }
    const boxes = laid.boxes.filter((box) => !box.dot).sort((a, b) => a.x - b.x);
    let used = 0;
    let right = 0;
    for (const { x, width } of boxes) {
      used += Math.max(0, x + width - Math.max(right, x));
      right = Math.max(right, x + width);
    }
    const middles = boxes.filter((box) => box.name.startsWith("Step")).map((box) => box.x + box.width / 2);
    return { milliseconds: best, states: boxes.length, share: used / laid.width, first: boxes[0].x, drift: middles.length ? Math.max(...middles) - Math.min(...middles) : 0 };
"#;

#[tokio::test]
#[allow(clippy::print_stdout, reason = "the figures are what the test is for")]
async fn a_picture_is_compact_and_a_chain_is_straight() {
    let stack = stack::start().await;
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    browser.go("/").await;
    for kind in ["line", "order"] {
        let definition = thirty_eight_states(kind);
        let found = browser.run(INSPECT, json!([definition, "none"])).await;
        assert_eq!(found["faults"], json!([]), "{kind}");
        let measured = browser.run(MEASURE, json!([definition])).await;
        println!("{kind}: {measured}");
        assert_eq!(measured["states"], 38, "{kind}");
        assert!(measured["share"].as_f64().unwrap() >= 0.6, "{kind}: {measured}");
        assert!(measured["drift"].as_f64().unwrap() < 12.0, "{kind}: {measured}");
        // No empty left half.
        assert!(measured["first"].as_f64().unwrap() < 120.0, "{kind}: {measured}");
        browser.screenshot(&format!("graph-38-{kind}")).await;
    }
    let forty = browser.run(MEASURE, json!([forty_states()])).await;
    let large = browser.run(MEASURE, json!([five_hundred_states()])).await;
    println!("forty states: {forty}\n{} states: {large}", large["states"]);
    assert_eq!((&forty["states"], &large["states"]), (&json!(40), &json!(500)));
}

#[tokio::test]
async fn the_console_shows_executions_of_any_state_machine() {
    let stack = stack::start().await;
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    let definition = json!({"StartAt": "Each", "States": {"Each": {"Type": "Map", "ItemsPath": "$.items", "End": true,
        "ItemProcessor": {"StartAt": "Twice", "States": {"Twice": {"Type": "Pass", "End": true}}}}}});
    let call = async |action: &str, body: Value| {
        let answer = end_to_end_tests::http()
            .post(stack.aws())
            .header("x-amz-target", format!("AWSStepFunctions.{action}"))
            .header("content-type", "application/x-amz-json-1.0")
            .body(body.to_string());
        answer.send().await.unwrap().json::<Value>().await.unwrap()
    };
    let role = "arn:aws:iam::123456789012:role/any";
    let body = json!({"name": "any", "definition": definition.to_string(), "roleArn": role});
    let machine = call("CreateStateMachine", body).await;
    let input = json!({"items": [1, 2, 3]}).to_string();
    let body = json!({"stateMachineArn": machine["stateMachineArn"], "name": "mine", "input": input});
    call("StartExecution", body).await;

    browser.sign_in(stack.token()).await;
    browser.go("/executions").await;
    browser.wait_for_text("tbody a", "mine").await;
    browser.click("tbody a").await;
    browser.wait_for(".facts [data-status=SUCCEEDED]").await;
    browser.wait_for_text("[data-state=Twice] .mark", "×3").await;
    browser.click("[data-state=Twice]").await;
    browser.wait_for_text(".state-details .of-visits", "/ 3").await;
    browser.screenshot("any-execution").await;
}
