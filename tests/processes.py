"""Real processes for tests: started with their own log file, ended whatever happens."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

# Seconds; what is waited for ends a wait sooner. A machine with other work takes long to import torch.
PATIENCE = 180.0


class Process:
    """A running program whose stdout and stderr go to one file.

    Attributes:
        popen: the `subprocess.Popen`, for signals and the exit code.
        log: path of the file with all it has printed.
    """

    def __init__(self, command: Sequence[str], log: Path, env: dict[str, str] | None = None) -> None:
        self.command = list(command)
        self.log = log
        with log.open("wb") as output:
            self.popen = subprocess.Popen(
                self.command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env
            )

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_for(self, text: str, timeout: float = PATIENCE) -> str:
        """Return all output once `text` is in it; fail when the process ends first or time runs out."""
        end = time.monotonic() + timeout
        while True:
            ended = self.popen.poll() is not None
            output = self.output
            if text in output:
                return output
            if ended or time.monotonic() > end:
                state = f"ended with {self.popen.returncode}" if ended else f"is silent for {timeout:g} s"
                raise AssertionError(f"{self.command} {state} before it printed {text!r}:\n{output}")
            time.sleep(0.02)

    def wait(self, timeout: float = PATIENCE) -> int:
        """Return the exit code; fail with the output when the process does not end."""
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.command} did not end in {timeout:g} s:\n{self.output}") from None

    def interrupt(self, timeout: float = PATIENCE) -> int:
        """Ctrl-C; return the exit code."""
        self.popen.send_signal(signal.SIGINT)
        return self.wait(timeout)

    def end(self) -> None:
        """Leave nothing running: SIGTERM, then SIGKILL."""
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(5)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()


def python_module(module: str, *arguments: str) -> list[str]:
    """The command `python -m MODULE ARGUMENTS` of the interpreter that runs the tests."""
    return [sys.executable, "-m", module, *arguments]
