// The page around the conversation: messages to the user, dialogs, the theme.

import { ApiError } from "./api.mjs";

const THEMES = { auto: "Theme: system", light: "Theme: light", dark: "Theme: dark" };
const TOAST_MILLISECONDS = 4000;
let toastTimer;

export const $ = (id) => document.getElementById(id);

/** Run an action, and show its failure to the user. */
export async function guard(action) {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast(error.message);
    return null;
  }
}

function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { $("toast").hidden = true; }, TOAST_MILLISECONDS);
}

/** Ask for a text, or for confirmation if `value` is null. Resolves to null if the user cancels. */
export function askDialog(title, text, value, ok) {
  const dialog = $("dialog");
  $("dialog-title").textContent = title;
  $("dialog-text").textContent = text;
  $("dialog-text").hidden = !text;
  $("dialog-input").hidden = value === null;
  $("dialog-input").value = value ?? "";
  $("dialog-ok").textContent = ok;
  dialog.returnValue = "cancel";
  dialog.showModal();
  if (value !== null) $("dialog-input").select();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "ok" ? $("dialog-input").value : null), { once: true });
  });
}

/** A relative link opens a page of Imbi's UI, which is not available here. */
export function explainLink(event) {
  const link = event.target.closest(".markdown a");
  if (!link || link.target === "_blank") return;
  event.preventDefault();
  toast(`In Imbi's UI, this link opens ${link.getAttribute("href")}`);
}

export function showList(isShown) {
  document.body.classList.toggle("listing", isShown);
  $("menu").setAttribute("aria-expanded", String(isShown));
}

function setTheme(theme) {
  localStorage.setItem("imbi-theme", theme);
  document.documentElement.dataset.theme = theme;
  $("theme").textContent = THEMES[theme];
}

export function nextTheme() {
  const names = Object.keys(THEMES);
  setTheme(names[(names.indexOf(document.documentElement.dataset.theme) + 1) % names.length]);
}

/** Apply the theme that was chosen last. */
export function setUpTheme() {
  const theme = localStorage.getItem("imbi-theme");
  setTheme(Object.hasOwn(THEMES, theme) ? theme : "auto");
}
