// The page: one open conversation of one development user.

import { Api, fetchConfig } from "./api.mjs";
import { Chat } from "./chat.mjs";
import { Composer } from "./composer.mjs";
import { conversationActions, conversationMenu } from "./conversation_menu.mjs";
import { $, button, element } from "./dom.mjs";
import { follow, tell } from "./following.mjs";
import { Sidebar } from "./sidebar.mjs";
import { setUpTheme } from "./theme.mjs";
import { closeMenus, followLink, guard, setUpPage, showList } from "./ui.mjs";

// How near its end, in pixels, the conversation is scrolled along with the answer.
const NEAR = 80;

let config;
let api;
let isFollowing = true;

const actions = conversationActions({ api: () => api, changed, removed });
const sidebar = new Sidebar(actions);
const composer = new Composer(submit);
const chat = new Chat({ log: $("log"), changed: noticed, retitled, begun, grown: scroll, said, running: (isRunning) => composer.setRunning(isRunning) });

// The user and the address

/** Act as a user, at the start of a new conversation. */
async function become(user) {
  localStorage.setItem("imbi-user", user);
  $("user").value = user;
  api = new Api(config.prefix, user);
  sidebar.clear();
  await Promise.all([guard(() => sidebar.load(api)), open()]);
}

/** Show the conversation that the address names. */
async function open() {
  const id = location.hash.slice(1);
  if (id && id === chat.conversation?.id && api === chat.api) return;
  chat.leave();
  if (document.body.classList.contains("listing")) showList(false);
  const asked = api;
  const found = id ? await guard(() => api.get(id)) : null;
  if (asked !== api || location.hash.slice(1) !== id) return;
  if (id && !found) history.replaceState(null, "", location.pathname);
  show(found);
}

function show(conversation) {
  chat.show(api, conversation);
  if (!chat.exchanges.length) showWelcome();
  composer.open(api.user, conversation?.id ?? null);
  composer.focus();
  sidebar.select(conversation?.id ?? null);
  setTitle();
  scroll(true);
}

function startNew() {
  if (location.hash) history.pushState(null, "", location.pathname);
  if (document.body.classList.contains("listing")) showList(false);
  show(null);
}

function setTitle() {
  const { conversation } = chat;
  const title = conversation ? (conversation.title ?? "Untitled") : "New conversation";
  $("title").textContent = title;
  document.title = `${title} · Imbi assistant`;
  $("actions").replaceChildren(...(conversation ? [conversationMenu(conversation, actions)] : []));
}

function showWelcome() {
  const samples = element("div", { class: "samples" }, ...config.samples.map((text) => button(text, () => submit(text))));
  $("log").append(element("div", { class: "welcome" },
    element("h2", {}, "What would you like to know?"),
    element("p", {}, "The assistant looks up data in Imbi with your permissions. Choose a question, or write your own."),
    samples));
}

// What the conversation tells the page

function submit(text) {
  if (chat.live) return false;
  $("log").querySelector(".welcome")?.remove();
  chat.ask(text);
  return true;
}

function begun(conversation) {
  history.pushState(null, "", `#${conversation.id}`);
  composer.adopt(conversation.id);
  sidebar.put(conversation);
  sidebar.select(conversation.id);
  setTitle();
}

/** The conversation has changed in the service. */
function noticed(id) {
  if (!id) return;
  tell(api.user, id);
  if (chat.conversation?.id === id) setTitle();
  guard(() => sidebar.load(api));
}

function retitled(id, title) {
  if (chat.conversation?.id === id) {
    chat.conversation.title = title;
    setTitle();
  }
  const listed = sidebar.conversations.find((one) => one.id === id);
  if (listed) sidebar.put({ ...listed, title });
  tell(api.user, id);
}

function said(words) {
  $("status").textContent = words;
}

/** Keep the end of the conversation in view, unless the user has scrolled away from it. */
function scroll(isForced) {
  isFollowing ||= isForced;
  if (isFollowing) requestAnimationFrame(() => { $("scroll").scrollTop = $("scroll").scrollHeight; });
}

// What the actions on conversations tell the page

function changed(updated) {
  sidebar.put(updated);
  tell(api.user, updated.id);
  if (chat.conversation?.id !== updated.id) return;
  Object.assign(chat.conversation, { ...updated, messages: chat.conversation.messages });
  setTitle();
}

function removed(id) {
  sidebar.drop(id);
  tell(api.user, id);
  if (chat.conversation?.id === id) startNew();
}

// The page

/** Look what has changed elsewhere, in one conversation or in any. */
function look(id) {
  guard(() => sidebar.load(api));
  const { conversation } = chat;
  if (conversation && (id === null || id === conversation.id)) guard(refresh);
}

async function refresh() {
  const { conversation } = chat;
  await chat.refresh();
  setTitle();
  if (chat.conversation !== conversation) scroll(false);
}

/** Escape closes what is open before it stops an answer. */
function escape(event) {
  if (event.key !== "Escape" || event.defaultPrevented || $("dialog").open) return;
  const isClosed = closeMenus() || chat.closeEditor() || (document.body.classList.contains("listing") && showList(false)) || sidebar.closeSearch();
  if (!isClosed) chat.stop();
}

function wire() {
  setUpPage();
  $("skip").addEventListener("click", (event) => { event.preventDefault(); composer.field.focus(); });
  $("new").addEventListener("click", () => { startNew(); composer.field.focus(); });
  $("user").addEventListener("change", () => { history.pushState(null, "", location.pathname); become($("user").value); });
  $("stop").addEventListener("click", () => chat.stop());
  $("scroll").addEventListener("scroll", () => {
    const { scrollTop, scrollHeight, clientHeight } = $("scroll");
    isFollowing = scrollHeight - scrollTop - clientHeight < NEAR;
  });
  $("log").addEventListener("click", followLink);
  document.addEventListener("keydown", escape);
  window.addEventListener("popstate", () => guard(open));
}

async function start() {
  setUpTheme();
  config = await fetchConfig();
  $("user").append(...config.users.map((user) => element("option", { value: user }, user)));
  wire();
  const last = localStorage.getItem("imbi-user");
  await become(config.users.includes(last) ? last : config.users[0]);
  follow(() => api.user, look);
}

await guard(start);
