// Notices that the page may have missed something: the machine slept, the network was away, or the tab was hidden.

/** Call `action` whenever the page is shown again or the network is back; returns a function that ends this. */
export function onWake(action) {
  const { document: page } = globalThis;
  const ifVisible = () => { if (page.visibilityState === "visible") action(); };
  const events = [
    [globalThis, "online", action], [globalThis, "focus", action], [globalThis, "pageshow", action],
    [page, "visibilitychange", ifVisible], [page, "resume", action],
  ];
  // Node.js, which runs the tests, has no document.
  for (const [target, name, react] of events) target?.addEventListener?.(name, react);
  return () => { for (const [target, name, react] of events) target?.removeEventListener?.(name, react); };
}
