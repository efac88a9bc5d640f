// Shows a question, which can be edited: the edited one replaces it and all that followed.

import { button, element } from "./dom.mjs";

export class QuestionView {
  /** `edited` gets the new text. */
  constructor(text, edited) {
    this.text = text;
    this.edited = edited;
    this.words = element("div", { class: "words" }, text);
    this.edit = button("Edit", () => this.open(), { class: "quiet edit", "aria-label": "Edit this question" });
    this.edit.hidden = true;
    this.element = element("div", { class: "mine", role: "group", "aria-label": "Your question" }, this.words, this.edit);
  }

  /** Allow to edit the question: it is stored, and no answer is running. */
  setEditable(isEditable) {
    this.edit.hidden = !isEditable;
    if (!isEditable) this.close();
  }

  open() {
    const field = element("textarea", { rows: "3", maxlength: "32768", "aria-label": "The question" });
    field.value = this.text;
    const send = element("button", { class: "primary", type: "submit" }, "Send");
    const form = element("form", { class: "editing" }, field,
      element("div", {}, send, button("Cancel", () => this.close())), element("small", {}, "Everything after this question is replaced."));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = field.value.trim();
      if (!text) return;
      this.close();
      this.edited(text);
    });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
    this.element.classList.add("open");
    this.element.replaceChildren(form);
    field.focus();
  }

  /** Close the editor; return whether it was open. */
  close() {
    if (!this.element.classList.contains("open")) return false;
    this.element.classList.remove("open");
    this.element.replaceChildren(this.words, this.edit);
    if (!this.edit.hidden) this.edit.focus();
    return true;
  }
}
