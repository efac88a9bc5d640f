// Reads Server-Sent Events from a response body as `{event, data}`, with `data` parsed as JSON.

/** Yield the events of a stream of bytes, which may be split anywhere. */
export async function* readEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let frame = { event: "message", data: [] };
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        if (line) take(frame, line);
        else {
          if (frame.data.length) yield { event: frame.event, data: JSON.parse(frame.data.join("\n")) };
          frame = { event: "message", data: [] };
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function take(frame, line) {
  const [, name, value] = /^([^:]*):? ?(.*?)\r?$/s.exec(line);
  if (name === "event") frame.event = value;
  if (name === "data") frame.data.push(value);
}
