//! Lists as organisers have them: looked at, imported, mended, taken back; and the files that come out again.

use std::path::Path;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::browser::{Browser, Reader};
use crate::line::Line;
use end_to_end_tests::{Client, python, stack};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/browser/lists.py");

/// Runs `lists.py`, which prints JSON.
async fn lists(arguments: &[&str]) -> Value {
    let python = python::tool("python3").await;
    let output = Command::new(python).arg(SCRIPT).args(arguments).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The cells of a file as LibreOffice shows them.
async fn opened(file: &Path) -> Vec<Vec<String>> {
    serde_json::from_value(lists(&["open", file.to_str().unwrap()]).await).unwrap()
}

/// A lottery in China, whose list is imported in the browser.
pub(crate) async fn lottery(client: &Client, id: &str) {
    let lottery =
        json!({"id": id, "name": "年会", "locale": "zh-CN", "time_zone": "Asia/Shanghai", "country": "CN"});
    client.post("/lotteries", &lottery).await.expect(201);
}

/// A browser in the console of that lottery.
pub(crate) async fn console(page: &str, token: &str, reader: Reader, id: &str) -> Browser {
    let browser = Browser::open(page, reader).await;
    browser.sign_in(token).await;
    browser.go(&format!("/console/{id}")).await;
    browser.wait_for(".drop").await;
    browser
}

/// What a preview or a result counts under this name.
async fn wait_for_figure(browser: &Browser, name: &str, count: u64) {
    let script = format!(
        "return document.querySelector('.preview:not(.checking) [data-figure={name}] strong, .result [data-figure={name}] strong')?.textContent === '{count}'"
    );
    browser.wait(&format!("{count} {name}"), &script).await;
}

/// Clicks on a choice of the preview, which the button may cover that is always in sight.
pub(crate) async fn choose(browser: &Browser, selector: &str) {
    browser.wait_for(selector).await;
    let script = "document.querySelector(arguments[0]).scrollIntoView({ block: 'center' })";
    browser.run(script, json!([selector])).await;
    browser.click(selector).await;
}

/// Imports what the preview shows.
async fn import(browser: &Browser) {
    browser.click(".preview:not(.checking) button[name=import]:enabled").await;
}

/// Everyone on the list: id, name, group, phone, e-mail.
pub(crate) async fn everyone(client: &Client, lottery: &str) -> Vec<[Option<String>; 5]> {
    let page = client.get(&format!("/lotteries/{lottery}/participants?limit=1000")).await.expect(200);
    assert_eq!(page["masked"], false, "{page}");
    let people = page["participants"].as_array().unwrap().iter();
    people
        .map(|one| {
            ["participant_id", "name", "group", "phone", "email"]
                .map(|name| one[name].as_str().map(str::to_owned))
        })
        .collect()
}

/// The rows of `lists.py` as the lottery has them.
fn as_stored(rows: &Value) -> Vec<[Option<String>; 5]> {
    let rows: Vec<[String; 5]> = serde_json::from_value(rows.clone()).unwrap();
    rows.into_iter()
        .map(|[id, name, group, phone, email]| [id, name, group, format!("+86{phone}"), email].map(Some))
        .collect()
}

#[tokio::test]
async fn a_chinese_organiser_imports_lists_of_excel_corrects_one_and_opens_the_winners() {
    let folder = tempfile::tempdir().unwrap();
    let staff = lists(&["write", folder.path().to_str().unwrap()]).await;
    let file = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let stack = stack::start().await;
    let client = stack.client();
    lottery(&client, "party").await;
    lottery(&client, "sheet").await;
    let browser =
        console(stack.api(), stack.token(), Reader { scheme: "light", ..Reader::CHINESE }, "party").await;
    browser.wait_until_still().await;
    browser.screenshot("list-empty").await;

    // A CSV as Excel on Chinese Windows saves it.
    browser.drop_bytes(".drop", "员工名单.csv", &file("staff.csv")).await;
    wait_for_figure(&browser, "new", 300).await;
    wait_for_figure(&browser, "refused", 0).await;
    browser.wait_for_text(".preview select[name=charset] option:checked", "推测").await;
    browser.wait_for_text(".preview .kind-of-file", "逗号").await;
    let fields = browser.texts(".sample thead select option:checked").await;
    assert_eq!(fields, ["编号（工号）", "姓名", "分组（部门）", "手机号", "邮箱"]);
    browser.wait_for_text(".sample tbody tr td:nth-child(3)", "王伟").await;
    assert_eq!(client.get("/lotteries/party/counts").await.expect(200)["total"], 0);
    browser.wait_until_still().await;
    browser.screenshot("list-preview").await;
    import(&browser).await;
    browser.wait_for_text(".result h3", "300 人已导入").await;
    assert_eq!(everyone(&client, "party").await, as_stored(&staff));
    browser.wait_until_still().await;
    browser.screenshot("list-result").await;

    // The corrected file: only the differences.
    browser.drop_bytes(".drop", "员工名单.csv", &file("corrected.csv")).await;
    wait_for_figure(&browser, "new", 1).await;
    wait_for_figure(&browser, "changed", 2).await;
    wait_for_figure(&browser, "unchanged", 297).await;
    choose(&browser, ".preview input[value=replace]").await;
    wait_for_figure(&browser, "withdrawn", 1).await;
    choose(&browser, ".preview input[value=merge]").await;
    browser.wait("no withdrawals", "return document.querySelector('.preview:not(.checking) [data-figure=new]') !== null && document.querySelector('[data-figure=withdrawn]') === null").await;
    import(&browser).await;
    wait_for_figure(&browser, "changed", 2).await;
    browser.wait_for(".result").await;
    let now = everyone(&client, "party").await;
    assert_eq!(now.len(), 301);
    assert_eq!(now[7][2].as_deref(), Some("财务部"));
    assert_eq!(now[8][3].as_deref(), Some("+8613900139008"));
    assert_eq!(now[299], as_stored(&staff)[299]);
    assert_eq!(now[300][1].as_deref(), Some("欧阳锋"));

    // The same list as a workbook, in which the phone numbers are numbers.
    browser.go("/console/sheet").await;
    browser.drop_bytes(".drop", "员工名单.xlsx", &file("staff.xlsx")).await;
    wait_for_figure(&browser, "new", 300).await;
    browser.wait_for_text(".preview .kind-of-file", ".xlsx").await;
    browser.wait_for_text(".preview select[name=sheet]", "员工").await;
    import(&browser).await;
    browser.wait_for_text(".result h3", "300 人已导入").await;
    assert_eq!(everyone(&client, "sheet").await, as_stored(&staff));

    // The winners, as files that a spreadsheet program opens.
    let draw = client.run_draw("party", json!({"winners": 20, "channels": ["sms"]})).await;
    let draw = draw["draw_id"].as_str().unwrap();
    let winners = client.get(&format!("/lotteries/party/draws/{draw}/winners")).await.expect(200);
    let winners = winners["winners"].as_array().unwrap();
    assert_eq!(winners.len(), 20);
    browser.go(&format!("/lotteries/party/draws/{draw}")).await;
    browser.wait_until_still().await;
    browser.screenshot("list-winners").await;
    for ending in ["csv", "xlsx"] {
        browser.click(&format!("button[name=winners-{ending}]")).await;
        let path = browser.downloaded(&format!("中奖名单-party-{draw}.{ending}")).await;
        let rows = opened(&path).await;
        for winner in winners {
            let [name, email] = ["name", "email"].map(|field| winner[field].as_str().unwrap().to_owned());
            let found = rows.iter().any(|row| row.contains(&name) && row.contains(&email));
            assert!(found, "{name} ({email}) is not in the {ending}: {rows:?}");
        }
    }
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_import_is_paused_resumed_survives_a_cut_and_asks_before_it_is_left() {
    let stack = stack::start().await;
    let client = stack.client();
    lottery(&client, "party").await;
    let mut line = Line::to(stack.api()).await;
    let browser = console(&line.url(), stack.token(), Reader::ENGLISH, "party").await;
    let mut csv = "工号,姓名,手机号\n".to_owned();
    for n in 0..5_000 {
        csv.push_str(&format!("{n:05},王{n},1380013{n:04}\n"));
    }
    browser.drop_file(".drop", "staff.csv", &csv).await;
    browser.wait("the counts", "return document.querySelector('.preview:not(.checking) [data-figure=new] strong')?.textContent === '5,000'").await;
    import(&browser).await;
    browser.click(".progress button[name=pause]").await;
    browser.wait_for(".progress[data-state=paused]").await;
    let at = |text: &str| text.split(' ').next().unwrap().replace(',', "").parse::<u64>().unwrap();
    let paused = at(&browser.texts(".progress .far").await[0]);
    assert!(paused < 5_000, "{paused}");
    browser.screenshot("list-paused").await;

    // Neither a link nor another language takes somebody away unasked.
    browser.click(".brand").await;
    browser.wait_for("dialog.ask").await;
    browser.wait_until_still().await;
    browser.screenshot("list-leave").await;
    browser.click("dialog.ask [data-answer=no]").await;
    browser
        .wait(
            "the view stays",
            "return document.querySelector('dialog') === null && location.hash === '#/console/party'",
        )
        .await;
    let is_held = browser
        .run("return !dispatchEvent(new Event('beforeunload', { cancelable: true }))", json!([]))
        .await;
    assert_eq!(is_held, true);
    assert_eq!(at(&browser.texts(".progress .far").await[0]), paused);

    // Resumed while the line is cut, it waits; mended, it resumes by itself or on a click.
    line.cut().await;
    browser.click(".progress button[name=resume]").await;
    browser.wait_for(".progress[data-state=lost]").await;
    browser.wait_for_text(".progress .state", "resumes by itself").await;
    line.mend().await;
    browser.wait_for_text(".result h3", "5,000 people are in").await;
    assert_eq!(client.get("/lotteries/party/counts").await.expect(200)["total"], 5_000);
    let last = client.get("/lotteries/party/imports/last").await.expect(200);
    assert_eq!(last["state"], "FINISHED", "{last}");
    let is_held = browser
        .run("return !dispatchEvent(new Event('beforeunload', { cancelable: true }))", json!([]))
        .await;
    assert_eq!(is_held, false);
    browser.click(".brand").await;
    browser
        .wait(
            "another view",
            "return document.querySelector('dialog') === null && document.querySelector('.hero') !== null",
        )
        .await;
}

#[tokio::test]
async fn replacing_asks_first_and_is_taken_back() {
    let stack = stack::start().await;
    let client = stack.client();
    lottery(&client, "party").await;
    client
        .import(
            "party",
            "participant_id,name,phone\n1,王伟,13800130001\n2,李娜,13800130002\n3,张敏,13800130003\n",
        )
        .await;
    let before = everyone(&client, "party").await;
    let browser = console(stack.api(), stack.token(), Reader::ENGLISH, "party").await;
    browser
        .drop_file(".drop", "new.csv", "participant_id,name,phone\n1,王伟,13800130009\n4,刘静,13800130004\n")
        .await;
    wait_for_figure(&browser, "new", 1).await;
    choose(&browser, ".preview input[value=replace]").await;
    wait_for_figure(&browser, "withdrawn", 2).await;
    browser.wait_until_still().await;
    browser.screenshot("list-replace").await;
    import(&browser).await;
    browser.wait_for_text("dialog.ask h2", "Withdraw 2 people?").await;
    browser.click("dialog.ask [data-answer=no]").await;
    browser.wait_for(".preview").await;
    assert_eq!(everyone(&client, "party").await, before);
    import(&browser).await;
    browser.click("dialog.ask [data-answer=yes]").await;
    wait_for_figure(&browser, "withdrawn", 2).await;
    browser.wait_for(".result").await;
    let ids =
        |people: &[[Option<String>; 5]]| people.iter().filter_map(|one| one[0].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&everyone(&client, "party").await), ["1", "4"]);
    browser.click(".result button[name=undo]").await;
    browser.click("dialog.ask [data-answer=yes]").await;
    browser.wait_for_text(".result .undo", "1 withdrawn, 3 as they were before").await;
    assert_eq!(everyone(&client, "party").await, before);
    browser
        .wait("three people", "return document.querySelectorAll('.people-table button.edit').length === 3")
        .await;
}

#[tokio::test]
async fn refused_lines_come_as_a_file_to_correct_and_drop_again() {
    let stack = stack::start().await;
    let client = stack.client();
    lottery(&client, "party").await;
    let browser = console(stack.api(), stack.token(), Reader::CHINESE, "party").await;
    let csv = "工号;姓名;手机号;备注\r\n1;王伟;13800130001;\r\n2;李娜;13800130002;\"两\r\n行\"\r\n\
        1;张敏;13800130003;\r\nA/4;刘静;13800130004;\r\n5;陈强;138001;\r\n";
    browser.drop_file(".drop", "名单.csv", csv).await;
    wait_for_figure(&browser, "refused", 2).await;
    browser.wait_for_text(".preview .remarks.bad", "第 5 行").await;
    browser.wait_for_text(".preview .remarks.warn", "第 7 行").await;
    browser.wait_until_still().await;
    browser.screenshot("list-refused").await;
    import(&browser).await;
    browser.click(".result button[name=refused]").await;
    let path = browser.downloaded("名单-待更正.csv").await;
    let refused = std::fs::read_to_string(path).unwrap();
    assert_eq!(refused, "\u{feff}工号;姓名;手机号;备注\r\n1;张敏;13800130003;\r\nA/4;刘静;13800130004;\r\n");
    let corrected = refused.replace("1;张敏", "3;张敏").replace("A/4", "4");
    browser.drop_file(".drop", "名单-待更正.csv", &corrected).await;
    wait_for_figure(&browser, "new", 2).await;
    wait_for_figure(&browser, "refused", 0).await;
    import(&browser).await;
    browser.wait_for_text(".result h3", "2 人已导入").await;
    assert_eq!(everyone(&client, "party").await.len(), 5);

    // Strictly, the person whose number lacks digits stays out.
    browser.drop_file(".drop", "名单.csv", csv).await;
    browser.wait_for(".preview .choices details summary").await;
    wait_for_figure(&browser, "refused", 2).await;
    choose(&browser, ".preview .choices details summary").await;
    choose(&browser, ".preview input[name=strict]").await;
    wait_for_figure(&browser, "refused", 3).await;
    browser.click(".preview button[name=cancel]").await;
    browser
        .wait(
            "the panel",
            "return document.querySelector('.preview') === null && !document.querySelector('.drop').hidden",
        )
        .await;
}

#[tokio::test]
async fn names_are_pasted_and_columns_are_said_where_nothing_names_them() {
    let stack = stack::start().await;
    let client = stack.client();
    lottery(&client, "party").await;
    let browser = console(stack.api(), stack.token(), Reader::CHINESE, "party").await;
    browser.paste("王伟\r\n李娜\r\n张敏\r\n").await;
    wait_for_figure(&browser, "new", 3).await;
    browser.wait_for_text(".preview .notice", "按姓名生成").await;
    browser.wait_until_still().await;
    browser.screenshot("list-pasted").await;
    import(&browser).await;
    browser.wait_for_text(".result h3", "3 人已导入").await;
    // The same names again are the same people.
    browser.click(".paste summary").await;
    browser.fill("textarea[name=pasted]", "李娜\n王伟\n张敏").await;
    browser.click("button[name=look]").await;
    wait_for_figure(&browser, "unchanged", 3).await;
    browser.wait_for_text(".preview .notice", "没有变化").await;
    browser.click(".preview button[name=cancel]").await;

    // Cells of a spreadsheet, under words that nobody knows.
    browser.paste("代号甲\t代号乙\tX\nK1\t刘静\t13800130004\nK2\t陈强\t13800130005\n").await;
    browser.wait_for(".preview .problem").await;
    browser.screenshot("list-blind").await;
    let set = async |name: &str, value: &str| {
        let script = "const select = document.querySelector(`.preview [name=\"${arguments[0]}\"]`); select.value = arguments[1]; select.dispatchEvent(new Event('change'))";
        browser.wait_for(&format!(".preview [name={name}]")).await;
        browser.run(script, json!([name, value])).await;
    };
    set("header_row", "1").await;
    browser.wait_for(".preview .problem").await;
    set("column-1", "name").await;
    wait_for_figure(&browser, "new", 2).await;
    set("column-0", "participant_id").await;
    wait_for_figure(&browser, "new", 2).await;
    set("column-2", "phone").await;
    browser.wait_for_text(".preview:not(.checking) .sample tbody", "+8613800130005").await;
    browser.wait_for_text(".preview:not(.checking) .sample tbody", "K2").await;
    import(&browser).await;
    browser.wait_for_text(".result h3", "2 人已导入").await;
    let people = everyone(&client, "party").await;
    assert!(
        people
            .iter()
            .any(|one| one[0].as_deref() == Some("K1") && one[3].as_deref() == Some("+8613800130004")),
        "{people:?}"
    );

    browser.click("button[name=template]").await;
    let path = browser.downloaded("名单模板.csv").await;
    assert_eq!(std::fs::read_to_string(path).unwrap(), "\u{feff}工号,姓名,部门,手机号,邮箱\r\n");
}

#[tokio::test]
async fn people_are_found_added_edited_withdrawn_saved_and_the_list_is_emptied() {
    let stack = stack::start().await;
    let client = stack.client();
    lottery(&client, "party").await;
    let csv = "participant_id,name,phone,email,group,tickets,excluded\n\
        1,王伟,13800130001,a@example.com,销售部,3,\n2,李娜,13800130002,,研发部,1,\n3,=1+2,,,销售部,1,true\n";
    client.import("party", csv).await;
    let browser = console(stack.api(), stack.token(), Reader::CHINESE, "party").await;
    browser.wait_for_text(".people .total", "3 人").await;
    browser.wait_for_text(".counts", "2 人有手机号").await;
    browser.wait_for_text(".group-sizes", "销售部 2").await;
    let names = async || browser.texts(".people-table td.name bdi").await;

    browser.click("button[data-sort=name]").await;
    browser.wait("sorted", "return document.querySelector('[aria-sort] [data-sort=name]') !== null").await;
    browser
        .wait(
            "sorted names",
            "return document.querySelector('.people-table td.name').textContent.startsWith('=1+2')",
        )
        .await;
    browser.click("button[data-sort=id]").await;
    browser.fill("input[name=search]", "李娜").await;
    browser
        .wait("one found", "return document.querySelectorAll('.people-table button.edit').length === 1")
        .await;
    browser.fill("input[name=search]", "").await;
    browser.wait("all", "return document.querySelectorAll('.people-table button.edit').length === 3").await;

    // One stop of the tabulator for all rows; arrows lead through them.
    let stops = browser
        .run(
            "return document.querySelectorAll('.people-table tbody button[tabindex=\"0\"]').length",
            json!([]),
        )
        .await;
    assert_eq!(stops, 1);
    browser.run("document.querySelector('.people-table button[tabindex=\"0\"]').focus()", json!([])).await;
    browser.press("Down").await;
    browser.press("Enter").await;
    browser.wait_for("tr[data-id='2'] + .editing").await;
    browser.fill(".editing input[name=phone]", "139 0013 9000").await;
    browser.fill(".editing input[name=group]", "").await;
    browser.wait_until_still().await;
    browser.screenshot("list-edit").await;
    browser.click(".editing button[type=submit]").await;
    browser.wait_for_text("tr[data-id='2']", "+8613900139000").await;
    // A number that somebody else has is refused in words.
    browser.click("tr[data-id='2'] button.edit").await;
    browser.fill(".editing input[name=phone]", "13800130001").await;
    browser.click(".editing button[type=submit]").await;
    browser.wait_for_text(".editing .problem", "另一位参与者").await;
    browser.press("Escape").await;
    browser.wait("closed", "return document.querySelector('.editing') === null").await;
    let person = client.get("/lotteries/party/participants/2").await.expect(200);
    assert_eq!((&person["phone"], &person["group"]), (&json!("+8613900139000"), &Value::Null), "{person}");

    browser.click("button[name=add]").await;
    browser.fill(".add-person input[name=name]", "欧阳锋").await;
    browser.fill(".add-person input[name=phone]", "13800130007").await;
    browser.click(".add-person button[type=submit]").await;
    browser.wait_for_text(".add-person .done", "已添加 欧阳锋").await;
    browser.wait_for_text(".people .total", "4 人").await;

    let stored = everyone(&client, "party").await;
    for ending in ["csv", "xlsx"] {
        browser.click(&format!("button[name=save-{ending}]")).await;
        let path = browser.downloaded(&format!("参与者-party.{ending}")).await;
        let rows = opened(&path).await;
        for person in &stored {
            let [Some(id), Some(name), ..] = person else { panic!("{person:?}") };
            let shown = |cell: &String| cell.trim_start_matches('\'') == name;
            assert!(rows.iter().any(|row| row.contains(id) && row.iter().any(shown)), "{name}: {rows:?}");
        }
        // Dropped again, it changes nothing.
        browser.drop_bytes(".drop", &format!("again.{ending}"), &std::fs::read(&path).unwrap()).await;
        wait_for_figure(&browser, "unchanged", 4).await;
        wait_for_figure(&browser, "refused", 0).await;
        browser.click(".preview button[name=cancel]").await;
    }
    assert_eq!(everyone(&client, "party").await, stored);

    browser.click("tr[data-id='1'] button.edit").await;
    browser.click(".editing button[name=withdraw]").await;
    browser.wait_for_text("dialog.ask h2", "让 王伟 退出吗").await;
    browser.click("dialog.ask [data-answer=yes]").await;
    browser.wait_for_text(".people .total", "3 人").await;
    assert!(!names().await.contains(&"王伟".to_owned()));

    browser.click("button[name=empty]").await;
    browser
        .wait(
            "nothing without the number",
            "return document.querySelector('dialog.ask [data-answer=yes]').disabled",
        )
        .await;
    browser.wait_until_still().await;
    browser.screenshot("list-empty-asks").await;
    browser.fill("dialog.ask input", "3").await;
    browser.click("dialog.ask [data-answer=yes]:enabled").await;
    browser.wait_for_text(".people .total", "0 人").await;
    assert_eq!(client.get("/lotteries/party/counts").await.expect(200)["total"], 0);
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn on_a_phone_a_list_is_looked_at_and_nothing_is_wider_than_the_screen() {
    let folder = tempfile::tempdir().unwrap();
    lists(&["write", folder.path().to_str().unwrap()]).await;
    let stack = stack::start().await;
    lottery(&stack.client(), "party").await;
    let reader = Reader { language: "zh-CN", scheme: "dark", ..Reader::PHONE };
    let browser = console(stack.api(), stack.token(), reader, "party").await;
    let fits = async |what: &str| {
        browser.wait_until_still().await;
        browser.screenshot(&format!("list-phone-{what}")).await;
        let wide = browser.run("return document.documentElement.scrollWidth - innerWidth", json!([])).await;
        assert!(wide.as_i64().unwrap() <= 0, "{what} is {wide} px too wide");
    };
    fits("empty").await;
    browser
        .drop_bytes(".drop", "员工名单.xlsx", &std::fs::read(folder.path().join("staff.xlsx")).unwrap())
        .await;
    wait_for_figure(&browser, "new", 300).await;
    browser.run("document.querySelector('.preview').scrollIntoView()", json!([])).await;
    fits("preview").await;
    browser.run("document.querySelector('.preview .setting-fields').scrollIntoView()", json!([])).await;
    fits("settings").await;
    import(&browser).await;
    browser.wait_for_text(".result h3", "300 人已导入").await;
    fits("result").await;
    browser.wait_for(".people-table tr").await;
    browser.run("document.querySelector('.people').scrollIntoView()", json!([])).await;
    fits("people").await;
    browser.click(".people-table button.edit").await;
    fits("edit").await;
}

#[tokio::test]
async fn a_file_is_cut_into_pieces_that_are_lists_themselves() {
    let stack = stack::start().await;
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    browser.go("/").await;
    let cut = async |bytes: &[u8], shape: Value, rows: u64| {
        let script = "
            const { piecesOf } = await import('./page/list/cut.js');
            const bytes = Uint8Array.from(atob(arguments[0]), (character) => character.charCodeAt(0));
            const pieces = [];
            for await (const piece of piecesOf(new Blob([bytes]), arguments[1], { maxRows: arguments[2] })) {
              const lines = piece.text.split('\\n').length - 1;
              pieces.push({ ...piece, lineOf: Array.from({ length: lines }, (_, index) => piece.lineOf(index + 1)) });
            }
            return pieces;";
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::STANDARD.encode(bytes);
        browser.run(script, json!([bytes, shape, rows])).await
    };
    let texts = |pieces: &Value| -> Vec<String> {
        pieces.as_array().unwrap().iter().map(|piece| piece["text"].as_str().unwrap().to_owned()).collect()
    };
    let comma = json!({"encoding": "utf-8", "delimiter": ",", "headerLine": 1, "idColumn": 0});

    // Quoted line breaks and separators, doubled marks, a stray mark, blank lines, CRLF.
    let csv = "id,name\r\n1,\"a\r\nb\"\r\n\r\n2,\"x, \"\"y\"\"\"\r\n3,6\" pipe\r\n4,\"open\r\n5,e\r\n";
    let pieces = cut(csv.as_bytes(), comma.clone(), 2).await;
    let expected = [
        "id,name\r\n1,\"a\r\nb\"\r\n2,\"x, \"\"y\"\"\"\r\n",
        "id,name\r\n3,6\" pipe\r\n4,\"open\r\n",
        "id,name\r\n5,e\r\n",
    ];
    assert_eq!(texts(&pieces), expected);
    assert_eq!(pieces[0]["lineOf"], json!([1, 2, 3, 5]));
    assert_eq!(pieces[1]["lineOf"], json!([1, 6, 7]));
    assert_eq!(pieces[2]["lineOf"], json!([1, 8]));
    assert_eq!((&pieces[1]["isLast"], &pieces[2]["isLast"]), (&json!(false), &json!(true)));

    // An id that comes again in another piece is named and left out; in the same piece the service sees it.
    let pieces = cut(b"id,name\n1,a\n1,b\n2,c\n1,d\n3,e\n", comma.clone(), 2).await;
    assert_eq!(texts(&pieces), ["id,name\n1,a\n1,b\n", "id,name\n2,c\n3,e\n"]);
    assert_eq!(
        pieces[1]["doubles"],
        json!([{"line": 5, "column": "participant_id", "code": "IdTwice", "parameters": {"first_line": 2}}])
    );
    assert_eq!(pieces[1]["lineOf"], json!([1, 4, 6]));

    // A title above the header, old line ends, a header whose columns come in another order further down.
    let titled = json!({"encoding": "utf-8", "delimiter": ";", "headerLine": 3, "idColumn": 0});
    let pieces = cut("Staff\r\rid;name\r1;a\r2;b\rname;id\rc;3".as_bytes(), titled, 1).await;
    assert_eq!(texts(&pieces), ["id;name\r1;a\r", "id;name\r2;b\r", "name;id\rc;3"]);

    // UTF-16 and GBK, with characters that lie across the borders of what is read at once.
    let name = "名".repeat(40);
    let rows: String = (0..20_000).map(|n| format!("{n},{name}\n")).collect();
    let utf16: Vec<u8> =
        "\u{feff}工号,姓名\n".encode_utf16().chain(rows.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let pieces =
        cut(&utf16, json!({"encoding": "utf-16le", "delimiter": ",", "headerLine": 1, "idColumn": 0}), 1_500)
            .await;
    assert_eq!(pieces.as_array().unwrap().len(), 14);
    assert_eq!(texts(&pieces).concat().replace("工号,姓名\n", ""), rows);
    // 工号,姓名 and 名 in GBK.
    let (header, sign) = (b"\xb9\xa4\xba\xc5,\xd0\xd5\xc3\xfb\n", b"\xc3\xfb");
    let mut gbk = header.to_vec();
    for n in 0..20_000 {
        gbk.extend(format!("{n},").bytes());
        gbk.extend(sign.repeat(40));
        gbk.push(b'\n');
    }
    let pieces =
        cut(&gbk, json!({"encoding": "gb18030", "delimiter": ",", "headerLine": 1, "idColumn": 0}), 1_500)
            .await;
    assert_eq!(texts(&pieces).concat().replace("工号,姓名\n", ""), rows);

    // Bytes that are not of the encoding are never replaced.
    let script = "
        const { piecesOf } = await import('./page/list/cut.js');
        try {
          for await (const piece of piecesOf(new Blob([new Uint8Array([0x69, 0x64, 10, 0xff, 10])]), arguments[0]));
          return 'taken';
        } catch (error) { return error.name; }";
    assert_eq!(browser.run(script, json!([comma])).await, "TypeError");
}

#[tokio::test]
async fn a_list_that_no_request_carries_is_sent_in_pieces_where_there_is_no_storage() {
    let stack = stack::start().await;
    let client = stack.client();
    lottery(&client, "party").await;
    let browser = console(stack.api(), stack.token(), Reader::ENGLISH, "party").await;
    let rest = "x".repeat(1_000);
    let mut csv = "Staff 2026\nid,name,notes\n".to_owned();
    for n in 1..=4_500 {
        // One id comes again far behind, one name holds a line break in the notes, one id cannot be one.
        let id = match n {
            4_400 => "17".to_owned(),
            4_000 => "a/b".to_owned(),
            _ => n.to_string(),
        };
        csv.push_str(&format!("{id},Person {n},\"{rest}\n{n}\"\n"));
    }
    assert!(csv.len() > 4 * 1024 * 1024);
    let without_storage = "
        const known = window.fetch;
        window.fetch = (where, options) => options?.method === 'POST' && where.endsWith('/imports')
          ? Promise.resolve(new Response(JSON.stringify({ type: '/problems/no-uploads' }), { status: 409 }))
          : known(where, options);";
    browser.run(without_storage, json!([])).await;
    browser.drop_file(".drop", "large.csv", &csv).await;
    browser.wait("the counts", "return document.querySelector('.preview:not(.checking) [data-figure=new] strong')?.textContent === '4,498'").await;
    wait_for_figure(&browser, "refused", 2).await;
    // Lines as they are in the file: each person has two.
    browser.wait_for_text(".remarks.bad", "Line 8,001").await;
    browser.wait_for_text(".remarks.bad", "Line 8,801").await;
    import(&browser).await;
    browser.wait_for_text(".result h3", "4,498 people are in").await;
    assert_eq!(client.get("/lotteries/party/counts").await.expect(200)["total"], 4_498);
    let last = client.get("/lotteries/party/imports/last").await.expect(200);
    assert_eq!((&last["state"], &last["accepted"]), (&json!("FINISHED"), &json!(4_498)), "{last}");
}
