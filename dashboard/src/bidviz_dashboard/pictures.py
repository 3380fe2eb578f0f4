"""Pictures of what a bundle would show: its panels, drawn from its samples by the page's own renderers, as PNG files.

The drawing is `static/preview.js` (`dashboard/ui/preview`), which any page can use without our server; here a Chromium
without a window opens such a page.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path
from typing import Any, Literal

import msgspec
import plotly

from bidviz_core.description import Description, encode_description
from bidviz_core.extensions import Renderer
from bidviz_dashboard.chromium import NoPicture, window

__all__ = ["NoPicture", "draw_bundle", "preview_files", "preview_page"]

STATIC = Path(__file__).resolve().parent / "static"
_PLOTLY = Path(plotly.__file__).resolve().parent / "package_data" / "plotly.min.js"

_PAGE = """<!DOCTYPE html>
<html lang="en" data-theme="{theme}"><head><meta charset="utf-8"><title>{title}</title>
<link rel="stylesheet" href="{style}">
<style>body {{ margin: 0; padding: 12px; background: var(--bv-bg); }}</style></head>
<body data-theme="{theme}"><div id="bundle"></div>
<script type="application/json" id="description">{description}</script>
<script type="module">
import {{ drawBundle }} from "{script}";
const description = JSON.parse(document.getElementById("description").textContent);
const options = {{ theme: "{theme}", libraries: {libraries}, renderers: {renderers} }};
window.drawn = drawBundle(document.getElementById("bundle"), description, options);
</script></body></html>
"""
# The module may come after this is asked; then every panel is waited for.
_READY = """new Promise((resolve, reject) => {
  const failed = ({ error, message }) => reject(error ?? new Error(message || "a file could not be loaded"));
  addEventListener("error", failed, true);
  const look = () => (window.drawn ? window.drawn.ready.then(resolve, reject) : requestAnimationFrame(look));
  look();
}).then(() => document.fonts.ready).then(() => true)"""
_BOXES = """[...document.querySelectorAll("[data-panel]")].map((panel) => {
  const box = panel.getBoundingClientRect();
  const clip = { x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height };
  return [panel.dataset.panel, clip, panel.querySelector(".bvc-note:not([hidden])")?.textContent ?? ""];
})"""
#: CSS pixels that no page of a bundle is higher than: all of it is in sight, so that all of it is drawn.
_HIGH = 16_000


def preview_files() -> dict[str, Path]:
    """The files that a page needs to draw bundles, by the name that they want to have beside each other.

    Returns:
        `preview.js` (an ES module that exports `drawBundle`) and `preview.css`, and what the module loads when a chart
        needs it: `plotly.min.js` and `vega.js`.
    """
    return {
        "preview.js": STATIC / "preview.js",
        "preview.css": STATIC / "preview.css",
        "vega.js": STATIC / "vega.js",
        "plotly.min.js": _PLOTLY,
    }


def preview_page(
    description: Description,
    theme: Literal["light", "dark"] = "light",
    address: Callable[[Path], str] = Path.as_uri,
    renderers: Iterable[Renderer] = (),
) -> str:
    """A page that draws a bundle.

    Args:
        description: what the bundle says of itself.
        theme: its colours.
        address: gives a file's address on the page; by default the file itself, which a browser opens only with
            `--allow-file-access-from-files`.
        renderers: those of the bundle's own kinds; their scripts run on the page.
    """
    files = {name: address(path) for name, path in preview_files().items()}
    # `</script>` in somebody's text must not end the script.
    data = encode_description(description).decode().replace("<", "\\u003c")
    libraries = _json({"plotly": files["plotly.min.js"], "vega": files["vega.js"]})
    return _PAGE.format(
        theme=theme,
        title=escape(description.name),
        style=files["preview.css"],
        script=files["preview.js"],
        libraries=libraries,
        renderers=_json({one.kind: _placed(one, address) for one in renderers}),
        description=data,
    )


def draw_bundle(
    description: Description,
    folder: Path,
    *,
    theme: Literal["light", "dark"] = "light",
    width: int = 520,
    scale: float = 1.0,
    told: Callable[[str, str], None] | None = None,
    renderers: Iterable[Renderer] = (),
) -> list[Path]:
    """Draws each panel of a bundle into a PNG.

    Args:
        description: what the bundle says of itself, samples included.
        folder: where to; made if need be.
        theme: the colours.
        width: of a panel, about, in CSS pixels.
        scale: pixels of the picture for a CSS pixel.
        told: called with a panel's id and the sentence that stands in place of its chart, where one does.
        renderers: those of the bundle's own kinds.

    Returns:
        The files, in the order of the panels.

    Raises:
        NoPicture: there is no Chromium (the message says where it was looked for), or it did not draw.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bidviz-pictures-") as place, window() as page:
        index = Path(place) / "index.html"
        index.write_text(preview_page(description, theme, renderers=renderers), encoding="utf-8")
        page.open(index.as_uri(), width + 50, _HIGH, scale)
        page.evaluate(_READY)
        if page.complaints:
            raise NoPicture(f"The charts of {description.name} could not be drawn: {page.complaints[0]}")
        files: list[Path] = []
        for panel, clip, note in page.evaluate(_BOXES):
            if note and told is not None:
                told(panel, note)
            files.append(_free(folder, panel, files))
            files[-1].write_bytes(page.picture(clip))
    return files


def _placed(renderer: Renderer, address: Callable[[Path], str]) -> dict[str, str]:
    style = {} if renderer.style is None else {"style": address(renderer.style)}
    return {"script": address(renderer.script), **style}


def _json(data: Any) -> str:
    return msgspec.json.encode(data).decode().replace("<", "\\u003c")


def _free(folder: Path, panel: str, taken: list[Path]) -> Path:
    """`metric:gradnorm/health:1` → `gradnorm-health-1.png`; numbered where two would be called the same."""
    name = re.sub(r"[^\w.]+", "-", panel.split(":", 1)[-1]).strip("-.").lower() or "chart"
    path, number = folder / f"{name}.png", 1
    while path in taken:
        number += 1
        path = folder / f"{name}-{number}.png"
    return path
