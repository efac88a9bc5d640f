// Copies text, and says so on the button that was pressed.

const SAID_MILLISECONDS = 2000;

export async function copy(text, button) {
  const label = button.textContent;
  let said = "Copied";
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // The browser may forbid it, for example in a frame.
    said = "Not allowed";
  }
  button.textContent = said;
  setTimeout(() => { button.textContent = label; }, SAID_MILLISECONDS);
}
