// The theme: light, dark, or as the system has it.

import { $ } from "./dom.mjs";

const THEMES = { auto: "Theme: system", light: "Theme: light", dark: "Theme: dark" };

function setTheme(theme) {
  localStorage.setItem("imbi-theme", theme);
  document.documentElement.dataset.theme = theme;
  $("theme").textContent = THEMES[theme];
}

function nextTheme() {
  const names = Object.keys(THEMES);
  setTheme(names[(names.indexOf(document.documentElement.dataset.theme) + 1) % names.length]);
}

/** Apply the theme that was chosen last, and let the user choose. */
export function setUpTheme() {
  const theme = localStorage.getItem("imbi-theme");
  setTheme(Object.hasOwn(THEMES, theme) ? theme : "auto");
  $("theme").addEventListener("click", nextTheme);
}
