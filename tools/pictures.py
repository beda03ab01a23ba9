"""The running demo -> the pictures of the README and of docs/tour.md, small PNGs with a palette.

`make pictures` runs the demo in a data folder of its own and drives Debian's Chromium. Nothing is drawn by hand: what
the pictures show is what a person sees.
"""

import base64
import os
import re
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "pictures"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
LOGIN = "admin"  # the demo's
PATIENCE = 120_000  # milliseconds for one page: the machine may be busy
SIZE = {"width": 1280, "height": 900}
PIXELS = """async data => {
  const picture = new Image();
  picture.src = "data:image/png;base64," + data;
  await picture.decode();
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  const bytes = context.getImageData(0, 0, picture.width, picture.height).data;
  let text = "";
  for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  return [picture.width, picture.height, btoa(text)];
}"""


@contextmanager
def demo() -> Iterator[str]:
    """The demo, judged and serving; its address."""
    environ = os.environ | {"CJ_VAR": str(ROOT / "var" / "pictures"), "CJ_POLL_INTERVAL_MIN": "1"}
    command = [sys.executable, "-m", "cjadmin.local.environment", "manage.py", "demo"]
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield next(found[0] for line in running.stdout or () if (found := re.findall(r"http://\S+/admin/", line)))
        finally:
            running.terminate()


def log_in(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("Username").fill(LOGIN)
    page.get_by_label("Password").fill(LOGIN)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/")


def open_newest(page: Page, address: str, model: str) -> None:
    """The page of the first row of a list, or of the only assessment."""
    page.goto(f"{address}batches/{model}/")
    page.locator("#result_list tbody tr").first.locator("a[href*='/change/']").first.click()


def screens(page: Page, address: str) -> Iterator[str]:
    """Show one screen after another; the name of each while it is shown."""
    page.goto(address)
    yield "front-page"
    open_newest(page, address, "assessment")
    yield "assessment"
    page.goto(f"{address}batches/comparison/?status__exact=JUDGED")
    page.locator("#result_list tbody tr").first.locator("a[href*='/change/']").first.click()
    yield "comparison"
    open_newest(page, address, "batchjob")
    yield "job"
    open_newest(page, address, "scale")
    yield "scale"


def take(page: Page, plain: Page) -> bytes:
    """What is seen, as a PNG with 256 colours."""
    page.wait_for_load_state("networkidle")
    shot = base64.b64encode(page.screenshot(animations="disabled")).decode()
    width, height, data = plain.evaluate(PIXELS, shot)
    pixels = np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)[:, :, :3]
    return png(*with_palette(pixels))


def with_palette(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each pixel's place in a palette of the 256 most frequent colours, and the palette."""
    flat = pixels.reshape(-1, 3).astype(np.int32)
    codes, places, counts = np.unique(flat @ (65536, 256, 1), return_inverse=True, return_counts=True)
    colours = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1)
    chosen = colours[np.argsort(-counts)[:256]]
    nearest = np.array([((chosen - colour) ** 2).sum(axis=1).argmin() for colour in colours], np.uint8)
    return nearest[places].reshape(pixels.shape[:2]), chosen.astype(np.uint8)


def png(indices: np.ndarray, palette: np.ndarray) -> bytes:
    """The bytes of a PNG of 8 bits a pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = indices.shape
    rows = np.hstack([np.zeros((height, 1), np.uint8), indices]).tobytes()
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = [chunk(b"IHDR", head), chunk(b"PLTE", palette.tobytes()), chunk(b"IDAT", zlib.compress(rows, 9))]
    return b"\x89PNG\r\n\x1a\n" + b"".join([*parts, chunk(b"IEND", b"")])


def main() -> None:
    with demo() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_context(viewport=SIZE, locale="en-GB", timezone_id="Europe/London").new_page()  # type: ignore[arg-type]
        page.set_default_timeout(PATIENCE)
        plain = browser.new_page()
        log_in(page, address)
        for name in screens(page, address):
            content = take(page, plain)
            (FOLDER / f"{name}.png").write_bytes(content)
            print(f"{name}.png: {len(content) // 1000} kB", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
