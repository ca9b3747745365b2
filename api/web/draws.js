// @ts-check
// What the page knows of draws: their addresses, and what their statuses mean.

import { get, path } from "./api.js";
import { pageOf } from "./paging.js";

const FINAL = new Set(["SUCCEEDED", "INCOMPLETE", "REJECTED", "FAILED", "CANCELLED", "ABANDONED"]);

/** Nothing more will happen to the draw. */
export function isFinal(status) {
  return FINAL.has(status);
}

/** The winners are official. */
export function hasWinners(status) {
  return status === "RECORDED" || status === "SUCCEEDED" || status === "INCOMPLETE";
}

/** Some of the winners are not released yet. */
export function isHeld(draw) {
  return Boolean(draw.release) && draw.release.released < draw.release.total;
}

/** The draw may still be cancelled. */
export function canBeCancelled(status) {
  return status === "WAITING";
}

export function lotteryPath(lottery, ...rest) {
  return path("lotteries", lottery, ...rest);
}

export function drawPath(lottery, draw, ...rest) {
  return path("lotteries", lottery, "draws", draw, ...rest);
}

/** All winners of a draw, page by page; `anonymous` gives them masked, whoever asks. */
export async function allWinners(lottery, draw, options) {
  const winners = [];
  for (let cursor = null; ;) {
    const page = await get(pageOf(drawPath(lottery, draw, "winners"), cursor), options);
    winners.push(...page.winners);
    cursor = page.next_cursor;
    if (!cursor) return winners;
  }
}

/** What the service said when a draw was started, by the draw's id: for its organiser, on the view that follows. */
const notices = new Map();

export function keepNotices(draw, list) {
  notices.set(draw, list);
}

export function noticesOf(draw) {
  return notices.get(draw) ?? [];
}
