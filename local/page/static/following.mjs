// Notices what other tabs and other devices do, so that every tab shows the same.

import { onWake } from "./waking.mjs";

const LOOK_MILLISECONDS = 15_000;
const channel = new BroadcastChannel("imbi-assistant");

/** Tell the other tabs of this browser that a user's conversation has changed. */
export const tell = (user, id) => channel.postMessage({ user, id });

/** Call `look(id)` when a conversation of `user()` may have changed elsewhere; without an id, any of them. */
export function follow(user, look) {
  channel.addEventListener("message", ({ data }) => { if (data.user === user()) look(data.id); });
  const lookIfVisible = () => { if (document.visibilityState === "visible") look(null); };
  onWake(lookIfVisible);
  setInterval(lookIfVisible, LOOK_MILLISECONDS);
}
