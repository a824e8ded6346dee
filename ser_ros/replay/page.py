"""Pages that open without a network: templates with style and script inside."""

from __future__ import annotations

from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

from ser_ros import __version__


def write_page(out: Path, template: str, script: str, **values: Any) -> None:
    """Render `templates/TEMPLATE` with report.css, SCRIPT and `values`; text is escaped, `Markup` is not."""
    from jinja2 import Environment
    from markupsafe import Markup

    folder = package_files("ser_ros.replay") / "templates"

    def text(name: str) -> str:
        return (folder / name).read_text(encoding="utf-8")

    page = Environment(autoescape=True).from_string(text(template))
    css, code = Markup(text("report.css")), Markup(text(script))
    html = page.render(version=__version__, css=css, script=code, **values)
    partial = out.with_suffix(".partial")
    partial.write_text(html, encoding="utf-8")
    partial.replace(out)
