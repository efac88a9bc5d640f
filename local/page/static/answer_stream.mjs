// The events of one answer, whatever happens to the connection: a lost one is opened again where it broke.

import { readEvents } from "./sse.mjs";
import { onWake } from "./waking.mjs";

// The waits before the attempts to reconnect, in milliseconds; together about two minutes.
const WAITS = [0, 500, 1000, 2000, 4000, 8000, 15_000, 30_000, 30_000, 30_000];
const ENDS = new Set(["done", "error"]);

/**
 * Yield `{event, data}` until the answer has ended.
 *
 * `open` sends the question, `rejoin(lastId)` opens the running answer again; each resolves to a response, and
 * `rejoin` to null if no answer is running. Two events are our own: `reconnecting`, and `restarted` if the answer is
 * told from its beginning again. The events end without `done` and `error` if the answer cannot be joined: what is
 * stored says how it ended.
 */
export async function* answerEvents({ open, rejoin, signal, waits = WAITS }) {
  let response = await open();
  let lastId = null;
  let hasEvents = false;
  while (response) {
    let hasEnded = false;
    try {
      for await (const { id, event, data } of readEvents(response.body)) {
        lastId = id ?? lastId;
        hasEvents = true;
        yield { event, data };
        hasEnded ||= ENDS.has(event);
      }
    } catch (error) {
      if (signal.aborted) throw error;
    }
    // Only the title may come after the end.
    if (hasEnded) return;
    yield { event: "reconnecting", data: {} };
    response = await reconnect(() => rejoin(lastId), signal, waits);
    if (response && hasEvents && lastId === null) yield { event: "restarted", data: {} };
  }
}

async function reconnect(rejoin, signal, waits) {
  for (const wait of waits) {
    await pause(wait, signal);
    try {
      return await rejoin();
    } catch (error) {
      if (signal.aborted) throw error;
      if (!error.isUnreachable) return null;
    }
  }
  return null;
}

/** Wait some milliseconds, or until the page wakes up. */
function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      forget();
      signal.removeEventListener("abort", end);
      if (signal.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(end, milliseconds);
    const forget = onWake(end);
    signal.addEventListener("abort", end);
  });
}
