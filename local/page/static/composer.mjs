// The field for questions, with its draft.

import { $ } from "./dom.mjs";
import { draftOf, keepDraft } from "./drafts.mjs";

export class Composer {
  /** `submit(text)` returns whether the question was taken. */
  constructor(submit) {
    this.field = $("question");
    this.submit = submit;
    this.user = null;
    this.id = null;
    $("composer").addEventListener("submit", (event) => { event.preventDefault(); this.send(); });
    this.field.addEventListener("input", () => { keepDraft(this.user, this.id, this.field.value); this.fit(); });
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); this.send(); }
    });
  }

  /** Show the draft of a user for a conversation; null is the start of a new one. */
  open(user, id) {
    this.user = user;
    this.id = id;
    this.field.value = draftOf(user, id);
    this.fit();
  }

  send() {
    const text = this.field.value.trim();
    if (!text || !this.submit(text)) return;
    this.field.value = "";
    keepDraft(this.user, this.id, "");
    this.fit();
  }

  /** The new conversation that was written for has an id now. */
  adopt(id) {
    this.id = id;
    if (this.field.value) keepDraft(this.user, id, this.field.value);
  }

  /** On a touch screen, focus would open the keyboard. */
  focus() {
    if (matchMedia("(hover: hover)").matches) this.field.focus();
  }

  setRunning(isRunning) {
    const hadFocus = document.activeElement === $("send") || document.activeElement === $("stop");
    $("send").hidden = isRunning;
    $("stop").hidden = !isRunning;
    if (hadFocus) this.field.focus();
  }

  fit() {
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight + 2}px`;
  }
}
