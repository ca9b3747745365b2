// Lists the lotteries. Text is only ever set as text, so that no name can become markup.
"use strict";

const list = document.getElementById("lotteries");
const notice = document.getElementById("notice");
const more = document.getElementById("more");
let cursor = null;

function show(lottery) {
  const item = document.createElement("li");
  const name = document.createElement("strong");
  const link = document.createElement("a");
  link.href = `/lotteries/${encodeURIComponent(lottery.lottery_id)}`;
  link.textContent = lottery.name;
  name.dir = "auto";
  name.append(link);
  const about = document.createElement("span");
  const created = new Date(lottery.created_at).toLocaleDateString(undefined, { dateStyle: "medium" });
  about.textContent = `${lottery.lottery_id} · created ${created}`;
  item.append(name, about);
  list.append(item);
}

async function load() {
  more.disabled = true;
  try {
    const query = cursor ? `?cursor=${encodeURIComponent(cursor)}` : "";
    const answer = await fetch(`/lotteries${query}`);
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const page = await answer.json();
    page.lotteries.forEach(show);
    cursor = page.next_cursor;
    more.hidden = !cursor;
    notice.textContent = list.children.length ? "" : "There is no lottery yet.";
  } catch {
    notice.textContent = "The lotteries cannot be loaded at the moment.";
    more.hidden = false;
  } finally {
    more.disabled = false;
  }
}

more.addEventListener("click", load);
load();
