// Reads Server-Sent Events from a response body as `{id, event, data}`, with `data` parsed as JSON.

/** The service sends a comment after 10 s of silence, so a connection that is silent for longer is dead. */
const SILENCE_MILLISECONDS = 30_000;

/** Yield the events of a stream of bytes, which may be split anywhere. */
export async function* readEvents(body, silence = SILENCE_MILLISECONDS) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let frame = newFrame();
  try {
    for (;;) {
      const { done, value } = await within(silence, reader.read());
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
    reader.cancel().catch(() => {});
  }
}

const newFrame = () => ({ id: null, event: "message", data: [] });

function take(frame, line) {
  const [, name, value] = /^([^:]*):? ?(.*?)\r?$/s.exec(line);
  if (name === "event") frame.event = value;
  if (name === "id") frame.id = value;
  if (name === "data") frame.data.push(value);
}

/** Wait for a promise, but not longer than some milliseconds. */
async function within(milliseconds, promise) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error("The stream is silent.")), milliseconds); });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
