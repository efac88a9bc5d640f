"""A real Chromium, driven through the Chrome DevTools Protocol (https://chromedevtools.github.io/devtools-protocol/)."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from websockets.sync.client import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from websockets.sync.client import ClientConnection

SECONDS = 30.0
"""How long the browser may take for anything."""

MOST_STOPS = 60
"""So many stops of the Tab key are looked at before something is taken for unreachable."""

DESKTOP = (1280, 800)
PHONE = (390, 844)
_PAUSE = 0.05
_KEYS = {"Enter": ("\r", 13), "Escape": ("", 27), "Tab": ("", 9)}
_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--no-first-run",
    "--remote-debugging-port=0",
    "about:blank",
)


def chromium() -> str | None:
    """Return the installed Chromium's path."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Browser:
    """A running browser; commands wait for their answers one after the other."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._last_id = 0
        self.errors: list[str] = []
        """What pages have reported: exceptions that nothing caught, and what the security policy refused."""

    def command(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        self._last_id += 1
        message: dict[str, Any] = {"id": self._last_id, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        self._connection.send(json.dumps(message))
        while True:
            answer = json.loads(self._connection.recv(timeout=SECONDS))
            if answer.get("id") == self._last_id:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer)

    def page(self, url: str, size: tuple[int, int] = DESKTOP, *, is_dark: bool = False) -> Page:
        """Open a tab, in which a phone's size also means a touch screen."""
        target = self.command("Target.createTarget", url="about:blank")["targetId"]
        session = self.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, target, session)
        for domain in ("Page", "Runtime", "Log"):
            page.command(f"{domain}.enable")
        # Tabs behind others draw too.
        page.command("Emulation.setFocusEmulationEnabled", enabled=True)
        page.resize(size, is_dark=is_dark)
        page.open(url)
        return page

    def _note(self, event: dict[str, Any]) -> None:
        if event.get("method") == "Runtime.exceptionThrown":
            details = event["params"]["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        if event.get("method") == "Log.entryAdded" and event["params"]["entry"]["source"] == "security":
            self.errors.append(event["params"]["entry"]["text"])


class Page:
    """A tab."""

    def __init__(self, browser: Browser, target: str, session: str) -> None:
        self._browser = browser
        self._target = target
        self._session = session

    def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command to this tab."""
        return self._browser.command(method, self._session, **parameters)

    def open(self, url: str) -> None:
        """Go to an address, and wait until its document has loaded."""
        self.command("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def reload(self) -> None:
        """Load the page anew."""
        self.evaluate("window.isOld = true")
        self.command("Page.reload")
        self.wait_for("!window.isOld && document.readyState === 'complete'")

    def close(self) -> None:
        """Close the tab."""
        self._browser.command("Target.closeTarget", targetId=self._target)

    def resize(self, size: tuple[int, int], *, is_dark: bool = False) -> None:
        """Give the tab a size and a colour scheme."""
        is_phone = size == PHONE
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": is_phone}
        self.command("Emulation.setDeviceMetricsOverride", **metrics)
        self.command("Emulation.setTouchEmulationEnabled", enabled=is_phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[scheme])

    def evaluate(self, expression: str) -> Any:
        """Evaluate JavaScript, wait for a promise, and return the value as JSON."""
        answer = self.command("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Wait until a JavaScript expression is truthy."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if self.command("Runtime.evaluate", expression=f"Boolean({condition})")["result"].get("value"):
                return
            time.sleep(_PAUSE)
        raise AssertionError(f"{condition} did not become true; the page shows: {self.text()}")

    def wait_for_text(self, text: str, where: str = "body") -> None:
        """Wait until an element shows a text."""
        self.wait_for(f"document.querySelector({json.dumps(where)})?.innerText.includes({json.dumps(text)})")

    @staticmethod
    def wait_for_file(folder: Path, pattern: str) -> Path:
        """Wait until a download is complete, and return its file."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            found = [path for path in folder.glob(pattern) if path.stat().st_size]
            if found:
                return found[0]
            time.sleep(_PAUSE)
        raise AssertionError(f"No {pattern} was saved")

    def text(self, where: str = "body") -> str:
        """Return what an element shows."""
        return str(self.evaluate(f"document.querySelector({json.dumps(where)})?.innerText ?? ''"))

    def click(self, selector: str, text: str = "") -> None:
        """Click in the middle of the first shown element that a selector and a part of its text find."""
        found = f"""[...document.querySelectorAll({json.dumps(selector)})].find((one) => one.checkVisibility()
            && (one.innerText || one.ariaLabel || '').includes({json.dumps(text)}))"""
        self.wait_for(found)
        box = self.evaluate(
            f"""(() => {{ const one = {found}; one.scrollIntoView({{block: 'nearest'}});
            const box = one.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }})()"""
        )
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            click = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
            self.command("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], **click)

    def type(self, text: str) -> None:
        """Insert text where the focus is."""
        self.command("Input.insertText", text=text)

    def press(self, key: str) -> None:
        """Press a key."""
        text, code = _KEYS[key]
        for kind in ("keyDown", "keyUp"):
            pressed = {"text": text} if text and kind == "keyDown" else {}
            self.command("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **pressed)

    def tab_to(self, name: str) -> None:
        """Press Tab until the focus is on something whose name or text contains this; it must be visible there."""
        control = "document.activeElement.closest('a, button, input, select, summary, textarea')"
        focused = f"({control}?.ariaLabel || {control}?.innerText || '')"
        for _ in range(MOST_STOPS):
            self.press("Tab")
            if self.evaluate(f"{focused}.includes({json.dumps(name)})"):
                assert self.evaluate("document.activeElement.matches(':focus-visible')")
                assert self.evaluate("document.activeElement.checkVisibility({opacityProperty: true})")
                return
        raise AssertionError(f"Tab does not reach {name}")

    def ask(self, question: str) -> None:
        """Write a question and send it."""
        self.evaluate("document.getElementById('question').focus()")
        self.type(question)
        self.press("Enter")

    def choose(self, selector: str, value: str) -> None:
        """Choose an option of a list."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.evaluate(f"{found}.value = {json.dumps(value)}; {found}.dispatchEvent(new Event('change')); undefined")

    def screenshot(self, path: Path) -> None:
        """Save what the tab shows as a PNG."""
        path.write_bytes(base64.b64decode(self.command("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def running_browser(downloads: Path) -> Iterator[Browser]:
    """Run Chromium with a profile of its own, and save what it downloads in a folder."""
    program = chromium()
    assert program is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [program, f"--user-data-dir={profile}", *_ARGUMENTS]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603  # the installed browser
        try:
            with connect(_address(Path(profile), process), max_size=None) as connection:
                browser = Browser(connection)
                behavior = {"behavior": "allow", "downloadPath": str(downloads)}
                browser.command("Browser.setDownloadBehavior", **behavior)
                yield browser
        finally:
            process.terminate()
            process.wait(SECONDS)


def _address(profile: Path, process: subprocess.Popen[bytes]) -> str:
    """Wait until the browser has written where it listens."""
    port_file = profile / "DevToolsActivePort"
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        lines = port_file.read_text().splitlines() if port_file.exists() else []
        if len(lines) > 1:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(_PAUSE)
    raise AssertionError("Chromium did not start")
