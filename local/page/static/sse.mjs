// Reads Server-Sent Events from a response body as `{id, event, data}`, with `data` parsed as JSON.

import { onWake } from "./waking.mjs";

/** The service sends a comment after 10 s of silence, so a connection that is silent for longer is dead. */
const SILENCE_MILLISECONDS = 30_000;
/** After a sleep, a silence of this length is enough. */
const SILENCE_AT_WAKE_MILLISECONDS = 12_000;
const LOOKS = 6;

/** Yield the events of a stream of bytes, which may be split anywhere. A stream that is silent for too long fails. */
export async function* readEvents(body, silence = SILENCE_MILLISECONDS) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  const watch = new SilenceWatch(silence);
  let rest = "";
  let frame = newFrame();
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), watch.failed]);
      watch.last = Date.now();
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        if (line && line !== "\r") take(frame, line);
        else {
          if (frame.data.length) yield { id: frame.id, event: frame.event, data: JSON.parse(frame.data.join("\n")) };
          frame = newFrame();
        }
      }
    }
  } finally {
    watch.end();
    reader.cancel().catch(() => {});
  }
}

/** Looks at the clock, which also runs while the machine sleeps and timers stand still. */
class SilenceWatch {
  constructor(silence) {
    this.last = Date.now();
    this.failed = new Promise((_, reject) => { this.fail = () => reject(new Error("The stream is silent.")); });
    // Nobody may be waiting when it fails.
    this.failed.catch(() => {});
    this.timer = setInterval(() => this.look(silence), silence / LOOKS);
    this.forget = onWake(() => this.look(Math.min(silence, SILENCE_AT_WAKE_MILLISECONDS)));
  }

  look(silence) {
    if (Date.now() - this.last >= silence) this.fail();
  }

  end() {
    clearInterval(this.timer);
    this.forget();
  }
}

const newFrame = () => ({ id: null, event: "message", data: [] });

function take(frame, line) {
  const [, name, value] = /^([^:]*):? ?(.*?)\r?$/s.exec(line);
  if (name === "event") frame.event = value;
  if (name === "id") frame.id = value;
  if (name === "data") frame.data.push(value);
}
