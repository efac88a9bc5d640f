// Shows one exchange of a conversation: a question, its answer, and what the user can do with both.

import { AnswerView } from "./answer_view.mjs";
import { approvalCard } from "./approval_card.mjs";
import { button, element } from "./dom.mjs";
import { endingOf, failureOf, usageText } from "./ending.mjs";
import { messagesBefore } from "./exchanges.mjs";
import { QuestionView } from "./question_view.mjs";
import { RatingView } from "./rating_view.mjs";

export class ExchangeView {
  /**
   * `actions` are `edit(exchange, text)`, `retry(exchange)`, `goOn()`, `decide(exchange, approval, decision)` and
   * `rate(messageId, rating, comment)`.
   */
  constructor(question, actions) {
    this.actions = actions;
    this.questionId = question?.id ?? null;
    this.storedQuestion = question;
    this.question = question && new QuestionView(question.text, (text) => actions.edit(this, text));
    this.element = element("section", { class: "exchange" });
    if (this.question) this.element.append(this.question.element);
    this.answer = null;
    // The earlier part of the answer, whose calls waited for an approval.
    this.parked = null;
    this.ending = null;
    this.usage = "";
    this.approval = null;
    this.rating = null;
    // A thumb sent as a message is no question: it cannot be repeated, and its answer not rated.
    this.isThumb = false;
  }

  /** Show the stored answer. */
  tell(messages) {
    this.begin();
    this.answer.tell(messages);
    this.answer.end();
    this.setStored(messages);
  }

  /** Show the stored part of an answer that is running, and begin a view for the rest. */
  tellRunning(messages) {
    const before = messagesBefore(messages);
    if (before.length) this.tell(before);
    this.begin();
    this.answer.wait();
  }

  /** Say what the user has decided; the answer that follows is below. */
  setOutcome(approval) {
    this.parked?.addOutcome(approval);
  }

  /** Begin to show an answer below what there is. */
  begin() {
    this.removeApproval();
    this.answer?.foot.replaceChildren();
    this.ending = null;
    this.parked = this.answer;
    this.answer = new AnswerView(this.parked?.calls);
    this.element.append(this.answer.element);
  }

  /** Take over what the service stored about the answer: how it ended, and its tokens. */
  setStored(messages) {
    const last = messages.findLast(({ role }) => role === "assistant");
    this.ending = last ? endingOf(last) : this.endingWithoutAnswer();
    if (last?.token_usage) this.usage = usageText(last.token_usage);
    const rate = (rating, comment) => this.actions.rate(last.id, rating, comment);
    this.rating = last && new RatingView(last.feedback, rate);
    this.answerId = last?.id ?? null;
  }

  /** A failure before the first word is stored with the question. */
  endingWithoutAnswer() {
    if (this.storedQuestion?.error) return endingOf(this.storedQuestion);
    return this.question && { title: "Interrupted", text: "There is no answer to this question.", canRepeat: true };
  }

  /** The service has stored the question. */
  setQuestion(question) {
    this.storedQuestion = question;
    this.questionId = question.id;
  }

  setFailure(failure) {
    this.ending = failureOf(failure, this.answer.hasText);
  }

  /** Ask for a decision about calls that wait for it. */
  setApproval(approval) {
    this.removeApproval();
    for (const { id } of approval.calls ?? []) this.answer?.calls.get(id)?.end("asked");
    this.approval = approvalCard(approval, (decision) => this.actions.decide(this, approval, decision));
    this.element.append(this.approval);
  }

  removeApproval() {
    this.approval?.remove();
    this.approval = null;
  }

  /** Offer what is possible now: only the last exchange can be repeated or continued, and none while one is running. */
  offer(isLast, isIdle) {
    this.question?.setEditable(isIdle && Boolean(this.questionId));
    if (!this.answer || this.isThumb || (isLast && !isIdle)) return;
    const retry = button("Try again", () => this.actions.retry(this), { class: this.ending ? "" : "quiet" });
    const goOn = button("Go on", () => this.actions.goOn(), { class: "primary" });
    if (!this.ending) {
      const repeat = isLast && this.question && !this.approval ? [retry] : [];
      this.answer.setFoot(this.usage, ...repeat, ...this.ratings());
      return;
    }
    const { canContinue, canRepeat } = this.ending;
    const offered = isLast ? [canContinue && goOn, canRepeat && this.question && retry].filter(Boolean) : [];
    this.answer.setEnding(this.ending, ...offered, ...this.ratings());
  }

  ratings() {
    return this.rating ? [this.rating.element] : [];
  }

  /** Take over a rating that was given elsewhere. */
  setFeedback(messages) {
    const stored = messages.find(({ id }) => id === this.answerId);
    if (!stored || !this.rating) return;
    this.rating.rating = stored.feedback?.rating ?? null;
    this.rating.comment = stored.feedback?.comment ?? "";
    this.rating.show();
  }
}
