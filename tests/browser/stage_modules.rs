//! The stage's modules by themselves, imported into the page: the order of the show, the grid, releases, names in motion.

use serde_json::{Value, json};

use crate::browser::{Browser, Reader};
use end_to_end_tests::stack;

async fn page() -> (stack::Started, Browser) {
    let stack = stack::start().await;
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    browser.go("/").await;
    (stack, browser)
}

#[tokio::test]
async fn every_winner_is_revealed_once_forwards_and_backwards() {
    let (_stack, browser) = page().await;
    let script = "
        const { firstPosition, next, back, revealed, seats, toRelease } = await import('./page/stage/program.js');
        const problems = [];
        const random = ((seed) => () => (seed = (seed * 16807) % 2147483647) / 2147483647)(arguments[0]);
        for (let round = 0; round < 300; round += 1) {
          const prizes = Array.from({ length: 1 + Math.floor(random() * 6) }, (_, index) => ({ name: `P${index % 4}`, winners: 1 + Math.floor(random() * 90) }));
          let rank = 0;
          const winners = prizes.flatMap((prize) => Array.from({ length: prize.winners }, () => ({ prize: prize.name, rank: ++rank, name: 'N', label: 'l', forfeited: random() < 0.1, released: false })));
          const won = seats(prizes, winners);
          const seated = winners.filter((winner) => !winner.forfeited).map((winner) => winner.rank);
          if (won.flat().map((one) => one.rank).sort((a, b) => a - b).join() !== seated.join()) problems.push(['seats', round]);
          let position = firstPosition(prizes);
          position.batches = prizes.map(() => 1 + Math.floor(random() * 40));
          const way = [position];
          const shown = [];
          for (;;) {
            const following = next(position, won);
            if (following === position) break;
            // Going back comes to a step that was there, and never forwards.
            const before = back(following, won);
            const total = (one) => revealed(one, won).reduce((sum, count) => sum + count, 0);
            if (total(before) > total(following) || (before.screen === following.screen && before.prize === following.prize && before.from === following.from)) problems.push(['back', round, following, before]);
            position = following;
            way.push(position);
            if (position.screen === 'names') shown.push(...won[position.prize].slice(position.from, position.to).map((one) => one.rank));
            if (way.length > 2000) { problems.push(['endless', round]); break; }
          }
          if (shown.sort((a, b) => a - b).join() !== seated.join()) problems.push(['shown', round]);
          if (seated.length && position.screen !== 'wall') problems.push(['end', round, position.screen]);
          if (seated.length && toRelease(position, won).sort((a, b) => a - b).join() !== seated.join()) problems.push(['release', round]);
          if (toRelease(way[0], won).length) problems.push(['early', round]);
        }
        return problems.slice(0, 3);";
    assert_eq!(browser.run(script, json!([4711])).await, json!([]));
}

#[tokio::test]
async fn a_release_is_repeated_until_it_is_accepted_and_sent_once() {
    let (_stack, browser) = page().await;
    let script = "
        const { Releases } = await import('./page/stage/release.js');
        const run = async (answers, wants) => {
          const calls = [], states = [];
          const signal = new AbortController().signal;
          const post = async (body) => {
            calls.push(body.ranks);
            const answer = answers.shift();
            if (answer) throw Object.assign(new Error('no'), answer);
          };
          const releases = new Releases({ post, signal, onState: (state) => states.push(state), wait: async () => {} });
          for (const ranks of wants) { releases.want(ranks); await releases.working; }
          return { calls, states };
        };
        return [
          await run([{}, { status: 503 }, { status: 409 }, { status: 429 }, null], [[3, 1], [3, 1, 2]]),
          await run([{ status: 404 }, null], [[5], [5, 6]]),
          await run([], [Array.from({ length: 1100 }, (_, index) => index + 1)]),
        ]";
    let answers = browser.run(script, json!([])).await;
    // The connection is lost, the service is busy, the winners are not recorded yet: the same ranks again, then no more.
    let pair = json!([3, 1]);
    assert_eq!(answers[0]["calls"], json!([pair, pair, pair, pair, pair, [2]]));
    assert_eq!(answers[0]["states"], json!(["waiting", "waiting", "waiting", "waiting", "done", "done"]));
    // What is refused for good is reported, and tried again with the next reveal.
    assert_eq!(answers[1]["calls"], json!([[5], [5, 6]]));
    assert_eq!(answers[1]["states"], json!(["refused", "done"]));
    let lengths: Vec<_> =
        answers[2]["calls"].as_array().unwrap().iter().map(|ranks| ranks.as_array().unwrap().len()).collect();
    assert_eq!(lengths, [500, 500, 100]);
}

#[tokio::test]
async fn a_grid_fits_any_number_of_names_or_pages_them() {
    let (_stack, browser) = page().await;
    let script = "
        const { fit } = await import('./page/stage/grid.js');
        const problems = [];
        for (const area of [{ width: 1240, height: 500 }, { width: 1880, height: 800 }, { width: 360, height: 520 }]) {
          for (let count = 1; count <= 700; count = Math.ceil(count * 1.13)) {
            for (const longest of [2, 4, 7.5, 30]) {
              for (const hasUnder of [false, true]) {
                const made = fit(count, area, { longest, hasUnder, smallest: 22, largest: 240 });
                const high = made.size * (1.12 + (hasUnder ? 0.65 : 0) + 0.24);
                const fits = made.columns * made.rows >= made.perPage && made.perPage * made.pages >= count && made.perPage * (made.pages - 1) < count
                  && made.rows * high <= area.height + 1 && (made.size >= 22 || made.perPage === 1);
                if (!fits) problems.push({ count, area, longest, hasUnder, made });
              }
            }
          }
        }
        return problems.slice(0, 3);";
    assert_eq!(browser.run(script, json!([])).await, json!([]));
}

/// Names in motion for two seconds: frames a second by the timestamps of the browser, and the names that were on the globe.
async fn motion(browser: &Browser, names: u32) -> Value {
    let script = "
        const { Globe } = await import('./page/stage/globe.js');
        const canvas = document.createElement('canvas');
        canvas.className = 'stage-globe';
        document.body.append(canvas);
        Object.assign(canvas.style, { position: 'fixed', inset: '0', width: '100%', height: '100%', opacity: '1', zIndex: '9' });
        const globe = new Globe(canvas, { color: '#fff', isStill: false });
        const seen = new Set();
        const write = globe.write.bind(globe);
        globe.write = (slot, name) => { seen.add(name); write(slot, name); };
        globe.setNames(Array.from({ length: arguments[0] }, (_, index) => `Person ${index}`));
        globe.setMotion('fast');
        const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
        for (const began = performance.now(); performance.now() - began < 3000;) await frame();
        const times = [];
        let draws = 0;
        let spent = 0;
        const draw = globe.draw.bind(globe);
        globe.draw = () => { const from = performance.now(); draw(); spent += performance.now() - from; draws += 1; };
        for (const began = performance.now(); performance.now() - began < 2000;) times.push(await frame());
        const steps = times.slice(1).map((time, index) => time - times[index]).sort((a, b) => a - b);
        const result = { fps: (times.length - 1) / ((times.at(-1) - times[0]) / 1000), median: steps[steps.length >> 1], draw: spent / draws, on_globe: globe.shown, seen: seen.size,
          heap: Math.round((performance.memory?.usedJSHeapSize ?? 0) / 1e6), sheets: globe.sheets.length * 4 };
        globe.end();
        canvas.remove();
        return result;";
    browser.run(script, json!([names])).await
}

#[tokio::test]
#[allow(clippy::print_stdout, reason = "the figures that docs/performance.md gives")]
async fn a_frame_costs_the_same_for_three_hundred_names_and_for_fifty_thousand() {
    let (_stack, browser) = page().await;
    for names in [300, 5_000, 50_000] {
        let found = motion(&browser, names).await;
        println!("{names} names: {found}");
        // Without a graphics card, on a busy machine, frames are few: what a frame has to do is bounded.
        assert!(found["fps"].as_f64().unwrap() > 1.0, "{names}: {found}");
        assert!(found["on_globe"].as_u64().unwrap() <= 1500, "{names}: {found}");
        assert!(found["sheets"].as_u64().unwrap() <= 32, "{names}: {found}");
        assert!(found["seen"].as_u64().unwrap() >= u64::from(names.min(300)), "{names}: {found}");
    }
}
