// Groups stored messages into exchanges: a question, and the messages of its answer. Pure functions.

// The blocks that Imbi's UI puts before a question, to describe its current page or search to the model.
const UI_BLOCK = /^\s*<(context|search_context)>[\s\S]*?<\/\1>\s*/i;

/** The user's own words in a stored message. */
export function wordsOf(content) {
  let words = content ?? "";
  for (let found = UI_BLOCK.exec(words); found; found = UI_BLOCK.exec(words)) words = words.slice(found[0].length);
  return words.trim();
}

/**
 * Group messages by question. Messages of users without words carry tool results, which get the names and inputs of
 * their calls, and the details of how these ran.
 */
export function exchangesOf(messages) {
  const exchanges = [];
  for (const message of withCalls(messages)) {
    const words = message.role === "user" ? wordsOf(message.content) : "";
    if (words && !message.tool_results?.length) exchanges.push({ question: { id: message.id, text: words, error: message.error ?? null }, answer: [] });
    else if (exchanges.length) exchanges.at(-1).answer.push(message);
    else exchanges.push({ question: null, answer: [message] });
  }
  return exchanges;
}

/** Join results with their calls. A decision that was typed stands between them. */
function withCalls(messages) {
  const calls = new Map();
  return messages.map((message) => {
    for (const call of message.tool_use ?? []) calls.set(call.id, call);
    const details = new Map((message.tool_details ?? []).map((one) => [one.id, one]));
    const join = (result) => ({ ...details.get(result.tool_use_id), ...calls.get(result.tool_use_id), ...result, id: result.tool_use_id });
    return message.tool_results ? { ...message, tool_results: message.tool_results.map(join) } : message;
  });
}

/**
 * The stored messages that a running answer does not tell again. An answer that goes on after an approval begins
 * behind the parked calls; any other one begins behind its question.
 */
export function messagesBefore(answer) {
  const parked = answer.findLastIndex(({ stop_reason: stop }) => stop === "approval_required");
  return answer.slice(0, parked + 1);
}
