"""The Rerun viewer as a process of its own: a window, or a page for the browser, on this machine alone."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path

from ser_ros.errors import UserError
from ser_ros.replay.rerun_drawing import import_rerun

LOCALHOST = "127.0.0.1"
START_TIMEOUT = 30.0  # seconds; a cold disk reads 100 MB of viewer first


class RerunProcess:
    """A running viewer.

    Rerun's SDK can serve by itself, but then listens on every interface; the program can be bound.

    Args:
        window: open a window; else serve a page.
        port: data arrives here.
        web_port: of the page.
        memory_mb: most data that are kept, the oldest are dropped.

    Attributes:
        source: URL that recordings connect to.
        page: URL to open in a browser, "" with a window.

    Raises:
        UserError: Rerun is not installed, a port is taken, or the viewer does not start.
    """

    def __init__(self, window: bool, port: int, web_port: int, memory_mb: int):
        import_rerun()
        import rerun_cli

        self.source = f"rerun+http://{LOCALHOST}:{port}/proxy"
        query = self.source.replace(":", "%3A").replace("/", "%2F").replace("+", "%2B")
        self.page = "" if window else f"http://{LOCALHOST}:{web_port}/?url={query}"
        ports = {"port": port} if window else {"port": port, "web_port": web_port}
        for name, number in ports.items():
            if _is_open(number):
                raise UserError(f"parameter {name} is {number}, but that port is taken; choose another")
        limit = f"{memory_mb}MB"
        command = [str(Path(rerun_cli.__file__).with_name("rerun"))]  # not bin/rerun, which outlives a kill
        command += ["--bind", LOCALHOST, "--port", str(port), "--server-memory-limit", limit]
        command += (
            ["--memory-limit", limit, "--expect-data-soon"]
            if window
            else ["--serve-web", "--web-viewer-port", str(web_port)]
        )
        # CI: the one variable that turns Rerun's analytics off without touching the user's settings.
        environment = {**os.environ, "CI": "1", "RUST_LOG": "error", "NO_COLOR": "1"}
        self._process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
        end = time.monotonic() + START_TIMEOUT
        while not all(_is_open(number) for number in ports.values()):
            if not self.running or time.monotonic() > end:
                self.close()
                raise UserError(
                    "the Rerun viewer did not start (its own words stand above); "
                    "on a machine without a screen set the parameter window to never"
                )
            time.sleep(0.05)

    @property
    def running(self) -> bool:
        """False once the window was closed."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the viewer."""
        self._process.terminate()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOCALHOST, port)) == 0
