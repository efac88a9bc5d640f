// The page: one open conversation of one development user.

import { AnswerView } from "./answer.mjs";
import { Api, ApiError, fetchConfig } from "./api.mjs";
import { button, element } from "./dom.mjs";
import { historyOf } from "./history.mjs";
import { Sidebar } from "./sidebar.mjs";
import { $, askDialog, explainLink, guard, nextTheme, setUpTheme, showList } from "./ui.mjs";

const USUAL_STOPS = new Set([undefined, null, "end_turn", "stop_sequence"]);

let config;
let api;
let conversation = null;
// The answer that is streaming, if any: {controller, api, id, view, isComplete}.
let running = null;
let isFollowing = true;

const sidebar = new Sidebar($("conversations"), $("archived"), { guard, rename, archive, remove });

// The user

async function become(user) {
  running?.controller.abort();
  localStorage.setItem("imbi-user", user);
  $("user").value = user;
  api = new Api(config.prefix, user);
  sidebar.clear();
  await guard(() => sidebar.load(api));
  await openFromAddress();
}

// The conversation

async function openFromAddress() {
  const id = location.hash.slice(1);
  if (id && id === conversation?.id && running) return;
  running?.controller.abort();
  document.body.classList.remove("listing");
  const asked = api;
  const found = id ? await guard(() => api.get(id)) : null;
  if (asked !== api || location.hash.slice(1) !== id) return;
  if (id && !found) history.replaceState(null, "", location.pathname);
  conversation = found;
  showConversation();
}

function showConversation() {
  setTitle();
  sidebar.select(conversation?.id ?? null);
  $("log").replaceChildren();
  if (conversation?.messages?.length) $("log").append(...historyOf(conversation.messages));
  else showWelcome();
  isFollowing = true;
  follow();
  $("question").focus();
}

function setTitle() {
  const title = conversation ? (conversation.title ?? "Untitled") : "New conversation";
  $("title").textContent = title;
  document.title = `${title} · Imbi assistant`;
}

function showWelcome() {
  const samples = element("div", { class: "samples" }, ...config.samples.map((text) => button(text, () => ask(text))));
  $("log").append(element("div", { class: "welcome" },
    element("h2", {}, "What would you like to know?"),
    element("p", {}, "The assistant looks up data in Imbi with your permissions. Choose a question, or write your own."),
    samples));
}

// The answer

async function ask(question) {
  if (running) return;
  const asked = newAnswer();
  if (!asked.id && !(await begin(asked))) {
    if (running === asked) setRunning(null);
    $("question").value ||= question;
    return;
  }
  $("log").querySelector(".welcome")?.remove();
  $("log").append(element("div", { class: "mine" }, question));
  await answer(asked, question);
}

/** Create a conversation for the first question; return whether to go on with the question. */
async function begin(asked) {
  const created = await guard(() => asked.api.create());
  if (!created || asked.controller.signal.aborted) return false;
  asked.id = created.id;
  conversation = created;
  history.pushState(null, "", `#${created.id}`);
  sidebar.put(created);
  sidebar.select(created.id);
  setTitle();
  return true;
}

async function answer(asked, question) {
  $("log").append(asked.view.element);
  asked.view.wait();
  isFollowing = true;
  follow();
  const failure = await stream(asked, question);
  asked.view.end();
  if (failure) asked.view.fail(failure, () => retry(question));
  if (running === asked) setRunning(null);
  follow();
  await settle(asked);
}

function retry(question) {
  if (!running) answer(newAnswer(), question);
}

function newAnswer() {
  const controller = new AbortController();
  const asked = { controller, api, id: conversation?.id, view: new AnswerView(), isComplete: false };
  setRunning(asked);
  return asked;
}

/** Show the events of an answer; return the message of a failure, else null. */
async function stream(asked, question) {
  try {
    for await (const event of asked.api.ask(asked.id, question, asked.controller.signal)) {
      const failure = show(asked, event);
      if (failure) return failure;
      follow();
    }
    return asked.isComplete ? null : "The connection ended before the answer was complete.";
  } catch (error) {
    if (asked.controller.signal.aborted) {
      asked.view.addMeta("Stopped");
      return null;
    }
    if (error instanceof ApiError) return error.message;
    throw error;
  }
}

function show(asked, { event, data }) {
  const { view } = asked;
  switch (event) {
    case "text": view.addText(data.text); break;
    case "content_block_stop": view.finishBlock(); break;
    case "tool_use_start":
    case "tool_executing": view.beginTool(data.id, data.name); break;
    case "tool_input": view.addInput(data.partial_json); break;
    case "tool_result": view.endTool(data.id, data.name, data.is_error, data.duration_ms); break;
    case "client_action": view.showAction(data.id, data.action, data.params); break;
    case "done": finish(asked, data); break;
    case "title_updated": retitle(asked.id, data.title); break;
    case "error": return data.message;
    default: break;
  }
  return null;
}

function finish(asked, { usage = {}, stop_reason: stopReason }) {
  asked.isComplete = true;
  asked.view.end();
  const stop = USUAL_STOPS.has(stopReason) ? "" : ` · stopped: ${stopReason}`;
  asked.view.addMeta(usageText(usage) + stop);
  // Only the title may still follow; the next question need not wait for it.
  if (running === asked) setRunning(null);
}

function usageText(usage) {
  const read = usage.cache_read_input_tokens ?? 0;
  const total = (usage.input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0) + read;
  const cached = read ? ` (${read.toLocaleString()} from the cache)` : "";
  const output = (usage.output_tokens ?? 0).toLocaleString();
  return `${total.toLocaleString()} tokens in${cached} · ${output} out`;
}

function retitle(id, title) {
  if (conversation?.id === id) {
    conversation.title = title;
    setTitle();
  }
  const listed = sidebar.conversations.find((one) => one.id === id);
  if (listed) sidebar.put({ ...listed, title });
}

/** Load the stored conversation, for the tools' results and the conversation's place in the list. */
async function settle(asked) {
  if (asked.api !== api) return;
  const stored = await asked.api.get(asked.id).catch(() => null);
  if (!stored || asked.api !== api) return;
  asked.view.fill(stored.messages ?? []);
  const { messages: _, ...summary } = stored;
  sidebar.put(summary);
}

function setRunning(asked) {
  running = asked;
  $("send").hidden = Boolean(asked);
  $("stop").hidden = !asked;
}

function stop() {
  if (!running) return;
  const { controller, api: asked, id } = running;
  controller.abort();
  if (id) asked.stop(id);
}

function follow() {
  if (isFollowing) requestAnimationFrame(() => { $("scroll").scrollTop = $("scroll").scrollHeight; });
}

// Actions on a conversation

async function rename(chosen) {
  const title = (await askDialog("Rename the conversation", "", chosen.title ?? "", "Rename"))?.trim();
  if (title) await changed(chosen, { title });
}

async function archive(chosen) {
  await changed(chosen, { is_archived: !chosen.is_archived });
}

async function changed(chosen, changes) {
  const updated = await guard(() => api.update(chosen.id, changes));
  if (!updated) return;
  sidebar.put(updated);
  if (conversation?.id === updated.id) {
    conversation = { ...conversation, ...updated, messages: conversation.messages };
    setTitle();
  }
}

async function remove(chosen) {
  const text = `“${chosen.title ?? "Untitled"}” and its messages will be deleted permanently.`;
  if ((await askDialog("Delete the conversation?", text, null, "Delete")) === null) return;
  if (conversation?.id === chosen.id) running?.controller.abort();
  const isGone = await guard(async () => { await api.remove(chosen.id); return true; });
  if (!isGone) return;
  sidebar.drop(chosen.id);
  if (conversation?.id === chosen.id) startNew();
}

function startNew() {
  history.pushState(null, "", location.pathname);
  openFromAddress();
}

// The page

function wire() {
  $("new").addEventListener("click", startNew);
  $("user").addEventListener("change", () => become($("user").value));
  $("stop").addEventListener("click", stop);
  $("menu").addEventListener("click", () => showList(true));
  $("shade").addEventListener("click", () => showList(false));
  $("theme").addEventListener("click", nextTheme);
  $("composer").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  $("question").addEventListener("input", fit);
  $("question").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); submit(); }
  });
  $("scroll").addEventListener("scroll", () => {
    const { scrollTop, scrollHeight, clientHeight } = $("scroll");
    isFollowing = scrollHeight - scrollTop - clientHeight < 60;
  });
  $("log").addEventListener("click", explainLink);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !$("dialog").open) { stop(); showList(false); }
  });
  window.addEventListener("popstate", openFromAddress);
}

function submit() {
  const question = $("question").value.trim();
  if (!question || running) return;
  $("question").value = "";
  fit();
  ask(question);
}

function fit() {
  $("question").style.height = "auto";
  $("question").style.height = `${$("question").scrollHeight + 2}px`;
}

async function start() {
  setUpTheme();
  config = await fetchConfig();
  $("user").append(...config.users.map((user) => element("option", { value: user }, user)));
  wire();
  const last = localStorage.getItem("imbi-user");
  await become(config.users.includes(last) ? last : config.users[0]);
}

await guard(start);
