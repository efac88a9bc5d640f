// How an answer ended, in words, and what the user can do then. Pure functions, without elements.

const USUAL_STOPS = new Set([undefined, null, "end_turn", "stop_sequence", "approval_required", "feedback"]);
const STOPS = {
  max_tokens: "The answer reached its length limit.",
  model_context_window_exceeded: "The conversation has become too long for the model.",
  refusal: "The model declined to answer this question.",
  stopped: "The answer was stopped.",
};
const INTERRUPTIONS = new Set(["max_tokens", "stopped"]);
// Sending the same question again cannot help after these failures.
const FINAL = new Set(["authentication", "context_overflow", "invalid_request"]);

/** Words for the end of a stored answer, whose last message is given; null after a usual end. */
export function endingOf({ is_partial: isPartial, stop_reason: stop, error }) {
  if (error) {
    const canRepeat = error.retryable ?? !FINAL.has(error.code);
    return { title: isPartial ? "Interrupted" : "Failed", text: error.message, canRepeat, canContinue: Boolean(isPartial) && canRepeat };
  }
  if (!isPartial && USUAL_STOPS.has(stop)) return null;
  const text = STOPS[stop] ?? (isPartial ? "The answer is not complete." : `The model stopped: ${stop}.`);
  const isFinal = stop === "model_context_window_exceeded";
  return { title: isPartial || INTERRUPTIONS.has(stop) ? "Interrupted" : "Ended early", text, canRepeat: !isFinal, canContinue: !isFinal && stop !== "refusal" };
}

/** Words for a failure that has just happened. */
export function failureOf({ message, code, retryable }, hasText) {
  const canRepeat = retryable ?? !FINAL.has(code);
  return { title: hasText ? "Interrupted" : "Failed", text: message, canRepeat, canContinue: hasText && canRepeat };
}

/** The tokens of an answer, in words. */
export function usageText(usage = {}) {
  const read = usage.cache_read_input_tokens ?? 0;
  const total = (usage.input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0) + read;
  const cached = read ? ` (${read.toLocaleString()} from the cache)` : "";
  const output = (usage.output_tokens ?? 0).toLocaleString();
  return `${total.toLocaleString()} tokens in${cached} · ${output} out`;
}
