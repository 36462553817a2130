"""Firefox by WebDriver BiDi, which it speaks itself: no geckodriver, which no registry has."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

PROGRAM = shutil.which("firefox-esr") or shutil.which("firefox")
PREFERENCES = {"browser.shell.checkDefaultBrowser": False, "datareporting.policy.dataSubmissionEnabled": False}


class Firefox:
    """A headless Firefox with a profile of its own, and its one tab."""

    def __init__(self, profile: Path) -> None:
        import websocket

        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items())
        (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
        command = [
            PROGRAM,
            "--headless",
            "--no-remote",
            "--profile",
            profile,
            "--remote-debugging-port=0",
            "about:blank",
        ]
        own = {**os.environ, "HOME": str(profile)}
        told = profile / "told.txt"
        with told.open("w") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log, env=own)
        while not (found := re.search(r"(ws://[\d.]+:\d+)\n", told.read_text(encoding="utf-8"))):
            assert self.process.poll() is None, told.read_text(encoding="utf-8")
            time.sleep(0.05)
        self.socket = websocket.create_connection(f"{found[1]}/session", suppress_origin=True, timeout=60)
        self.count = 0
        self.log: list[str] = []
        self("session.new", capabilities={})
        self("session.subscribe", events=["log.entryAdded"])
        self.tab = self("browsingContext.getTree")["contexts"][0]["context"]

    def __call__(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return the result of a command; what is logged meanwhile is kept."""
        self.count += 1
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": parameters}))
        while (message := json.loads(self.socket.recv())).get("id") != self.count:
            if message.get("method") == "log.entryAdded":
                self.log.append(message["params"]["text"])
        assert message["type"] == "success", message
        return dict(message["result"])

    def set_window_size(self, width: int, height: int) -> None:
        self("browsingContext.setViewport", context=self.tab, viewport={"width": width, "height": height})

    def get(self, address: str) -> None:
        self("browsingContext.navigate", context=self.tab, url=address, wait="complete")

    def execute_script(self, body: str) -> Any:
        """Return what the body of a function returns, a value that JSON has."""
        wrapped = f"JSON.stringify((() => {{ {body} }})() ?? null)"
        found = self("script.evaluate", expression=wrapped, target={"context": self.tab}, awaitPromise=False)
        assert found["type"] == "success", found
        return json.loads(found["result"]["value"])

    def press(self, *keys: str) -> None:
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self("input.performActions", context=self.tab, actions=[{"type": "key", "id": "keys", "actions": actions}])

    def quit(self) -> None:
        self.socket.close()
        self.process.terminate()
        self.process.wait()
