// Keeps what the user has written but not sent, for each conversation.

const PREFIX = "imbi-draft";

const nameOf = (user, id) => `${PREFIX}:${user}:${id ?? "new"}`;

export const draftOf = (user, id) => localStorage.getItem(nameOf(user, id)) ?? "";

export function keepDraft(user, id, text) {
  if (text) localStorage.setItem(nameOf(user, id), text);
  else localStorage.removeItem(nameOf(user, id));
}
