// The page around the conversation: messages to the user, dialogs, menus and the list on small screens.

import { ApiError } from "./api.mjs";
import { $ } from "./dom.mjs";

const TOAST_MILLISECONDS = 4000;
let toastTimer;

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

export function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { $("toast").hidden = true; }, TOAST_MILLISECONDS);
}

/** Ask for a text. Resolves to null if the user cancels. */
export async function ask(title, text, value, ok) {
  return (await openDialog(title, text, value, ok)) ? $("dialog-input").value : null;
}

/** Ask for confirmation. */
export const confirm = (title, text, ok) => openDialog(title, text, null, ok);

function openDialog(title, text, value, ok) {
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
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "ok"), { once: true });
  });
}

/** Handle clicks on links in answers: footnotes are in the page, and relative links lead to Imbi's UI. */
export function followLink(event) {
  const link = event.target.closest(".markdown a");
  if (!link || link.target === "_blank") return;
  event.preventDefault();
  const address = link.getAttribute("href") ?? "";
  const target = address.startsWith("#") && document.getElementById(decodeURIComponent(address.slice(1)));
  if (target) {
    target.scrollIntoView({ block: "center" });
    target.setAttribute("tabindex", "-1");
    target.focus({ preventScroll: true });
  } else if (!address.startsWith("#")) toast(`In Imbi's UI, this link opens ${address}`);
}

// The list of conversations on small screens

const isSmall = matchMedia("(max-width: 760px)");

/** Show or hide the list; on small screens it covers the conversation. Returns whether that changed something. */
export function showList(isShown) {
  const wasShown = document.body.classList.contains("listing");
  document.body.classList.toggle("listing", isShown);
  $("menu").setAttribute("aria-expanded", String(isShown));
  $("main").inert = isShown && isSmall.matches;
  if (isShown && !wasShown) $("new").focus();
  if (!isShown && wasShown) $("menu").focus();
  return wasShown !== isShown;
}

// Menus

const openMenus = () => document.querySelectorAll("details.menu[open]");

/** Close menus; return whether one was open. */
export function closeMenus() {
  const menus = [...openMenus()];
  for (const menu of menus) {
    menu.open = false;
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
  }
  return menus.length > 0;
}

export function setUpPage() {
  $("menu").addEventListener("click", () => showList(true));
  $("shade").addEventListener("click", () => showList(false));
  isSmall.addEventListener("change", () => showList(false));
  document.addEventListener("click", (event) => {
    for (const menu of openMenus()) {
      if (!menu.contains(event.target) || event.target.closest(".menu-items button")) menu.open = false;
    }
  });
}
