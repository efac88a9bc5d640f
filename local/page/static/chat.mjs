// The open conversation: it shows what is stored, asks questions, and follows the answer that is running.

import { ApiError } from "./api.mjs";
import { answerEvents } from "./answer_stream.mjs";
import { approvalOf } from "./approval_card.mjs";
import { exchangesOf } from "./exchanges.mjs";
import { ExchangeView } from "./exchange_view.mjs";
import { showEvent } from "./live_events.mjs";
import { endingOf, usageText } from "./ending.mjs";

const GO_ON = "Please go on.";
const STOP_MILLISECONDS = 8000;
const REJOIN_MILLISECONDS = 2000;
const CONFLICT = 409;
const LOST = { message: "The connection was lost. The answer goes on, and is shown when the connection is back.", retryable: false };

export class Chat {
  /**
   * `page` has `log`, the element for the exchanges, and functions: `changed(id)` after something has changed,
   * `retitled(id, title)`, `begun(conversation)` after a new conversation was created, `grown(isNew)` when an answer has
   * grown, `running(isRunning)`, and `said(words)` for screen readers.
   */
  constructor(page) {
    this.page = page;
    this.api = null;
    this.conversation = null;
    this.exchanges = [];
    // The answer that is running, if any: {api, id, exchange, controller, ...}.
    this.live = null;
    const decide = (exchange, approval, decision) => this.decide(exchange, approval, decision);
    this.actions = {
      edit: (exchange, text) => this.repeat(exchange, text),
      retry: (exchange) => this.repeat(exchange, exchange.question.text),
      goOn: () => this.ask(GO_ON),
      decide,
      rate: (messageId, rating, comment) => this.rate(messageId, rating, comment),
    };
  }

  /** Leave the open conversation. Its answer, if one is running, goes on in the service. */
  leave() {
    this.live?.controller.abort();
    this.live = null;
  }

  /** Show a conversation with its messages, or the start of a new one for null. */
  show(api, conversation) {
    this.leave();
    this.api = api;
    this.conversation = conversation;
    this.page.log.replaceChildren();
    this.exchanges = [];
    const exchanges = exchangesOf(conversation?.messages ?? []);
    const running = conversation?.is_answering ? exchanges.pop() : null;
    for (const { question, answer } of exchanges) this.add(question).tell(answer);
    const approval = approvalOf(conversation);
    if (approval && !running) this.exchanges.at(-1)?.setApproval(approval);
    if (running) this.join(running);
    this.offer();
  }

  /** Load the conversation again, if it has changed since it was shown. */
  async refresh() {
    const { api, conversation, live } = this;
    if (!conversation || live) return;
    const stored = await api.get(conversation.id).catch(() => null);
    if (!stored || this.conversation !== conversation || this.live) return;
    if (stored.is_answering || stateOf(stored) !== stateOf(conversation)) this.show(api, stored);
    else Object.assign(conversation, stored);
  }

  async ask(text) {
    if (this.live) return;
    const exchange = this.add({ text });
    await this.send(exchange, { content: text });
  }

  /** Ask a question again, maybe with other words; it replaces the question and all that followed. */
  async repeat(exchange, text) {
    if (this.live) return;
    const at = this.exchanges.indexOf(exchange);
    for (const removed of this.exchanges.splice(at)) removed.element.remove();
    const question = { content: text };
    if (exchange.questionId) question.replaces = exchange.questionId;
    await this.send(this.add({ text }), question);
  }

  async decide(exchange, approval, decision) {
    if (this.live) return;
    const { approval_id: approvalId } = approval;
    exchange.begin();
    await this.run(exchange, async (live) => {
      live.isDecision = true;
      const response = await live.api.decide(live.id, approvalId, decision, live.controller.signal);
      exchange.setOutcome({ ...approval, decision });
      return response;
    });
  }

  /** Rate an answer; return whether the service has stored it. */
  async rate(messageId, rating, comment) {
    try {
      await this.api.rate(this.conversation.id, messageId, rating, comment);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.page.said(error.message);
      return false;
    }
    this.page.said(rating === null ? "The rating is withdrawn." : "Thank you for your feedback.");
    return true;
  }

  /** Stop the answer in the service, whose stream then ends. */
  async stop() {
    const { live } = this;
    if (!live || live.isStopping) return;
    live.isStopping = true;
    live.exchange.answer.wait("Stopping …");
    try {
      if (live.id) await live.api.stop(live.id);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
    // A stream that does not end by itself is left.
    setTimeout(() => { if (this.live === live) live.controller.abort(); }, live.id ? STOP_MILLISECONDS : 0);
  }

  /** Close the editor of a question; return whether one was open. */
  closeEditor() {
    return this.exchanges.some(({ question }) => question?.close());
  }

  add(question) {
    const exchange = new ExchangeView(question, this.actions);
    this.exchanges.push(exchange);
    this.page.log.append(exchange.element);
    return exchange;
  }

  async join({ question, answer }) {
    const exchange = this.add(question);
    exchange.tellRunning(answer);
    await this.run(exchange, (live) => live.api.rejoin(live.id, null, live.controller.signal).catch(noAnswer));
  }

  async send(exchange, question) {
    exchange.begin();
    const key = crypto.randomUUID();
    await this.run(exchange, async (live) => {
      if (!live.id) await this.create(live);
      const response = await live.api.ask(live.id, { ...question, key }, live.controller.signal);
      this.page.changed(live.id);
      return response;
    });
  }

  async create(live) {
    const created = await live.api.create();
    live.controller.signal.throwIfAborted();
    live.id = created.id;
    this.conversation = { ...created, messages: [] };
    this.page.begun(this.conversation);
  }

  /** Show an answer that `open` begins or joins, until it has ended or the user goes away. */
  async run(exchange, open) {
    const live = { api: this.api, id: this.conversation?.id ?? null, exchange, controller: new AbortController() };
    const { signal } = live.controller;
    this.live = live;
    exchange.answer.wait();
    this.offer();
    this.page.grown(true);
    try {
      const rejoin = (lastId) => live.api.rejoin(live.id, lastId, signal);
      for await (const event of answerEvents({ open: () => open(live), rejoin, signal })) {
        if (signal.aborted) return;
        this.take(live, event);
        // The title comes after the end; the next question need not wait for it.
        if (live.hasEnded && this.live === live) await this.finish(live);
      }
    } catch (error) {
      if (!signal.aborted && !(error instanceof ApiError)) throw error;
      if (!signal.aborted) live.refusal = error;
    }
    if (this.live === live) await this.finish(live);
  }

  take(live, { event, data }) {
    const { exchange } = live;
    switch (event) {
      case "done":
        live.hasEnded = true;
        live.stop = data.stop_reason;
        exchange.isThumb = data.stop_reason === "feedback";
        exchange.usage = usageText(data.usage);
        exchange.answer.end();
        break;
      case "error":
        live.hasEnded = true;
        live.failure = data;
        exchange.answer.end();
        break;
      case "approval_required":
        live.approval = data;
        break;
      case "title_updated":
        this.page.retitled(live.id, data.title);
        break;
      default:
        showEvent(exchange.answer, event, data);
    }
    this.page.grown(false);
  }

  /** End the live answer with what the service has stored of it. */
  async finish(live) {
    const { exchange, failure, refusal } = live;
    exchange.answer.end();
    const stored = live.id ? await live.api.get(live.id).catch(() => null) : null;
    if (this.live !== live) return;
    if (stored && !live.hasEnded && (!refusal || this.hasHappened(live, stored))) {
      await this.showAgain(live, stored);
      return;
    }
    this.live = null;
    if (stored && !refusal) this.adopt(exchange, stored);
    if (live.hasEnded) exchange.ending ??= endingOf({ stop_reason: live.stop });
    const reason = failure ?? refusal ?? (live.hasEnded ? null : LOST);
    if (reason) exchange.setFailure(reason);
    const approval = live.approval ?? (refusal && approvalOf(stored));
    if (approval) exchange.setApproval(approval);
    this.offer();
    this.page.changed(live.id);
    this.page.said(exchange.ending ? `${exchange.ending.title}. ${exchange.ending.text}` : "The answer is complete.");
    this.page.grown(false);
  }

  /** Whether something has happened in spite of a refusal: the approval was decided elsewhere, or the question came. */
  hasHappened({ refusal, isDecision }, stored) {
    if (isDecision && refusal.status === CONFLICT) return true;
    return refusal.isUnreachable && (stored.is_answering || stateOf(stored) !== stateOf(this.conversation));
  }

  /** The stream has ended without an end of the answer: show what is stored, or what is running by now. */
  async showAgain(live, stored) {
    if (stored.is_answering) await new Promise((resolve) => { setTimeout(resolve, REJOIN_MILLISECONDS); });
    if (this.live === live) this.show(live.api, stored.is_answering ? await live.api.get(live.id).catch(() => stored) : stored);
  }

  adopt(exchange, stored) {
    this.conversation = stored;
    for (const each of this.exchanges) each.setFeedback(stored.messages ?? []);
    const last = exchangesOf(stored.messages ?? []).at(-1);
    if (!last?.question || last.question.text !== exchange.question?.text) return;
    exchange.setQuestion(last.question);
    exchange.answer.fill(last.answer);
    exchange.setStored(last.answer);
  }

  /** Offer what is possible in each exchange now. */
  offer() {
    const isIdle = this.live === null;
    for (const exchange of this.exchanges) exchange.offer(exchange === this.exchanges.at(-1), isIdle);
    this.page.running(!isIdle);
  }
}

/** What the page shows of a conversation, as a text that can be compared. */
const stateOf = ({ messages = [], approval }) => JSON.stringify([messages.map(({ id }) => id), approval?.approval_id ?? null]);

/** A running answer that cannot be joined is like none: what is stored is shown. */
function noAnswer(error) {
  if (error instanceof ApiError) return null;
  throw error;
}
