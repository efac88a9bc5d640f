// Two thumbs below an answer, and a field for a comment once one of them is pressed.

import { button, element } from "./dom.mjs";
import { thumbIcon } from "./thumb_icon.mjs";

const THUMBS = [[1, "Good answer"], [-1, "Bad answer"]];
const LONGEST_COMMENT = 2000;

export class RatingView {
  /** `rate(rating, comment)` stores a rating, or withdraws it for null; it resolves to whether that was possible. */
  constructor(feedback, rate) {
    this.rate = rate;
    this.rating = feedback?.rating ?? null;
    this.comment = feedback?.comment ?? "";
    this.thumbs = new Map(THUMBS.map(([rating, label]) => [rating, button(thumbIcon(rating > 0), () => this.press(rating), { class: "quiet thumb", title: label, "aria-label": label })]));
    this.form = element("form", { class: "comment", hidden: "" });
    this.element = element("div", { class: "rating", role: "group", "aria-label": "Rate the answer" }, ...this.thumbs.values(), this.form);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.say();
    });
    this.show();
  }

  /** A thumb that is pressed already is released. */
  async press(rating) {
    const wanted = this.rating === rating ? null : rating;
    if (!(await this.store(wanted, ""))) return;
    if (wanted !== null) this.ask();
    else this.form.hidden = true;
  }

  async say() {
    const comment = this.form.querySelector("input").value.trim();
    if (await this.store(this.rating, comment)) this.form.hidden = true;
    (this.thumbs.get(this.rating) ?? this.element).focus();
  }

  async store(rating, comment) {
    if (!(await this.rate(rating, comment))) return false;
    this.rating = rating;
    this.comment = comment;
    this.show();
    return true;
  }

  ask() {
    const field = element("input", { type: "text", maxlength: String(LONGEST_COMMENT), placeholder: "Comment (optional)", "aria-label": "Comment on the answer" });
    this.form.replaceChildren(field, element("button", { type: "submit" }, "Send"));
    this.form.hidden = false;
    field.focus();
  }

  show() {
    for (const [rating, thumb] of this.thumbs) thumb.setAttribute("aria-pressed", String(rating === this.rating));
    this.element.title = this.comment;
  }
}
